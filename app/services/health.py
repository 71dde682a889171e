"""Whether this installation can take work: a database write and a Redis round trip."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError

from app.adapters.sql.database import Database
from app.kernel.clock import now
from app.kernel.errors import AppError
from app.kernel.ids import new_id
from app.models import Template
from app.services.app_context import AppContext

_PATIENCE_S = 2.0
_IN_PROCESS = "There is no Redis here: runs execute inside the web process; one process only."


class Check(BaseModel):
    """How one part responded."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    milliseconds: int
    message: str = ""


class Readiness(BaseModel):
    """`ready` when every part responded in time. A queue `in-process` means one process only."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    queue: Literal["redis", "in-process"]
    checks: dict[str, Check]


async def readiness(app: AppContext) -> Readiness:
    """Check database and Redis concurrently, each for at most two seconds."""
    database, queue = await asyncio.gather(
        _timed(_write(app.database), "The database cannot be written."),
        _timed(_answers(app), "Redis does not answer."),
    )
    ready = database.ok and queue.ok
    if app.redis_url:
        return Readiness(ready=ready, queue="redis", checks={"database": database, "redis": queue})
    told = queue.model_copy(update={"message": _IN_PROCESS})
    return Readiness(ready=ready, queue="in-process", checks={"database": database, "queue": told})


async def _write(database: Database) -> bool:
    """Commit a row that is inserted and deleted in one transaction: nobody sees it, the disk does."""
    row_id = new_id("request")
    async with database.work() as uow:
        row = Template(
            id=row_id, title="", summary="", description="", category="", needs=[], graph={},
            updated_at=now(),
        )  # fmt: skip
        uow.session.add(row)
        await uow.session.flush()
        await uow.session.delete(row)
    return True


async def _answers(app: AppContext) -> bool:
    return await app.queue.answers()


async def _timed(work: Awaitable[bool], message: str) -> Check:
    started = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            ok = await work
    except (AppError, SQLAlchemyError, TimeoutError):
        ok = False
    spent = round((time.monotonic() - started) * 1_000)
    return Check(ok=ok, milliseconds=spent, message="" if ok else message)
