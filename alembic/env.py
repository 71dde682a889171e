"""How Alembic reaches the database: over the async driver; SQLite tables are rebuilt in batches."""

import asyncio

from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import context
from app.kernel.settings import settings
from app.models import metadata


def run(connection: Connection) -> None:
    """Run the migrations that were asked for, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect(url: str) -> None:
    """Open a connection of our own and migrate."""
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect(context.config.attributes.get("url") or settings().database))
