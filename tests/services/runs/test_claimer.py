"""The desk of a worker: no more than its places, no call lost, limits let go at once, orderly closing."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.adapters.redis.queue import Queue
from app.models import Run, Workspace
from app.worker.claimer import LOOK_S, Claimer
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
async def working(*claimers):
    tasks = [asyncio.create_task(one.work()) for one in claimers]
    try:
        yield
    finally:
        for one in claimers:
            one.close()
        await asyncio.gather(*tasks)


async def until_done(app, count, seconds=20):
    async def done():
        async with app.database.read() as uow:
            query = select(func.count()).where(col(Run.status) == "succeeded")
            return int(await uow.session.scalar(query))

    async with asyncio.timeout(seconds):
        while await done() < count:
            await asyncio.sleep(0.02)


async def test_all_runs_are_executed_with_no_more_at_once_than_places(app, start, counted):
    for _ in range(7):
        await start(slow(1), {})
    async with working(Claimer(app, 3)):
        await until_done(app, 7)
    assert counted.most == 3


async def test_two_claimers_share_the_work_and_execute_nothing_twice(app, start, counted, world):
    counted.pause = 0.5
    for _ in range(12):
        await start(slow(1), {})
    async with working(Claimer(app, 2), Claimer(app, 2)):
        await until_done(app, 12)
    assert len(world.calls) == 12
    assert 2 < counted.most <= 4


async def test_a_run_whose_job_was_lost_is_found_by_looking(app, start, counted):
    claimer = Claimer(app, 3)
    async with working(claimer):
        await asyncio.sleep(0.1)
        await start(slow(1), {})
        app.queue._redis.flushall()
        await until_done(app, 1, seconds=LOOK_S + 2)


async def test_without_redis_runs_are_executed_all_the_same(app, start, counted):
    here = app.queue
    app.queue = app.database.queue = Queue("redis://127.0.0.1:1/0")
    async with working(Claimer(app, 3)):
        run = await start(slow(1), {})
        assert "Redis does not answer" in run.notice
        await until_done(app, 1, seconds=LOOK_S + 2)
    await app.queue.close()
    app.queue = app.database.queue = here


async def test_a_run_that_ends_lets_one_over_the_limit_begin_at_once(
    app, actor, start, counted, monkeypatch
):
    monkeypatch.setattr("app.worker.claimer.LOOK_S", 60.0)
    async with app.database.work() as uow:
        await uow.session.execute(update(Workspace).values(max_running=1))
    for _ in range(4):
        await start(slow(1), {})
    async with working(Claimer(app, 10)):
        await until_done(app, 4)
    assert counted.most == 1


async def test_a_run_over_the_limit_begins_elsewhere_within_a_look(app, start, counted):
    counted.pause = 1.0
    async with app.database.work() as uow:
        await uow.session.execute(update(Workspace).values(max_running=1))
    await start(slow(1), {})
    first, second = Claimer(app, 1), Claimer(app, 1)
    async with working(first):
        async with asyncio.timeout(5):
            while not counted.now:
                await asyncio.sleep(0.01)
        await start(slow(1), {})
        first.close()  # the first one takes no more
        async with working(second):
            await until_done(app, 2, seconds=1.0 + 2 * LOOK_S + 2)
    assert counted.most == 1


async def test_a_closed_desk_lets_its_runs_end_and_takes_no_more(app, start, counted):
    await start(slow(1), {})
    claimer = Claimer(app, 3)
    async with working(claimer):
        async with asyncio.timeout(5):
            while not counted.now:
                await asyncio.sleep(0.01)
        claimer.close()
        await start(slow(1), {})
        claimer.call()
        await until_done(app, 1)
        await asyncio.sleep(0.1)
    assert (claimer.free, claimer.in_flight) == (0, 0)
    async with app.database.read() as uow:
        query = select(func.count()).where(col(Run.status) == "pending")
        assert await uow.session.scalar(query) == 1


async def test_a_call_is_answered_when_its_claim_is_done(app, start, counted):
    claimer = Claimer(app, 3)
    async with working(claimer):
        for _ in range(3):
            await start(slow(1), {})
            async with asyncio.timeout(5):
                await claimer.called()
            assert claimer.in_flight >= 1
        await until_done(app, 3)
    async with asyncio.timeout(1):
        await claimer.called()  # closed by now: nobody waits for it in vain
