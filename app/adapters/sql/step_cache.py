"""Cached outputs of steps, in the database, separate for each workspace."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from app.adapters.sql.database import Database
from app.adapters.sql.values import storable
from app.engine.host import CachedOutput
from app.kernel.clock import now
from app.kernel.errors import StorageDown
from app.models import metadata

_CACHE = metadata.tables["step_cache"]
_KEYS = ("workspace_id", "key")
MAX_BYTES = 65_536
"""Larger outputs are not kept: what took longer to read than to make would be no help."""


class SqlStepCache:
    """The cache of a workspace's steps (host.StepCache)."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self._database = database
        self._workspace_id = workspace_id

    async def get(self, key: str) -> CachedOutput | None:
        """Return the cached output under the key if it is still fresh.

        Raises:
            StorageDown: The database does not answer.
        """
        query = select(_CACHE.c.output, _CACHE.c.alive).where(
            _CACHE.c.workspace_id == self._workspace_id,
            _CACHE.c.key == key,
            _CACHE.c.expires_at > now(),
        )
        try:
            async with self._database.read() as uow:
                row = (await uow.session.execute(query)).first()
        except SQLAlchemyError as error:
            raise StorageDown("The database does not answer.") from error
        if row is None:
            return None
        return CachedOutput(row.output, None if row.alive is None else tuple(row.alive))

    async def put(self, key: str, value: CachedOutput, seconds: float) -> None:
        """Keep an output, unless it has more than 64 KB.

        Raises:
            StorageDown: The database does not answer.
        """
        output, data = storable(value.output)
        if len(data) > MAX_BYTES:
            return
        at = now()
        row = {
            "workspace_id": self._workspace_id,
            "key": key,
            "output": output,
            "alive": None if value.alive is None else list(value.alive),
            "created_at": at,
            "expires_at": at + timedelta(seconds=seconds),
        }
        insert: Any = (sqlite if self._database.is_sqlite else postgresql).insert(_CACHE)
        changed = {name: insert.excluded[name] for name in row if name not in _KEYS}
        kept = insert.values(row).on_conflict_do_update(index_elements=_KEYS, set_=changed)
        try:
            async with self._database.work() as uow:
                await uow.session.execute(kept)
        except SQLAlchemyError as error:
            raise StorageDown("The database does not answer.") from error


async def forget_expired(database: Database) -> int:
    """Delete outputs that are no longer fresh; return how many."""
    async with database.work() as uow:
        gone = await uow.session.execute(delete(_CACHE).where(_CACHE.c.expires_at <= now()))
        return int(getattr(gone, "rowcount", 0))
