"""Leases: renewed while the process lives, whatever its loop does; wishes and losses are heard."""

import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.adapters.sql.leases import LeaseHeartbeat
from app.kernel.clock import now
from app.models import Run
from tests.rows import make_actor, make_run


@pytest.fixture
async def keeper(database):
    keeper = LeaseHeartbeat(database.url, "me")
    keeper.start()
    yield keeper
    await keeper.close()


@pytest.fixture
async def run(database):
    return await make_run(database, await make_actor(database), worker="me", lease_until=now())


async def change(database, run, **values):
    async with database.work() as uow:
        await uow.session.execute(update(Run).where(col(Run.id) == run.id).values(**values))


async def lease(database, run):
    async with database.read() as uow:
        return (await uow.session.get(Run, run.id)).lease_until


async def until(is_true, seconds=5):
    async with asyncio.timeout(seconds):
        while not await is_true():
            await asyncio.sleep(0.02)


async def test_a_lease_is_renewed_although_the_loop_is_busy(database, keeper, run):
    keeper.hold(run.id, 1, time.monotonic())
    time.sleep(1.5)  # noqa: ASYNC251 - a node that blocks the loop
    assert await lease(database, run) > now() + timedelta(seconds=0.5)


async def worked(database, run):
    async with database.read() as uow:
        return (await uow.session.get(Run, run.id)).worked_s


async def test_time_at_work_is_counted_whatever_the_clock_says(database, keeper, run, monkeypatch):
    ahead = now() + timedelta(hours=1)
    held = keeper.hold(run.id, 1, time.monotonic())
    began = time.monotonic()
    await asyncio.sleep(1)
    monkeypatch.setattr("app.adapters.sql.leases.now", lambda: ahead)

    async def counted():
        return await worked(database, run) >= 1.5

    await until(counted)
    keeper.let_go(held)
    assert await worked(database, run) <= time.monotonic() - began + 1


async def test_time_beyond_a_lease_is_not_counted(database, keeper, run, monkeypatch):
    keeper._counted -= 3_600
    keeper.hold(run.id, 1, time.monotonic())

    async def counted():
        return await worked(database, run) > 0

    await until(counted)
    assert await worked(database, run) <= 2.5


async def test_cancel_reaches_the_work_within_two_seconds(database, keeper, run):
    held = keeper.hold(run.id, 1, time.monotonic())
    await change(database, run, control="cancel")
    async with asyncio.timeout(2):
        await held.control.cancelled.wait()


async def test_a_run_taken_by_another_process_is_stopped_here(database, keeper, run):
    held = None

    async def work():
        nonlocal held
        held = keeper.hold(run.id, 1, time.monotonic())
        await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    await change(database, run, epoch=2, lease_until=now())
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task
    assert held.why == "lost"
    assert await lease(database, run) < now() + timedelta(seconds=1), (
        "the other one's lease is not ours to renew"
    )


async def test_a_later_life_stays_held_when_the_earlier_one_is_let_go(database, keeper, run):
    first = keeper.hold(run.id, 1, time.monotonic())
    assert keeper.hold(run.id, 1, time.monotonic()) is first
    second = keeper.hold(run.id, 2, time.monotonic())
    keeper.let_go(first)
    assert keeper.count == 1
    keeper.let_go(second)
    assert keeper.count == 0


async def test_a_run_that_ended_by_our_own_hand_is_left_in_peace(database, keeper, run):
    held = keeper.hold(run.id, 1, time.monotonic())
    await change(database, run, status="succeeded", lease_until=None)
    await asyncio.sleep(1.2)
    assert not held.why
    assert await lease(database, run) is None


async def test_a_process_that_stands_still_is_ended(database, monkeypatch):
    monkeypatch.setattr("app.adapters.sql.leases.STALLED_S", 1.0)
    keeper = LeaseHeartbeat(database.url, "me")
    stalled = []
    keeper.start()
    keeper.watch(on_stall=lambda: stalled.append(1))
    await asyncio.sleep(1.2)
    assert not stalled
    time.sleep(2.2)  # noqa: ASYNC251 - the loop is stuck
    assert stalled
    await keeper.close()


async def test_after_standing_still_a_run_goes_on_only_when_it_is_surely_ours(
    keeper, database, run
):
    held = keeper.hold(run.id, run.epoch, time.monotonic())
    await held.be_sure()
    held.proved_at = time.monotonic() - 10  # as after a long stop
    await asyncio.wait_for(held.be_sure(), 5)  # the keeper has looked
    await change(database, run, status="pending")
    held.proved_at = time.monotonic() - 10
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(held.be_sure(), 1.2)


async def test_a_run_that_was_claimed_long_ago_is_not_sure_before_the_keeper_has_looked(
    keeper, database, run
):
    await change(database, run, epoch=run.epoch + 1)  # its lease ran out on the way here
    held = keeper.hold(run.id, run.epoch, time.monotonic() - 3)
    with pytest.raises(asyncio.CancelledError):
        await held.be_sure()
    assert held.why == "lost"
