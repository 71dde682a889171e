"""What says whether a database is migrated agrees with Alembic, and who needs the tables waits for them."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.adapters.sql import migrations, revisions, tables


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new.db"
    return request.getfixturevalue("postgres_url")


def test_the_newest_revision_is_alembics_head():
    assert revisions.newest() == migrations.head()


def test_the_revision_of_a_file_is_what_its_tables_are_at(tmp_path):
    file = tmp_path / "some.db"
    assert revisions.of_sqlite(file) is None
    assert not file.exists()
    url = f"sqlite+aiosqlite:///{file}"
    migrations.upgrade(url, "0001")
    assert revisions.of_sqlite(file) == "0001"
    migrations.upgrade(url)
    assert revisions.of_sqlite(file) == revisions.newest()
    migrations.downgrade(url)
    assert revisions.of_sqlite(file) is None


def test_what_is_no_database_has_no_revision(tmp_path):
    (tmp_path / "text").write_text("no database at all" * 100)
    sqlite3.connect(tmp_path / "empty").close()
    for name in ("text", "empty", "."):
        assert revisions.of_sqlite(tmp_path / name) is None


async def test_who_needs_the_tables_waits_until_all_of_them_are_there(empty_url, monkeypatch):
    looks: list[str | None] = []
    look = tables._revision

    async def counted(url) -> str | None:
        looks.append(await look(url))
        return looks[-1]

    monkeypatch.setattr(tables, "_revision", counted)
    waiting = asyncio.create_task(tables.until_migrated(empty_url))

    async def until_seen(revision: str | None) -> None:
        async with asyncio.timeout(10):
            while looks[-1:] != [revision]:
                await asyncio.sleep(0.01)

    await until_seen(None)
    await asyncio.to_thread(migrations.upgrade, empty_url, "0001")
    await until_seen("0001")
    assert not waiting.done()
    await asyncio.to_thread(migrations.upgrade, empty_url)
    await asyncio.wait_for(waiting, 10)
    assert looks[-1] == migrations.head()


async def test_a_database_that_is_away_is_waited_for():
    waiting = asyncio.create_task(
        tables.until_migrated("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    )
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    waiting.cancel()


async def test_machines_that_start_at_once_migrate_one_after_the_other(postgres_url):
    engine = create_async_engine(postgres_url)
    async with engine.connect() as first:
        await first.execute(text(f"SELECT pg_advisory_xact_lock({migrations._LOCK})"))
        second = asyncio.create_task(asyncio.to_thread(migrations.upgrade, postgres_url))
        async with engine.connect() as looking, asyncio.timeout(10):
            query = text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            while not (await looking.execute(query)).scalar_one():
                await looking.rollback()
                await asyncio.sleep(0.01)
        await first.commit()
        await asyncio.wait_for(second, 10)
    await engine.dispose()
    assert await asyncio.to_thread(migrations.current, postgres_url) == migrations.head()
