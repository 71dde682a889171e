"""How writers of one SQLite file wait for each other."""

import asyncio
import sqlite3
import threading
import time

import pytest
from sqlalchemy import text

from app.adapters.sql import sqlite
from app.adapters.sql.database import Database, is_away


@pytest.fixture
async def file(tmp_path):
    path = tmp_path / "a.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.transact(lambda connection: connection.execute(text("CREATE TABLE t (x)")))
    yield path
    await database.close()


@pytest.fixture
async def database(file):
    opened = Database(f"sqlite+aiosqlite:///{file}")
    yield opened
    await opened.close()


def write(connection):
    connection.execute(text("INSERT INTO t VALUES (1)"))


async def test_a_writer_waits_for_another_process_and_begins_when_that_one_is_done(file, database):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(database.transact(write))
    await asyncio.sleep(0.2)
    assert not writing.done()
    other.execute("COMMIT")
    await writing
    assert other.execute("SELECT count(*) FROM t").fetchone() == (1,)
    other.close()


async def test_a_writer_that_waits_too_long_says_that_the_database_is_away(
    file, database, monkeypatch
):
    monkeypatch.setattr(sqlite, "BUSY_S", 0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Exception, match="locked") as refused:
        await database.transact(write)
    assert is_away(refused.value)
    other.execute("COMMIT")
    other.close()
    await database.transact(write)


async def test_of_two_that_write_again_and_again_neither_starves(file, database):
    ended = threading.Event()

    def greedy():
        with sqlite3.connect(file, isolation_level=None, timeout=5) as other:
            while not ended.is_set():
                other.execute("BEGIN IMMEDIATE")
                other.execute("INSERT INTO t VALUES (2)")
                ended.wait(0.01)
                other.execute("COMMIT")
                ended.wait(0.004)

    thread = threading.Thread(target=greedy)
    thread.start()
    try:
        async with asyncio.timeout(30):
            for _ in range(50):
                await database.transact(write)
    finally:
        ended.set()
        thread.join()


async def test_a_read_that_nobody_waits_for_ends(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    long = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) FROM n"
    )

    async def look():
        async with database.read() as uow:
            await uow.session.execute(long)

    left = [asyncio.create_task(look()) for _ in range(20)]  # more than the pool has places
    await asyncio.sleep(0.3)
    for one in left:
        one.cancel()
    began = time.monotonic()
    await asyncio.gather(*left, return_exceptions=True)
    async with database.read() as uow:
        assert await uow.session.scalar(text("SELECT 1")) == 1
    assert time.monotonic() - began < 5
    await database.close()
