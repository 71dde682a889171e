"""The sweeper: each duty in its own time, by one process, whatever happens to the others."""

import asyncio
from datetime import timedelta

import pytest

from app.adapters.redis.queue import Queue
from app.kernel.clock import now
from app.kernel.errors import StorageDown
from app.kernel.ids import new_id
from app.models import Wait
from app.worker.sweeper import Crashes, Duty, all_duties, sweep_forever
from tests.rows import make_run


async def until(is_true, seconds=10):
    async with asyncio.timeout(seconds):
        while not is_true():
            await asyncio.sleep(0.01)


class Done:
    """Counts how often a duty was done by each process."""

    def __init__(self):
        self.by: list[str] = []

    async def work(self, app):
        self.by.append(app.name)


async def sweeping(app, *duties):
    return asyncio.create_task(sweep_forever(app, duties))


async def stop(*tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_duty_that_fails_or_hangs_does_not_hold_up_the_others(app):
    good, failed = Done(), 0

    async def bad(_):
        nonlocal failed
        failed += 1
        raise (StorageDown("away") if failed % 2 else ValueError("broken"))

    async def hang(_):
        await asyncio.Event().wait()

    task = await sweeping(app, Duty(hang, 0.01), Duty(bad, 0.01), Duty(good.work, 0.01))
    await until(lambda: len(good.by) > 5 and failed > 3)
    await stop(task)


async def test_one_process_leads_and_another_takes_over(app):
    done = Done()
    other = type("Other", (), {"queue": app.queue, "name": "other"})()
    mine = await sweeping(app, Duty(done.work, 0.05))
    await until(lambda: done.by)
    theirs = await sweeping(other, Duty(done.work, 0.05))
    await until(lambda: len(done.by) > 5)
    assert set(done.by) == {app.name}
    await stop(mine)
    await until(lambda: "other" in done.by)
    await stop(theirs)


async def done_in(seconds: float, app, monkeypatch) -> tuple[set[str], list[str]]:
    """Which duties looked further than a glance within so many seconds, and for which a leader was asked."""
    worked: set[str] = set()
    asked: list[str] = []

    def noted(duty: Duty) -> Duty:
        async def work(app):
            worked.add(duty.name)

        work.__name__ = duty.name
        return Duty(work, 0.05, duty.alone, duty.unless_none)

    async def lead(role, *_):
        asked.append(role)
        return True

    monkeypatch.setattr(app.queue, "lead", lead)
    glances = [noted(duty) for duty in all_duties() if duty.unless_none is not None]
    task = await sweeping(app, *glances)
    await asyncio.sleep(seconds)
    await stop(task)
    return worked, asked


async def test_where_nothing_is_to_do_nobody_asks_for_more_than_a_row(app, actor, monkeypatch):
    await make_run(app.database, actor, status="succeeded")
    assert await done_in(0.3, app, monkeypatch) == (set(), [])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", {"tell_kin"}),
        ("running", {"tell_kin"}),
        ("paused", {"reconcile_forgotten", "tell_kin"}),
        ("waiting", {"reconcile_forgotten", "tell_kin", "tend_waits"}),
        ("due", {"reconcile_forgotten", "tell_kin", "tend_waits", "wake_due"}),
    ],
)
async def test_a_glance_finds_what_each_duty_is_for(app, actor, monkeypatch, status, expected):
    run = await make_run(app.database, actor, status="waiting" if status == "due" else status)
    if status in ("waiting", "due"):
        until = now() + timedelta(seconds=-1 if status == "due" else 600)
        async with app.database.work() as uow:
            uow.session.add(
                Wait(
                    id=new_id("wait"), workspace_id=run.workspace_id, run_id=run.id, step_path="w", kind="time",
                    status="open", until=until, created_at=now(),
                )
            )  # fmt: skip
    worked, _ = await done_in(0.3, app, monkeypatch)
    assert worked == expected


async def test_deaths_are_told_at_once_though_nothing_ran_before(app, actor):
    """While nothing is at work there is no look at leases; the watch stays steady all the same."""
    crashes = Crashes()
    for _ in range(2):
        await crashes.sweep_dead(app)
    crashes.detector._steady_since = 0.0
    run = await make_run(app.database, actor, lease_until=now() - timedelta(seconds=1))
    assert await crashes.sweep_dead(app) == 1
    assert crashes.detector.steady, run.id


async def test_without_redis_each_process_does_its_duties(app):
    done, here = Done(), app.queue
    app.queue = Queue("redis://127.0.0.1:1/0")
    task = await sweeping(app, Duty(done.work, 0.01))
    await until(lambda: len(done.by) > 2)
    await stop(task)
    await app.queue.close()
    app.queue = here
