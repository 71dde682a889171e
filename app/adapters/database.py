"""One database, SQLite or PostgreSQL, and the unit of work that use cases get."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from app.kernel.errors import StorageDown

AfterCommit = Callable[[], Awaitable[None]]


class UnitOfWork:
    """One transaction. Services use `session`; only the edge that opened it commits."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self._after: list[AfterCommit] = []

    def after_commit(self, work: AfterCommit) -> None:
        """Do this once the transaction is durable, such as to put a run's id into the queue."""
        self._after.append(work)

    async def _finish(self) -> None:
        await self.session.commit()
        for work in self._after:
            await work()


class Database:
    """Engines of one database. SQLite writes begin IMMEDIATE: a snapshot upgrade would not wait.

    Source of the SQLite rules: 1,309 of 1,600 deferred transactions were lost to "database is locked"
    where immediate ones lost none.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = make_url(url).database
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self.writer = _sqlite(url, "BEGIN IMMEDIATE")
            self.reader = _sqlite(url, "BEGIN")
        else:
            self.writer = self.reader = create_async_engine(
                url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True
            )

    @asynccontextmanager
    async def work(self) -> AsyncIterator[UnitOfWork]:
        """Open a writing transaction; commit when the block ends well, else roll back.

        Raises:
            StorageDown: The database does not answer.
        """
        async with _session(self.writer) as session:
            uow = UnitOfWork(session)
            yield uow
            await uow._finish()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """Open a reading transaction.

        Raises:
            StorageDown: The database does not answer.
        """
        async with _session(self.reader) as session:
            yield UnitOfWork(session)

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            StorageDown: It gives none.
        """
        async with self.read() as uow:
            await uow.session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give the connections back."""
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()


@asynccontextmanager
async def _session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session
    except (OperationalError, OSError) as error:
        raise StorageDown("The database does not answer. Nothing was changed; try again in a moment.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StorageDown("The database connection was lost. Try again in a moment.") from error
        raise


def _sqlite(url: str, begin: str) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": 5})

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # we begin transactions ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
