"""The desk of a worker: no more than its places, no call lost, limits let go at once, orderly closing."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.adapters.redis.queue import Queue
from app.models import Run, Workspace
from app.worker import claimer as desks
from app.worker.claimer import Desk
from tests.graphs import slow


@pytest.fixture
def counted(world):
    """How many runs call the outside at once, at most; each call takes a moment."""

    class Count:
        now = most = 0
        pause = 0.05

    async def call(_):
        Count.now += 1
        Count.most = max(Count.most, Count.now)
        await asyncio.sleep(Count.pause)
        Count.now -= 1

    world.on_http = call
    return Count


@asynccontextmanager
async def working(*desk):
    tasks = [asyncio.create_task(one.work()) for one in desk]
    try:
        yield
    finally:
        for one in desk:
            one.close()
        await asyncio.gather(*tasks)


async def until_done(parts, count, seconds=20):
    async def done():
        async with parts.database.read() as uow:
            query = select(func.count()).where(col(Run.status) == "succeeded")
            return int(await uow.session.scalar(query))

    async with asyncio.timeout(seconds):
        while await done() < count:
            await asyncio.sleep(0.02)


async def test_all_runs_are_executed_with_no_more_at_once_than_places(parts, start, counted):
    for _ in range(7):
        await start(slow(1), {})
    async with working(Desk(parts, 3)):
        await until_done(parts, 7)
    assert counted.most == 3


async def test_two_desks_share_the_work_and_execute_nothing_twice(parts, start, counted, world):
    counted.pause = 0.5
    for _ in range(12):
        await start(slow(1), {})
    async with working(Desk(parts, 2), Desk(parts, 2)):
        await until_done(parts, 12)
    assert len(world.calls) == 12
    assert 2 < counted.most <= 4


async def test_a_run_whose_job_was_lost_is_found_by_looking(parts, start, counted):
    desk = Desk(parts, 3)
    async with working(desk):
        await asyncio.sleep(0.1)
        await start(slow(1), {})
        parts.queue._redis.flushall()
        await until_done(parts, 1, seconds=desks.LOOK_S + 2)


async def test_without_redis_runs_are_executed_all_the_same(parts, start, counted):
    here, parts.queue = parts.queue, Queue("redis://127.0.0.1:1/0")
    async with working(Desk(parts, 3)):
        run = await start(slow(1), {})
        assert "Redis does not answer" in run.notice
        await until_done(parts, 1, seconds=desks.LOOK_S + 2)
    await parts.queue.close()
    parts.queue = here


async def test_a_run_that_ends_lets_one_over_the_limit_begin_at_once(
    parts, actor, start, counted, monkeypatch
):
    monkeypatch.setattr(desks, "LOOK_S", 60.0)
    async with parts.database.work() as uow:
        await uow.session.execute(update(Workspace).values(max_running=1))
    for _ in range(4):
        await start(slow(1), {})
    async with working(Desk(parts, 10)):
        await until_done(parts, 4)
    assert counted.most == 1


async def test_a_run_over_the_limit_begins_elsewhere_within_a_look(parts, start, counted):
    counted.pause = 1.0
    async with parts.database.work() as uow:
        await uow.session.execute(update(Workspace).values(max_running=1))
    await start(slow(1), {})
    first, second = Desk(parts, 1), Desk(parts, 1)
    async with working(first):
        async with asyncio.timeout(5):
            while not counted.now:
                await asyncio.sleep(0.01)
        await start(slow(1), {})
        first.close()  # the first one takes no more
        async with working(second):
            await until_done(parts, 2, seconds=1.0 + 2 * desks.LOOK_S + 2)
    assert counted.most == 1


async def test_a_closed_desk_lets_its_runs_end_and_takes_no_more(parts, start, counted):
    await start(slow(1), {})
    desk = Desk(parts, 3)
    async with working(desk):
        async with asyncio.timeout(5):
            while not counted.now:
                await asyncio.sleep(0.01)
        desk.close()
        await start(slow(1), {})
        desk.call()
        await until_done(parts, 1)
        await asyncio.sleep(0.1)
    assert (desk.free, desk.in_flight) == (0, 0)
    async with parts.database.read() as uow:
        query = select(func.count()).where(col(Run.status) == "pending")
        assert await uow.session.scalar(query) == 1


async def test_a_call_is_answered_when_its_claim_is_done(parts, start, counted):
    desk = Desk(parts, 3)
    async with working(desk):
        for _ in range(3):
            await start(slow(1), {})
            async with asyncio.timeout(5):
                await desk.called()
            assert desk.in_flight >= 1
        await until_done(parts, 3)
    async with asyncio.timeout(1):
        await desk.called()  # closed by now: nobody waits for it in vain
