"""A full disk is named as what it is, and nothing is half stored."""

from pathlib import Path

import pytest
from sqlalchemy import text

from app.adapters.sql.database import Database
from app.kernel.errors import StorageDown


async def test_a_full_disk_is_said_and_work_goes_on_when_there_is_room(tmp_path: Path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'small.db'}")
    try:
        async with database.work() as uow:
            await uow.session.execute(text("CREATE TABLE note (words TEXT)"))
            pages = await uow.session.scalar(text("PRAGMA page_count"))
        async with database.work() as uow:
            await uow.session.execute(
                text(f"PRAGMA max_page_count = {pages + 2}")
            )  # the disk's end
        insert = text("INSERT INTO note VALUES (:words)")
        with pytest.raises(StorageDown, match="disk of the database is full"):
            async with database.work() as uow:
                await uow.session.execute(insert, {"words": "x" * 100_000})
        async with database.read() as uow:
            assert await uow.session.scalar(text("SELECT count(*) FROM note")) == 0
        async with database.work() as uow:
            await uow.session.execute(text("PRAGMA max_page_count = 100000"))
        async with database.work() as uow:
            await uow.session.execute(insert, {"words": "x" * 100_000})
        async with database.read() as uow:
            assert await uow.session.scalar(text("SELECT count(*) FROM note")) == 1
    finally:
        await database.close()
