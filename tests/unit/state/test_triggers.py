from datetime import UTC, datetime, timedelta

from app.services.triggers.commands import NewSchedule, create_schedule
from app.services.workflows.commands import create_workflow, delete_workflow
from app.state.identity import actor
from app.state.triggers import SchedulesState
from app.worker.triggers import fire_triggers
from tests.graphs import QUICK
from tests.unit.state.conftest import fire, open_tab, said, sign_up


async def make(app, token, *names):
    """Schedules of one workflow, each every hour; the workflow's id."""
    acting = await actor(open_tab(SchedulesState, token))
    async with app.database.work() as uow:
        workflow = await create_workflow(uow, acting, "Greeting", QUICK)
        for name in names:
            wish = {"cron": "0 * * * *", "name": name, "input": {"name": "Ada"}}
            await create_schedule(uow, acting, NewSchedule(workflow_id=workflow.id, **wish))
    return workflow.id


async def loaded(token):
    tab = open_tab(SchedulesState, token)
    await fire(tab, "load")
    return tab


async def test_list_shows_rule_zone_and_next_time(app, token):
    await make(app, token, "Hourly")
    tab = await loaded(token)
    [row] = tab.rows
    assert (row.name, row.workflow, row.words, row.zone) == (
        "Hourly",
        "Greeting",
        "Every hour",
        "UTC",
    )
    assert row.next_at.endswith("Z")
    assert (row.enabled, row.has_last, tab.ready) == (True, False, True)


async def test_search_looks_in_names(app, token):
    await make(app, token, "Hourly", "Nightly")
    tab = open_tab(SchedulesState, token)
    await fire(tab, "look_for", "NIGHT")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["Nightly"]


async def test_the_switch_turns_a_schedule_off_and_on(app, token):
    await make(app, token, "Hourly")
    tab = await loaded(token)
    await fire(tab, "switch", tab.rows[0].id, False)
    await fire(tab, "load")
    assert (tab.rows[0].enabled, tab.rows[0].next_at) == (False, "")
    await fire(tab, "switch", tab.rows[0].id, True)
    await fire(tab, "load")
    assert tab.rows[0].next_at


async def test_a_time_that_came_links_its_run_and_one_that_failed_says_why(app, token):
    workflow_id = await make(app, token, "Hourly")
    tab = await loaded(token)
    acting = await actor(tab)
    await fire_triggers(app, datetime.now(UTC) + timedelta(hours=1))
    await fire(tab, "load")
    assert tab.rows[0].last.run == "Run #1"
    assert tab.rows[0].last.status in ("running", "succeeded")
    async with app.database.work() as uow:
        await delete_workflow(uow, acting, workflow_id)
    await fire_triggers(app, datetime.now(UTC) + timedelta(hours=2))
    await fire(tab, "open_history", tab.rows[0].id, "Hourly")
    await fire(tab, "load")
    failed = tab.history[0]
    assert failed.status == "failed"
    assert "deleted" in failed.message
    assert tab.rows[0].workflow_deleted


async def test_run_now_says_the_number(app, token):
    await make(app, token, "Hourly")
    tab = await loaded(token)
    assert "Run #1" in said(await fire(tab, "run_now", tab.rows[0].id))


async def test_delete_asks_and_offers_the_way_back(app, token):
    await make(app, token, "Hourly")
    tab = await loaded(token)
    schedule_id = tab.rows[0].id
    await fire(tab, "ask_delete", schedule_id, "Hourly")
    assert (tab.deleting, tab.deleting_name) == (schedule_id, "Hourly")
    assert "Undo" in said(await fire(tab, "delete"))
    await fire(tab, "load")
    assert (tab.rows, tab.deleting) == ([], "")
    await fire(tab, "restore", schedule_id)
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["Hourly"]


async def test_the_form_opens_for_a_new_one_and_for_an_old_one(app, token):
    tab = open_tab(SchedulesState, token)
    await fire(tab, "open_form", "sch_1")
    assert (tab.form_open, tab.editing) == (True, "sch_1")
    assert "changed" in said(await fire(tab, "saved", "Hourly"))
    assert (tab.form_open, tab.editing) == (False, "")
    await fire(tab, "open_form", "")
    assert "scheduled" in said(await fire(tab, "saved", "Hourly"))


async def test_schedules_of_others_are_not_in_the_list(app, token):
    await make(app, token, "Hourly")
    tab = await loaded(await sign_up(app, "Bob"))
    assert tab.rows == []
