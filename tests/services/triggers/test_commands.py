"""Making, changing, reading schedules: rules, roles, workspaces, errors that name field and fix."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlmodel import col

from app.kernel.errors import Denied, InvalidInput, NotFound, TooLarge, TooMuch
from app.models import AuditEntry, Schedule
from app.services.access import Actor
from app.services.triggers import commands
from app.services.triggers.commands import (
    NewSchedule,
    ScheduleChange,
    change_schedule,
    create_schedule,
    delete_schedule,
    restore_schedule,
    run_schedule_now,
)
from app.services.triggers.queries import get_schedule, list_fires, list_schedules, preview_rule
from app.services.workflows.commands import delete_workflow
from app.worker.triggers import fire_triggers
from tests.graphs import chain, node
from tests.rows import make_actor, make_workflow

BERLIN = "Europe/Berlin"
FORM = chain(
    node(
        "start",
        "trigger.manual",
        {"fields": [{"name": "customer", "type": "text", "required": True}]},
    ),
    node("answer", "flow.respond"),
)


async def change(app, actor, schedule_id, **wish):
    async with app.database.work() as uow:
        return await change_schedule(uow, actor, schedule_id, ScheduleChange(**wish))


async def read(app, query, *args, **more):
    async with app.database.read() as uow:
        return await query(uow, *args, **more)


async def test_a_schedule_knows_its_next_five_times_and_its_words(app, actor, make):
    made = await make(cron="30 2 * * *", timezone="europe/berlin")
    assert (made.name, made.timezone, made.words) == ("Flow", BERLIN, "At 02:30 every day")
    assert len(made.next_fires) == 5
    assert made.next_fires[0] == made.next_at > datetime.now(UTC)
    assert made.warnings == ()
    assert await read(app, get_schedule, actor, made.id) == made


async def test_a_zone_that_the_system_does_not_know_any_more_is_told_and_can_be_replaced(
    app, actor, make
):
    made = await make(cron="30 2 * * *", timezone=BERLIN)
    async with app.database.work() as uow:
        gone = update(Schedule).where(col(Schedule.id) == made.id).values(timezone="Mars/Olympus")
        await uow.session.execute(gone)
    seen = await read(app, get_schedule, actor, made.id)
    assert (seen.zone_known, seen.next_at, seen.next_fires) == (False, None, ())
    assert "'Mars/Olympus'" in seen.warnings[0]
    [line] = (await read(app, list_schedules, actor)).items
    assert (line.zone_known, line.next_at, line.words) == (False, None, made.words)
    renamed = await change(app, actor, made.id, name="Other")
    assert (renamed.name, renamed.zone_known) == ("Other", False)
    assert not (await change(app, actor, made.id, enabled=False)).enabled
    with pytest.raises(InvalidInput, match="Mars/Olympus"):
        await change(app, actor, made.id, enabled=True)
    async with app.database.work() as uow:
        await delete_schedule(uow, actor, made.id)
        assert (await restore_schedule(uow, actor, made.id)).zone_known is False
    mended = await change(app, actor, made.id, timezone=BERLIN, enabled=True)
    assert (mended.zone_known, mended.next_at, mended.warnings) == (True, made.next_at, ())


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"name": " " * 3 + "x" * 201}, "name"),
    ],
)
async def test_what_will_not_do_names_its_field_and_stores_nothing(app, actor, make, wish, field):
    with pytest.raises(InvalidInput) as caught:
        await make(**wish)
    assert caught.value.context["field"] == field
    assert (await read(app, list_schedules, actor)).items == ()


async def test_an_unknown_policy_is_refused():
    with pytest.raises(ValidationError):
        NewSchedule(workflow_id="w", cron="* * * * *", missed="all")


@pytest.mark.parametrize(
    ("given", "field"),
    [({"other": 1}, "input.customer"), ([1], "input"), ({"customer": {}}, "input.customer")],
)
async def test_an_input_that_does_not_fit_is_refused(app, make, given, field):
    with pytest.raises(InvalidInput, match="does not fit") as caught:
        await make(FORM, given)
    assert caught.value.context["field"] == field


async def test_an_input_too_large_to_keep_is_refused(make):
    with pytest.raises(TooLarge, match="at most 200,000"):
        await make(given={"name": "x" * 200_000})


async def test_a_workflow_that_cannot_run_yet_is_only_warned_about(make):
    blank = await make({"schema": 1, "nodes": [], "edges": []})
    assert "no trigger" in blank.warnings[0]
    broken = {
        "schema": 1,
        "nodes": [node("start", "trigger.manual"), node("x", "no.such")],
        "edges": [],
    }
    assert "problem" in (await make(broken)).warnings[0]


async def test_a_change_of_the_rule_counts_from_now_and_other_changes_keep_the_next_time(
    app, actor, make
):
    made = await make(cron="0 0 1 1 *")
    renamed = await change(app, actor, made.id, name="Yearly", missed="skip")
    assert (renamed.name, renamed.missed, renamed.next_at) == ("Yearly", "skip", made.next_at)
    sooner = await change(app, actor, made.id, cron="* * * * *")
    assert datetime.now(UTC) < sooner.next_at <= datetime.now(UTC) + timedelta(minutes=1)
    off = await change(app, actor, made.id, enabled=False)
    assert (off.enabled, off.next_at) == (False, None)
    assert (await change(app, actor, made.id, cron="0 0 1 1 *")).next_at is None
    assert (await change(app, actor, made.id, enabled=True)).next_at == made.next_at


async def test_a_change_that_will_not_do_changes_nothing(app, actor, make):
    made = await make()
    for wish in ({"cron": "x"}, {"timezone": "x"}, {"name": "  "}):
        with pytest.raises(InvalidInput):
            await change(app, actor, made.id, **wish)
    with pytest.raises(NotFound):
        await change(app, actor, made.id, workflow_id="wfl_none")
    assert await read(app, get_schedule, actor, made.id) == made


async def test_input_can_be_emptied_and_another_workflow_chosen(app, actor, make):
    made = await make()
    form = await make_workflow(app.database, actor, FORM, "Form")
    with pytest.raises(InvalidInput, match="customer"):
        await change(app, actor, made.id, workflow_id=form)
    moved = await change(app, actor, made.id, workflow_id=form, input={"customer": "Ada"})
    assert (moved.workflow_name, moved.input) == ("Form", {"customer": "Ada"})
    assert (
        await change(app, actor, made.id, workflow_id=made.workflow_id, input=None)
    ).input is None


async def test_lists_are_searched_filtered_and_paged(app, actor, make):
    nightly = await make(name="Nightly report")
    others = [await make(name=f"Other {n}") for n in range(3)]
    found = await read(app, list_schedules, actor, search="NIGHT")
    assert [one.id for one in found.items] == [nightly.id]
    assert len((await read(app, list_schedules, actor, search="flow")).items) == 4, "by workflow"
    assert (await read(app, list_schedules, actor, search="%")).items == ()
    mine = await read(app, list_schedules, actor, workflow_id=others[0].workflow_id)
    assert [one.id for one in mine.items] == [others[0].id]
    first = await read(app, list_schedules, actor, limit=3)
    rest = await read(app, list_schedules, actor, limit=3, cursor=first.next_cursor)
    ids = [one.id for one in (*first.items, *rest.items)]
    assert ids == [one.id for one in (*others[::-1], nightly)]
    assert rest.next_cursor is None


async def test_history_is_paged_and_the_list_shows_the_last_result(app, actor, make):
    made = await make()
    for hour in range(5):
        await fire_triggers(app, made.next_at + timedelta(hours=hour))
    first = await read(app, list_fires, actor, made.id, limit=3)
    rest = await read(app, list_fires, actor, made.id, limit=3, cursor=first.next_cursor)
    times = [one.fire_at for one in (*first.items, *rest.items)]
    assert times == [made.next_at + timedelta(hours=n) for n in range(4, -1, -1)]
    assert all(one.run_number for one in first.items)
    [line] = (await read(app, list_schedules, actor)).items
    assert line.last_fire.run_id == first.items[0].run_id


async def test_a_run_by_hand_is_in_the_history_and_moves_nothing(app, actor, make):
    made = await make()
    async with app.database.work() as uow:
        run = await run_schedule_now(app, uow, actor, made.id, "once")
    async with app.database.work() as uow:
        assert (await run_schedule_now(app, uow, actor, made.id, "once")).id == run.id
    [fire] = (await read(app, list_fires, actor, made.id)).items
    assert (fire.run_id, fire.status) == (run.id, "fired")
    assert (await read(app, get_schedule, actor, made.id)).next_at == made.next_at


async def test_deleted_is_gone_until_it_is_restored(app, actor, make):
    made = await make(cron="0 0 1 1 *")
    async with app.database.work() as uow:
        await delete_schedule(uow, actor, made.id)
    assert (await read(app, list_schedules, actor)).items == ()
    with pytest.raises(NotFound):
        await read(app, get_schedule, actor, made.id)
    async with app.database.work() as uow:
        back = await restore_schedule(uow, actor, made.id)
    assert back.next_at == made.next_at
    with pytest.raises(NotFound):
        async with app.database.work() as uow:
            await restore_schedule(uow, actor, made.id)


async def test_a_deleted_workflow_is_said(app, actor, make):
    made = await make()
    async with app.database.work() as uow:
        await delete_workflow(uow, actor, made.workflow_id)
    found = await read(app, get_schedule, actor, made.id)
    assert found.workflow_deleted
    assert "deleted" in found.warnings[0]


async def test_viewers_may_look_and_no_more(app, actor, make):
    made = await make()
    viewer = Actor(actor.user_id, actor.workspace_id, "viewer")
    await read(app, get_schedule, viewer, made.id)
    await read(app, list_fires, viewer, made.id)
    assert preview_rule(viewer, "@daily", "UTC").words
    acts = [
        (create_schedule, (NewSchedule(workflow_id=made.workflow_id, cron="@daily"),)),
        (change_schedule, (made.id, ScheduleChange(name="x"))),
        (delete_schedule, (made.id,)),
        (restore_schedule, (made.id,)),
        (partial(run_schedule_now, app), (made.id,)),
    ]
    for act, values in acts:
        with pytest.raises(Denied):
            async with app.database.work() as uow:
                await act(uow, viewer, *values)


async def test_another_workspace_finds_nothing(app, actor, make):
    made = await make()
    other = await make_actor(app.database)
    assert (await read(app, list_schedules, other)).items == ()
    for query in (get_schedule, list_fires):
        with pytest.raises(NotFound):
            await read(app, query, other, made.id)
    acts = [
        (create_schedule, (NewSchedule(workflow_id=made.workflow_id, cron="@daily"),)),
        (change_schedule, (made.id, ScheduleChange(name="x"))),
        (delete_schedule, (made.id,)),
        (partial(run_schedule_now, app), (made.id,)),
    ]
    for act, values in acts:
        with pytest.raises(NotFound):
            async with app.database.work() as uow:
                await act(uow, other, *values)


async def test_each_change_is_in_the_audit(app, actor, make):
    made = await make()
    await change(app, actor, made.id, name="x")
    async with app.database.work() as uow:
        await run_schedule_now(app, uow, actor, made.id)
        await delete_schedule(uow, actor, made.id)
        await restore_schedule(uow, actor, made.id)
    async with app.database.read() as uow:
        query = (
            select(AuditEntry)
            .where(col(AuditEntry.subject) == made.id)
            .order_by(col(AuditEntry.id))
        )
        found = (await uow.session.execute(query)).scalars().all()
    assert {one.action for one in found} == {
        f"schedule.{act}" for act in ("create", "change", "run", "delete", "restore")
    }


async def test_a_workspace_has_room_for_so_many(app, make, monkeypatch):
    monkeypatch.setattr(commands, "MAX_SCHEDULES", 1)
    await make()
    with pytest.raises(TooMuch, match="Delete one"):
        await make()


def test_a_preview_shows_the_clocks_of_the_zone():
    viewer = Actor("u", "w", "viewer")
    found = preview_rule(viewer, "0 9 * * 1-5", "asia/kathmandu", 3)
    assert [at.local.utcoffset() for at in found.next_fires] == [timedelta(hours=5, minutes=45)] * 3
    assert all((at.local.hour, at.local.minute) == (9, 0) for at in found.next_fires)
    with pytest.raises(InvalidInput):
        preview_rule(viewer, "0 9 * * 1-5", "UTC", 51)
