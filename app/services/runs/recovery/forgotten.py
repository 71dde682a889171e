"""Runs that need attention because a process died before it finished with them."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.adapters.sql import wakeups
from app.adapters.sql.database import Database
from app.engine.events import TERMINAL_RUN
from app.kernel.clock import now
from app.models import Run


async def unsettled_runs(database: Database, limit: int) -> Sequence[str]:
    """Runs that came to rest, and whose process died before it handled what was requested or had arrived meanwhile: see
    `reconcile`.
    """
    status, control = col(Run.status), col(Run.control)
    waits = status == "waiting"
    looks = (
        select(col(Run.id)).where(
            or_(
                status.in_(("waiting", "paused")) & (control == "cancel"),
                (status == "paused") & control.is_(None),
                (status == "waiting") & (control == "pause"),
            )
        ),
        wakeups.answered(waits),
        wakeups.delivered(waits),
        wakeups.early(waits),
    )
    found: list[str] = []
    async with database.read() as uow:
        for look in looks:
            found += (await uow.session.execute(look.limit(limit))).scalars()
    return list(dict.fromkeys(found))


async def due_runs(database: Database, limit: int) -> Sequence[str]:
    """Waiting runs with a step whose time has come, or whose signal did not come in time."""
    async with database.read() as uow:
        query = wakeups.due(col(Run.status) == "waiting", now()).distinct().limit(limit)
        return (await uow.session.execute(query)).scalars().all()


async def forgotten_kin(database: Database, limit: int) -> Sequence[tuple[str, str]]:
    """Ended runs, each preceded by its workspace, whose end a waiting run was not told of, or that left the runs they
    called active.
    """
    caller = aliased(Run)
    async with database.read() as uow:
        told = wakeups.called_ended(col(Run.status) == "waiting").add_columns(col(Run.workspace_id))
        left = (
            select(col(caller.id), col(caller.workspace_id))
            .join(Run, col(Run.parent_run_id) == col(caller.id))
            .where(
                col(Run.status).not_in(TERMINAL_RUN),
                col(caller.status).in_(TERMINAL_RUN),
                or_(col(Run.control).is_(None), col(Run.control) != "cancel"),
            )
            .distinct()
            .limit(limit)
        )
        ended = [
            *((row[2], row[1]) for row in await uow.session.execute(told.limit(limit))),
            *((row[1], row[0]) for row in await uow.session.execute(left)),
        ]
    return list(dict.fromkeys(ended))
