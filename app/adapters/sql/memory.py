"""Values that workflows keep between runs, in the database."""

from typing import Any, cast

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.adapters.sql.database import Database
from app.adapters.sql.values import storable
from app.engine.sdk import InvalidInput, Json
from app.kernel.clock import now
from app.models import metadata

_VALUE = metadata.tables["memory_value"]
MAX_BYTES = 262_144
MAX_KEY = 200
_KEYS = ("workspace_id", "scope", "key")


class SqlMemory:
    """The memory of one workflow and of its workspace (sdk.KeyValue)."""

    def __init__(self, database: Database, workspace_id: str, workflow_id: str) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._workflow_id = workflow_id

    async def get(self, scope: str, key: str) -> Json:
        """Return the stored value, or None."""
        async with self._database.read() as uow:
            return await uow.session.scalar(select(_VALUE.c.value).where(self._at(scope, key)))

    async def put(self, scope: str, key: str, value: Json) -> None:
        """Store a JSON value.

        Raises:
            InvalidInput: It has more than 256 KB, or the key is empty or too long.
        """
        row = self._row(scope, key, value)
        insert = self._insert(row)
        changed = {name: insert.excluded[name] for name in ("value", "updated_at")}
        async with self._database.work() as uow:
            await uow.session.execute(
                insert.on_conflict_do_update(index_elements=_KEYS, set_=changed)
            )

    async def append(self, scope: str, key: str, value: Json, keep: int) -> list[Json]:
        """Add to the list under the key, keep its last `keep` entries and return them.

        Raises:
            InvalidInput: The key holds something other than a list, or the list became too large.
        """
        place = self._at(scope, key)
        empty = self._insert(self._row(scope, key, [])).on_conflict_do_nothing()
        async with self._database.work() as uow:
            await uow.session.execute(empty)  # so that there is a row to lock
            old = await uow.session.scalar(select(_VALUE.c.value).where(place).with_for_update())
            if not isinstance(old, list | None):
                raise InvalidInput(f"'{key}' holds no list to append to.", field="key")
            row = self._row(scope, key, [*(old or []), value][-keep:])
            changed = {name: row[name] for name in ("value", "updated_at")}
            await uow.session.execute(update(_VALUE).where(place).values(changed))
        return cast(list[Json], row["value"])

    async def delete(self, scope: str, key: str) -> bool:
        """Delete the key; say whether it existed."""
        async with self._database.work() as uow:
            gone = await uow.session.execute(
                delete(_VALUE).where(self._at(scope, key)).returning(_VALUE.c.key)
            )
            return gone.first() is not None

    def _row(self, scope: str, key: str, value: Json) -> dict[str, Json]:
        """The row of a value that may be stored."""
        clean, data = storable(value)
        if len(data) > MAX_BYTES:
            raise InvalidInput(
                f"The value under '{key}' has {len(data):,} bytes; at most {MAX_BYTES:,} are kept."
            )
        return {
            "workspace_id": self._workspace_id,
            "scope": self._scope(scope),
            "key": _checked(key),
            "value": clean,
            "updated_at": now(),
        }

    def _insert(self, row: dict[str, Json]) -> Any:  # noqa: ANN401 - the dialects share names
        return (sqlite if self._database.is_sqlite else postgresql).insert(_VALUE).values(row)

    def _at(self, scope: str, key: str) -> ColumnElement[bool]:
        return and_(
            _VALUE.c.workspace_id == self._workspace_id,
            _VALUE.c.scope == self._scope(scope),
            _VALUE.c.key == _checked(key),
        )

    def _scope(self, scope: str) -> str:
        if scope == "workspace":
            return "workspace"
        if scope == "workflow":
            return self._workflow_id
        raise InvalidInput(
            f"The scope must be 'workflow' or 'workspace', not '{scope}'.", field="scope"
        )


def _checked(key: str) -> str:
    if not key or len(key) > MAX_KEY or "\x00" in key:
        raise InvalidInput(f"A key has 1 to {MAX_KEY} characters.", field="key")
    return key
