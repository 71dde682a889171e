"""Reading one row by key directly through the driver: what every request asks the database."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import make_url

from app.adapters.sql.statements import Prepared, Values

Row = Sequence[Any]

_LOOKS = 4
"""Connections of one process for this."""


class SqliteLooks:
    """Reads rows by key in the loop's own thread: that takes 20 µs, and switching threads five times as long. A reader
    never waits for a writer (WAL).
    """

    def __init__(self, url: str) -> None:
        self._path = make_url(url).database or ":memory:"
        self._connection: sqlite3.Connection | None = None

    async def look(self, prepared: Prepared, values: Values) -> Row | None:
        """Read one row, or None."""
        try:
            if self._connection is None:
                self._connection = _plain_sqlite(self._path)
            row: Row | None = self._connection.execute(
                prepared.sql, prepared.row(values)
            ).fetchone()
        except sqlite3.OperationalError as error:
            raise OSError(f"the database cannot be read: {error}") from error
        return row

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _plain_sqlite(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA query_only=ON")
    return connection


class PostgresLooks:
    """Reads rows by key over a few asyncpg connections of its own, each with its prepared statements."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        # here: an installation on SQLite does not carry it
        import asyncpg  # noqa: PLC0415

        self._connect = asyncpg.connect
        self._lost = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)
        self._free: list[Any] = []
        self._slots = asyncio.Semaphore(_LOOKS)

    async def look(self, prepared: Prepared, values: Values) -> Row | None:
        """Read one row, or None. A connection that was lost meanwhile is reopened, once."""
        async with self._slots:
            try:
                if self._free:
                    with contextlib.suppress(*self._lost):
                        return await self._ask(self._free.pop(), prepared, values)
                return await self._ask(await self._connect(self._url), prepared, values)
            except self._lost as error:
                raise OSError(f"the database does not answer: {error}") from error

    async def _ask(
        self,
        connection: Any,  # noqa: ANN401 - asyncpg's, which has no types
        prepared: Prepared,
        values: Values,
    ) -> Row | None:
        kept = False
        try:
            row: Row | None = await connection.fetchrow(prepared.sql, *prepared.row(values))
            self._free.append(connection)
            kept = True
        finally:
            if not kept:
                connection.terminate()
        return row

    async def close(self) -> None:
        """Close the connections."""
        while self._free:
            await self._free.pop().close()


Looks = SqliteLooks | PostgresLooks
