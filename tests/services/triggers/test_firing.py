"""Each time of a schedule is decided once: a run, or the reason why there is none."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.triggers.schedule import LATE, LISTED
from app.kernel.clock import now
from app.models import Run, Schedule, ScheduleFire
from app.services.runs.reading.following import wait_for_run
from app.services.triggers import firing
from app.services.triggers.commands import ScheduleChange, change_schedule, delete_schedule
from app.services.triggers.queries import get_schedule
from app.services.workflows.commands import delete_workflow
from app.worker import triggers as worker_triggers
from app.worker.sweeper import all_duties, sweep_forever
from app.worker.triggers import fire_triggers, tend_triggers
from tests.graphs import APPROVAL, QUICK, START, chain, node
from tests.rows import draft_of, make_actor

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


async def rows(app, table, *order):
    async with app.database.read() as uow:
        return list((await uow.session.execute(select(table).order_by(*order))).scalars())


async def fires(app):
    return [
        (f.fire_at, f.status, f.run_id) for f in await rows(app, ScheduleFire, ScheduleFire.fire_at)
    ]


async def stored(app, schedule_id):
    async with app.database.read() as uow:
        return await uow.session.get_one(Schedule, schedule_id)


async def test_a_time_that_has_come_starts_a_run_with_the_input(app, actor, make):
    made = await make()
    due = made.next_at
    assert await fire_triggers(app, due - SECOND) == 0
    assert await fire_triggers(app, due + SECOND) == 1
    [run] = await rows(app, Run)
    done = await wait_for_run(app, actor, run.id, 5)
    assert (done.status, done.trigger, done.output) == ("succeeded", "schedule", "Hi Ada")
    assert run.started_by == "system"
    assert await fires(app) == [(due, "fired", run.id)]
    assert (await stored(app, made.id)).next_at == due + HOUR
    assert await fire_triggers(app, due + SECOND) == 0


async def test_sweepers_at_once_start_one_run_per_time(app, make):
    made = [await make() for _ in range(5)]
    for turn in range(3):
        at = made[0].next_at + turn * HOUR
        started = await asyncio.gather(*(fire_triggers(app, at) for _ in range(6)))
        if sum(started) < 5:  # one that was held by another at its turn comes in the next second
            started.append(await fire_triggers(app, at))
        assert sum(started) == 5
    found = await fires(app)
    assert len(found) == len({run_id for *_, run_id in found}) == 15
    assert len(await rows(app, Run)) == 15


@pytest.mark.parametrize(
    ("missed", "statuses"), [("once", ["skipped", "skipped", "fired"]), ("skip", ["skipped"] * 3)]
)
async def test_missed_times_follow_the_policy_and_are_recorded(app, make, missed, statuses):
    made = await make(missed=missed)
    at = made.next_at + 2 * HOUR + timedelta(minutes=30)
    assert await fire_triggers(app, at) == statuses.count("fired")
    assert [status for _, status, _ in await fires(app)] == statuses
    assert [at for at, *_ in await fires(app)] == [made.next_at + n * HOUR for n in range(3)]
    assert all(f.message for f in await rows(app, ScheduleFire) if f.status == "skipped")
    assert (await stored(app, made.id)).next_at == made.next_at + 3 * HOUR


async def test_a_time_a_little_late_is_kept_even_when_missed_ones_are_skipped(app, make):
    made = await make(missed="skip")
    assert await fire_triggers(app, made.next_at + LATE) == 1
    again = await fire_triggers(app, made.next_at + HOUR + LATE + SECOND)
    assert again == 0


async def test_a_month_without_a_server_is_caught_up_in_one_go(app, make):
    made = await make(cron="* * * * *")
    at = made.next_at + timedelta(days=30, seconds=30)
    assert await fire_triggers(app, at) == 1
    found = await rows(app, ScheduleFire, ScheduleFire.fire_at)
    assert len(found) == LISTED + 2
    assert found[-1].fire_at == made.next_at + timedelta(days=30)
    assert "all times until" in found[-2].message
    assert (await stored(app, made.id)).next_at == made.next_at + timedelta(days=30, minutes=1)


async def test_a_clock_that_jumps_ahead_and_back_doubles_nothing_and_stops_nothing(app, make):
    made = await make()
    first = made.next_at
    assert await fire_triggers(app, first) == 1
    assert await fire_triggers(app, first + 5 * HOUR) == 1  # it jumps ahead
    assert (await stored(app, made.id)).next_at == first + 6 * HOUR
    await tend_triggers(app, first + SECOND)  # and back
    assert (await stored(app, made.id)).next_at == first + HOUR
    for hour in range(1, 8):
        assert await fire_triggers(app, first + hour * HOUR) == (hour != 5), hour
    found = await fires(app)
    assert [at for at, *_ in found] == [first + n * HOUR for n in range(8)]
    assert len({run_id for *_, run_id in found}) == len(await rows(app, Run)) == 8


async def test_a_clock_a_little_behind_another_machines_changes_nothing(app, make):
    made = await make()
    await tend_triggers(app, (await stored(app, made.id)).planned_at - 30 * SECOND)
    assert (await stored(app, made.id)).next_at == made.next_at


async def test_a_workflow_with_problems_fails_its_time_and_the_next_one_comes(app, actor, make):
    broken = chain(START, node("greet", "data.template", {"template": "Hi {{ trigger.name"}))
    made = await make(broken)
    assert "problem" in made.warnings[0]
    fine = await make()
    assert await fire_triggers(app, made.next_at) == 1, "one that fails stops no other"
    [failed] = [f for f in await rows(app, ScheduleFire) if f.schedule_id == made.id]
    assert (failed.status, failed.run_id) == ("failed", None)
    assert failed.message
    assert [run.workflow_id for run in await rows(app, Run)] == [fine.workflow_id]
    async with app.database.work() as uow:
        (await draft_of(uow, made.workflow_id)).graph = QUICK
    assert await fire_triggers(app, made.next_at + HOUR) == 2


async def test_a_deleted_workflow_fails_its_times_with_the_way_out(app, actor, make):
    made = await make()
    async with app.database.work() as uow:
        await delete_workflow(uow, actor, made.workflow_id)
    assert await fire_triggers(app, made.next_at) == 0
    [failed] = await rows(app, ScheduleFire)
    assert "deleted" in failed.message
    assert (await stored(app, made.id)).next_at == made.next_at + HOUR


async def test_a_defect_fails_the_time_without_telling_its_inside(app, make, monkeypatch):
    made = await make()

    async def broken(*_):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(firing, "start_run", broken)
    assert await fire_triggers(app, made.next_at) == 0
    [failed] = await rows(app, ScheduleFire)
    assert failed.status == "failed"
    assert "hunter2" not in failed.message
    assert (await stored(app, made.id)).next_at == made.next_at + HOUR


async def test_a_crash_before_the_commit_leaves_nothing_and_the_time_is_made_up_for(
    app, make, monkeypatch
):
    made = await make()
    finish = UnitOfWork._finish

    async def die(uow):
        await uow.session.flush()
        raise asyncio.CancelledError

    monkeypatch.setattr(UnitOfWork, "_finish", die)
    with pytest.raises(asyncio.CancelledError):
        await fire_triggers(app, made.next_at)
    monkeypatch.setattr(UnitOfWork, "_finish", finish)
    assert await fires(app) == []
    assert await rows(app, Run) == []
    assert await fire_triggers(app, made.next_at) == 1
    assert len(await fires(app)) == len(await rows(app, Run)) == 1


async def test_a_crash_after_the_commit_starts_nothing_twice(app, make, monkeypatch):
    made = await make(APPROVAL, {"text": "x"})

    async def die(uow):
        await uow.session.commit()
        raise asyncio.CancelledError

    monkeypatch.setattr(UnitOfWork, "_finish", die)
    with pytest.raises(asyncio.CancelledError):
        await fire_triggers(app, made.next_at)
    monkeypatch.undo()
    assert await fire_triggers(app, made.next_at + SECOND) == 0
    [run] = await rows(app, Run)
    assert run.status == "pending", "the sweeper queues it again"
    assert await fires(app) == [(made.next_at, "fired", run.id)]


async def test_off_and_deleted_schedules_do_not_fire_and_nothing_is_made_up_for(app, actor, make):
    made, gone = await make(cron="0 0 1 1 *"), await make()
    async with app.database.work() as uow:
        await change_schedule(uow, actor, made.id, ScheduleChange(enabled=False))
        await delete_schedule(uow, actor, gone.id)
    assert await fire_triggers(app, made.next_at + 3 * HOUR) == 0
    async with app.database.work() as uow:
        again = await change_schedule(uow, actor, made.id, ScheduleChange(enabled=True))
    assert again.next_at == made.next_at
    assert await fires(app) == []


async def test_an_edit_keeps_it_firing(app, actor, make):
    made = await make()
    assert await fire_triggers(app, made.next_at) == 1
    async with app.database.work() as uow:
        change = ScheduleChange(cron="*/30 * * * *", input={"name": "Bob"})
        changed = await change_schedule(uow, actor, made.id, change)
    assert changed.next_at <= now() + HOUR / 2
    await fire_triggers(app, changed.next_at + 2 * HOUR)
    *_, run = await rows(app, Run, Run.number)
    assert (await wait_for_run(app, actor, run.id, 5)).output == "Hi Bob"


async def test_a_zone_that_is_gone_holds_up_nobody_and_is_looked_at_again(app, actor, make, caplog):
    made, fine = await make(), await make()
    async with app.database.work() as uow:
        await uow.session.execute(
            update(Schedule).where(col(Schedule.id) == made.id).values(timezone="Mars/Olympus")
        )
    assert await fire_triggers(app, made.next_at) == 1
    assert (await stored(app, made.id)).next_at == made.next_at + HOUR
    failed, fired = sorted(await rows(app, ScheduleFire), key=lambda one: one.status)
    assert (failed.schedule_id, failed.status, failed.fire_at) == (made.id, "failed", made.next_at)
    assert "does not know the time zone 'Mars/Olympus'" in failed.message
    assert (fired.schedule_id, fired.status) == (fine.id, "fired")
    async with app.database.read() as uow:
        seen = await get_schedule(uow, actor, made.id)
    assert (seen.enabled, seen.next_at, seen.last_fire.message) == (True, None, failed.message)
    await fire_triggers(app, made.next_at + HOUR)
    await fire_triggers(app, made.next_at + 2 * HOUR)
    assert (await stored(app, made.id)).next_at == made.next_at + 3 * HOUR
    assert len([f for f in await rows(app, ScheduleFire) if f.schedule_id == made.id]) == 1
    [said] = [record for record in caplog.records if "time zone" in record.message]
    assert (said.levelname, said.exc_info, said.timezone) == ("WARNING", None, "Mars/Olympus")
    back = made.next_at - timedelta(days=1)
    await tend_triggers(app, back)
    assert (await stored(app, made.id)).next_at == back + HOUR
    assert (await stored(app, fine.id)).planned_at == back


async def test_a_zone_that_is_back_starts_nothing_at_the_moment_it_is_found(app, make):
    made = await make(cron="0 9 * * *")

    async def set_zone(name):
        async with app.database.work() as uow:
            which = update(Schedule).where(col(Schedule.id) == made.id)
            await uow.session.execute(which.values(timezone=name))

    await set_zone("Mars/Olympus")
    assert await fire_triggers(app, made.next_at + SECOND) == 0
    await set_zone("UTC")
    assert await fire_triggers(app, made.next_at + HOUR + SECOND) == 0
    assert (await stored(app, made.id)).next_at == made.next_at + 24 * HOUR
    assert [status for _, status, _ in await fires(app)] == ["failed"]
    assert await fire_triggers(app, made.next_at + 24 * HOUR) == 1


async def test_what_is_long_past_is_forgotten(app, actor, make):
    made = await make(missed="skip")
    await fire_triggers(app, made.next_at)
    async with app.database.work() as uow:
        await delete_schedule(uow, actor, made.id)
    await tend_triggers(app, made.next_at + firing.KEPT - HOUR)
    assert len(await fires(app)) == 1
    await tend_triggers(app, made.next_at + firing.KEPT + timedelta(days=1))
    assert await fires(app) == []
    assert await rows(app, Schedule) == []
    assert len(await rows(app, Run)) == 1, "runs stay"


async def test_the_sweeper_fires_by_itself(app, actor, make, monkeypatch):
    made = await make(cron="0 0 1 1 *")
    async with app.database.work() as uow:
        row = await uow.session.get_one(Schedule, made.id)
        row.next_at = due = now()
    duty = next(duty for duty in all_duties() if duty.work is fire_triggers)
    sweeping = asyncio.create_task(sweep_forever(app, [duty]))
    async with asyncio.timeout(5):
        while not await fires(app):
            await asyncio.sleep(0.05)
    sweeping.cancel()
    [(at, status, run_id)] = await fires(app)
    assert (at, status) == (due, "fired")
    assert (await wait_for_run(app, actor, run_id, 5)).status == "succeeded"


async def test_schedules_fire_into_their_own_workspace(app, make):
    made = await make()
    other = await make_actor(app.database)
    await fire_triggers(app, made.next_at)
    [run] = await rows(app, Run)
    assert run.workspace_id != other.workspace_id
    assert run.workspace_id == (await stored(app, made.id)).workspace_id


def test_firing_is_a_duty_of_the_sweeper():
    every = {duty.work: duty.every_s for duty in all_duties()}
    assert every[worker_triggers.fire_triggers] <= 1
    assert worker_triggers.tend_triggers in every
