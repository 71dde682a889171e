"""What a unit of work tells others, and when."""

from contextlib import suppress

import pytest
from sqlalchemy import text

from app.adapters.sql.database import Database
from app.kernel.errors import QueueDown


class Outlets:
    """A bus and a queue that note what they are told; the queue may be away."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.away = False

    def publish(self, events):
        self.told.append(list(events))

    def publish_draft(self, workflow_id, message):
        self.told.append((workflow_id, message))

    async def enqueue(self, run_id, life, *, priority):
        if self.away:
            raise QueueDown("away")
        self.told.append((run_id, life, priority))


@pytest.fixture
def outlets():
    return Outlets()


@pytest.fixture
async def database(tmp_path, outlets):
    opened = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db", bus=outlets, queue=outlets)
    yield opened
    await opened.close()


async def test_others_hear_in_order_once_it_is_committed(database, outlets):
    async with database.work() as uow:
        uow.enqueue("run_1", 2, priority=0)
        uow.publish(["an event"])
        uow.publish_draft("wfl_1", b"{}")
        await uow.session.execute(text("SELECT 1"))
        assert outlets.told == []
    assert outlets.told == [("run_1", 2, 0), ["an event"], ("wfl_1", b"{}")]


async def test_of_what_is_rolled_back_nobody_hears(database, outlets):
    with suppress(ZeroDivisionError):
        async with database.work() as uow:
            uow.enqueue("run_1", 1)
            uow.publish(["an event"])
            raise ZeroDivisionError
    assert outlets.told == []


async def test_a_queue_that_is_away_stops_nothing(database, outlets):
    outlets.away = True
    async with database.work() as uow:
        uow.enqueue("run_1", 1)
        uow.publish(["an event"])
    assert outlets.told == [["an event"]]


async def test_without_bus_and_queue_nobody_is_told(tmp_path):
    alone = Database(f"sqlite+aiosqlite:///{tmp_path}/b.db")
    async with alone.work() as uow:
        uow.enqueue("run_1", 1)
        uow.publish(["an event"])
        uow.publish_draft("wfl_1", b"{}")
    await alone.close()
