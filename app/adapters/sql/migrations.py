"""Migrate a database's tables to a version of the schema, up or down."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, pool, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import command
from app.kernel.errors import InvalidInput, StorageDown

_ROOT = Path(__file__).resolve().parents[3]
_LOCK = 0x6C6F6F6D
"""Key of PostgreSQL's advisory lock: who migrates has it until the transaction ends; others wait, and find it done."""
Got = TypeVar("Got")


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade the tables to a revision; existing ones stay. Call outside of a running loop.

    Raises:
        StorageDown: The database cannot be reached or opened.
        InvalidInput: There is no such revision.
    """

    def one_at_a_time(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # machines that start together share it
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        command.upgrade(_config(connection), revision)

    _within(database_url, one_at_a_time)


def downgrade(database_url: str, revision: str = "base") -> None:
    """Downgrade the tables to a revision; `base` removes them all.

    Raises:
        StorageDown: The database cannot be reached or opened.
        InvalidInput: There is no such revision.
    """
    _within(database_url, lambda connection: command.downgrade(_config(connection), revision))


def current(database_url: str) -> str | None:
    """Return the revision the database is at; None when it is empty.

    Raises:
        StorageDown: The database cannot be reached or opened.
    """
    return _within(
        database_url,
        lambda connection: MigrationContext.configure(connection).get_current_revision(),
    )


def head() -> str | None:
    """Return the newest revision this program knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def is_before(revision: str, other: str | None) -> bool:
    """Whether a revision comes before another one; `base` before all, None is `base`.

    Raises:
        InvalidInput: There is no such revision; the message names those that there are.
    """
    script = ScriptDirectory.from_config(_config(None))
    order = ["base", *reversed([one.revision for one in script.walk_revisions()])]
    known = {"head": order[-1], **{one: one for one in order}}
    for name in (revision, other or "base"):
        if name not in known:
            raise InvalidInput(
                f"There is no revision '{name}'. There are: {', '.join(known)}.", field="revision"
            )
    return order.index(known[revision]) < order.index(known[other or "base"])


def _config(connection: Connection | None) -> Config:
    config = Config(_ROOT / "alembic.ini")
    config.attributes["connection"] = connection
    return config


def _within(database_url: str, work: Callable[[Connection], Got]) -> Got:
    return asyncio.run(_connected(database_url, work))


async def _connected(database_url: str, work: Callable[[Connection], Got]) -> Got:
    url = make_url(database_url)
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except CommandError as error:
        raise InvalidInput(
            f"The tables cannot be brought there: {error}.", field="revision"
        ) from error
    except (OperationalError, OSError) as error:
        raise StorageDown(
            f"The database cannot be opened: {_why(error)} Check DATABASE_URL."
        ) from error
    finally:
        await engine.dispose()


def _why(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(cause).strip().split("\n")[0].rstrip(".") + "."
