"""How SQLite is used: many readers and one writer at a time, in WAL mode.

Writes begin IMMEDIATE: a snapshot upgrade would not wait. Of 1,600 deferred transactions 1,309 were lost to "database
is locked" where immediate ones lost none.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

from app.adapters.sql.checkpoints import WAL_PAGES

BUSY_S = 5.0
"""So long a transaction waits for the one that is writing."""

_AGAIN_S = 0.001
_BEGIN = "BEGIN IMMEDIATE"


def reading_engine(url: str, options: Mapping[str, Any]) -> AsyncEngine:
    """An engine for sessions that read; options as of `create_engine`."""
    path = make_url(url).database or ":memory:"
    made = create_async_engine(url, async_creator=partial(_connected, path), **options)
    _set_up(made.sync_engine, _begin_to_read, BUSY_S)
    return made


class _Reader(aiosqlite.Connection):
    """A connection whose query is interrupted when nobody waits for its answer any more, for example because a page was
    left: otherwise it would keep a processor and its slot in the pool until it is done.
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the library's
        try:
            return await super()._execute(fn, *args, **named)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            if self._connection is not None:
                self._connection.interrupt()
            raise


async def _connected(path: str) -> aiosqlite.Connection:
    reader = _Reader(partial(sqlite3.connect, path, check_same_thread=False), iter_chunk_size=64)
    reader._thread.daemon = True  # as SQLAlchemy has it: a process does not wait for it
    return await reader


def writing_engine(url: str, options: Mapping[str, Any]) -> AsyncEngine:
    """An engine for sessions that write; options as of `create_engine`."""
    made = create_async_engine(url, **options)
    _set_up(made.sync_engine, _begin_in_loop, 0)
    return made


def direct_engine(url: str, options: Mapping[str, Any]) -> Engine:
    """An engine for writing from a thread of its own; options as of `create_engine`."""
    made = create_engine(make_url(url).set(drivername="sqlite"), **options)
    _set_up(made, _begin_in_thread, 0)
    return made


def _set_up(made: Engine, begin: Callable[[Connection], None], busy_s: float) -> None:
    @event.listens_for(made, "connect")
    def _opened(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # we begin transactions
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={round(BUSY_S * 1000)}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={WAL_PAGES}",
            f"busy_timeout={round(busy_s * 1000)}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(made, "begin", begin)


def _begin_to_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_in_loop(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    _begin_soon(
        lambda: await_only(driver.execute(_BEGIN)),
        lambda: await_only(asyncio.sleep(_AGAIN_S)),
    )


def _begin_in_thread(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    _begin_soon(lambda: driver.execute(_BEGIN), lambda: time.sleep(_AGAIN_S))


def _begin_soon(begin: Callable[[], object], pause: Callable[[], None]) -> None:
    """Begin to write as soon as nobody else does.

    SQLite itself retries after 1 to 100 ms, so of two busy processes one waited for up to 1.3 s while the other wrote
    again and again (measured); retrying every millisecond, 0.35 s. All writers do it: leases are renewed beside the
    journals of busy processes.

    Raises:
        OperationalError: Somebody else has been writing for five seconds.
    """
    until = time.monotonic() + BUSY_S
    while True:
        try:
            begin()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise DBAPIError.instance(_BEGIN, None, error, sqlite3.Error) from error
            pause()
        else:
            return
