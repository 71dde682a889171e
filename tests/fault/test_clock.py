"""The machine's clock is set an hour ahead and an hour back while runs are at work: web process, workers and database
find another time, the clocks that only count go on. No promise is broken, and nobody is taken for dead.
"""

import asyncio
import time

import pytest

from tests.chaos.clock import HEARD_S

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
MOVABLE_CLOCK = True
HOUR = 3_600


async def all_succeed(site, runs: list[str]) -> None:
    await site.settle()
    rows = {run["id"]: run for run in (await site.evidence()).runs}
    assert {run: rows[run]["status"] for run in runs if rows[run]["status"] != "succeeded"} == {}


async def test_runs_at_work_and_waits_outlive_jumps_of_the_clock(site):
    await site.until_all_work()
    held = [await site.begin("payment", delay=6_000) for _ in range(2)]
    held += [await site.begin("chain", delay=1_500) for _ in range(2)]
    runs = [await site.begin("turns")]
    for ahead in (HOUR, -HOUR, HOUR, 0):
        site.product.clock.set(ahead)
        began = [
            await site.begin(shape) for shape in ("chain", "wait", "late", "retry", "each_again")
        ]
        site.clients.follow(began[0])
        runs += began
        await asyncio.sleep(HEARD_S)
    began_at = time.monotonic()
    await all_succeed(site, runs + held)
    assert time.monotonic() - began_at < 30, (
        "a wait of a second lasted as long as the clock was ahead"
    )
    lives = {run["id"]: (run["epoch"], run["attempts"]) for run in (await site.evidence()).runs}
    assert {lives[run] for run in held} == {(1, 0)}, "their process lived all the time"


async def test_a_cancel_works_at_any_time_of_the_clock(site):
    for ahead in (HOUR, -HOUR, 0):
        run = await site.begin("chain", delay=8_000)
        resting = await site.begin("wait", seconds=7_200)
        await asyncio.sleep(0.5)
        site.product.clock.set(ahead)
        began = time.monotonic()
        await asyncio.gather(site.clients.cancel(run), site.clients.cancel(resting))
        await site.settle()
        assert time.monotonic() - began < 5
        assert {(await site.row(one))["status"] for one in (run, resting)} == {"canceled"}
        await asyncio.sleep(HEARD_S)


async def test_a_person_stays_signed_in_after_the_clock_is_put_back(site):
    site.product.clock.set(-HOUR)
    await site.faults.kill_web()
    run = await site.begin("quick")
    await all_succeed(site, [run])


async def test_a_worker_that_dies_before_the_clock_is_put_back_is_noticed_all_the_same(site):
    site.product.clock.set(HOUR)
    await asyncio.sleep(HEARD_S)
    runs = [await site.begin("chain", delay=900) for _ in range(3)]
    await asyncio.sleep(1.5)
    await site.faults.kill_workers()
    site.product.clock.set(0)  # their leases now lie an hour ahead
    await all_succeed(site, runs)


async def test_a_run_that_was_stored_while_the_clock_was_ahead_is_not_forgotten(site):
    for worker in site.product.workers:
        worker.wanted = False
    await site.faults.kill_workers()
    site.product.clock.set(HOUR)
    await asyncio.sleep(HEARD_S)
    run = await site.begin("chain")
    site.product.clock.set(0)
    await site.faults.empty_redis()
    for worker in site.product.workers:
        worker.wanted = True
    await all_succeed(site, [run])
