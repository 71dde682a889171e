"""One database, SQLite or PostgreSQL, and the unit of work that use cases get."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import orjson
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.adapters.redis.bus import EventBus
from app.adapters.redis.queue import DEFAULT, RunQueue, offer
from app.adapters.sql import sqlite
from app.adapters.sql.checkpoints import Checkpoints
from app.adapters.sql.reads import Looks, PostgresLooks, Row, SqliteLooks
from app.adapters.sql.statements import Prepared, Values
from app.engine.events import Event
from app.kernel.errors import StorageDown

Got = TypeVar("Got")
Given = ParamSpec("Given")
AfterCommit = Callable[[], Awaitable[None]]


class UnitOfWork:
    """One transaction. Services use `session`; only the edge that opened it commits.

    Messages to others are collected, and sent in this order once the transaction is durable. `database` is where
    follow-up work opens its own transaction.
    """

    def __init__(self, session: AsyncSession, database: "Database") -> None:
        self.session = session
        self.database = database
        self._after: list[AfterCommit] = []

    def after_commit(self, work: AfterCommit) -> None:
        """Do this once the transaction is durable."""
        self._after.append(work)

    def publish(self, events: Sequence[Event]) -> None:
        """Publish these events of a run to whoever follows it."""
        if bus := self.database.bus:
            self._after.append(_later(bus.publish, events))

    def publish_draft(self, workflow_id: str, message: bytes) -> None:
        """Notify the open editors of a workflow of a change."""
        if bus := self.database.bus:
            self._after.append(_later(bus.publish_draft, workflow_id, message))

    def enqueue(self, run_id: str, life: int, *, priority: int = DEFAULT) -> None:
        """Notify the workers of a pending run. The row is the promise: losing a job costs nothing."""
        if queue := self.database.queue:
            self._after.append(lambda: offer(queue, run_id, life, priority=priority))

    async def _finish(self) -> None:
        await self.session.commit()
        for work in self._after:
            await work()


def _later(tell: Callable[Given, None], *args: Given.args, **kwargs: Given.kwargs) -> AfterCommit:
    async def work() -> None:
        tell(*args, **kwargs)

    return work


class Database:
    """Engines of one database.

    Args:
        bus, queue: Where units of work announce what they have committed. Without them nobody is notified, and the
            work is found by polling.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        bus: EventBus | None = None,
        queue: RunQueue | None = None,
    ) -> None:
        self.url = url
        self.bus = bus
        self.queue = queue
        self._direct: Engine | None = None
        self._checkpoints: Checkpoints | None = None
        self._thread = ThreadPoolExecutor(1, "sqlite writer")
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = make_url(url).database
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self.writer = sqlite.writing_engine(url, _JSON)
            self.reader = sqlite.reading_engine(url, _JSON)
            self._direct = sqlite.direct_engine(url, _JSON)
            self._looks: Looks = SqliteLooks(url)
            if path and path != ":memory:":
                self._checkpoints = Checkpoints(path)
        else:
            self.writer = self.reader = create_async_engine(
                url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, **_JSON
            )
            self._looks = PostgresLooks(url)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[UnitOfWork]:
        """Open a writing transaction; commit when the block succeeds, else roll back.

        Raises:
            StorageDown: The database does not answer.
        """
        async with _session(self.writer) as session:
            uow = UnitOfWork(session, self)
            yield uow
            await uow._finish()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """Open a reading transaction.

        Raises:
            StorageDown: The database does not answer.
        """
        async with _session(self.reader) as session:
            yield UnitOfWork(session, self)

    async def transact(self, work: Callable[[Connection], Got]) -> Got:
        """Do plain blocking work in one writing transaction; for hot paths with many statements.

        On SQLite it runs in a thread and connection of its own: one thread switch instead of one for every driver
        call.
        """
        if self._direct is None:
            async with self.writer.begin() as connection:
                return await connection.run_sync(work)
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._thread, self._directly, self._direct, work)
        if self._checkpoints is not None:
            self._checkpoints.soon()
        return done

    @staticmethod
    def _directly(engine: Engine, work: Callable[[Connection], Got]) -> Got:
        try:
            with engine.begin() as connection:
                return work(connection)
        except sqlite3.Error as error:  # of a statement sent to the driver itself
            raise DBAPIError.instance(None, None, error, sqlite3.Error) from error

    async def look(self, statement: Callable[[str], Prepared], values: Values) -> Row | None:
        """Read one row by key directly through the driver: for what every request asks.

        Times and JSON are returned as the driver gives them.

        Raises:
            StorageDown: The database does not answer.
        """
        prepared = statement("sqlite" if self.is_sqlite else "postgresql")
        with storage_down():
            return await self._looks.look(prepared, values)

    async def ping(self) -> None:
        """Check that the database responds.

        Raises:
            StorageDown: It does not.
        """
        async with self.read() as uow:
            await uow.session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close the connections."""
        await self._looks.close()
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()
        if self._direct is not None:
            self._direct.dispose()
        self._thread.shutdown(wait=False)
        if self._checkpoints is not None:
            self._checkpoints.close()


_AWAY = "The database does not answer. Nothing was changed; try again in a moment."
_DISK_FULL = (
    "The disk of the database is full, so nothing was changed. Free some space there; work that was "
    "accepted goes on by itself."
)


def _is_disk_full(error: Exception) -> bool:
    words = str(error).lower()
    return "disk is full" in words or "no space left" in words


def _json(value: Any) -> str:  # noqa: ANN401 - JSON
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(value)


def _value(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


_JSON: dict[str, Any] = {"json_serializer": _json, "json_deserializer": _value}
"""Three times as fast as the standard module, which takes over where orjson refuses."""


@contextmanager
def storage_down() -> Iterator[None]:
    """Turn what the driver raises when the database is away into StorageDown."""
    try:
        yield
    except (DBAPIError, PoolTimeout, OSError) as error:
        if not is_away(error):
            raise
        raise StorageDown(_DISK_FULL if _is_disk_full(error) else _AWAY) from error


def is_away(error: BaseException) -> bool:
    """Whether a driver error means that the database is away, not that a statement is wrong.

    A PostgreSQL that is starting or stopping answers with a plain error, recognised by its SQLSTATE: classes 08
    (connection), 53 (no resources) and 57 (an operator, a start, a crash). One that ended a transaction for the sake
    of others (40: a deadlock) is to be retried as well. A pool times out when its connections hang. SQLite also calls
    a wrong statement operational: its code distinguishes them.
    """
    if getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout, OSError)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state[:2] in ("08", "40", "53", "57")


@asynccontextmanager
async def _session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    with storage_down():
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session
