"""Waits until a database's tables have the schema that this program needs."""

import asyncio
import logging
import time
from pathlib import Path

from sqlalchemy import pool, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.adapters.sql.revisions import newest, of_sqlite

_log = logging.getLogger(__name__)

_LOOK_S = 0.05
_SAID_AFTER_S = 5.0


async def until_migrated(database_url: str) -> None:
    """Wait until the migrating process has brought the database to this version's revision.

    This also waits for a database that is away or does not exist yet.
    """
    url, began, said = make_url(database_url), time.monotonic(), False
    while (found := await _revision(url)) != newest():
        if not said and time.monotonic() - began > _SAID_AFTER_S:
            told = {"found": found, "needed": newest()}
            _log.warning("waiting until the database is migrated: app.cli migrate", extra=told)
            said = True
        await asyncio.sleep(_LOOK_S)


async def _revision(url: URL) -> str | None:
    if url.get_backend_name() == "sqlite":
        return await asyncio.to_thread(of_sqlite, Path(url.database or ""))
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return rows.scalar_one_or_none()
    except (DBAPIError, OSError):  # no tables yet, or nobody answers
        return None
    finally:
        await engine.dispose()
