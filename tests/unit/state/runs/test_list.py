import pytest

from app.kernel.errors import NotFound
from app.state.home import HomeState
from app.state.identity import actor
from app.state.runs.list import RunListState
from tests.rows import make_run, make_workflow
from tests.unit.state.conftest import fire, open_tab, sign_up


@pytest.fixture
async def ada(app, token):
    return await actor(open_tab(HomeState, token))


async def loaded(state_class, token):
    tab = open_tab(state_class, token)
    await fire(tab, "load")
    return tab


async def test_runs_are_filtered_by_status_workflow_and_words(app, token, ada):
    one = await make_workflow(app.database, ada, name="Triage")
    two = await make_workflow(app.database, ada, name="Digest")
    await make_run(app.database, ada, one, status="failed")
    await make_run(app.database, ada, two, status="succeeded")
    tab = open_tab(RunListState, token)
    for handler, value, numbers in (
        ("choose_status", "failed", ["#1"]),
        ("choose_status", "all", ["#2", "#1"]),
        ("choose_workflow", two, ["#2"]),
        ("choose_workflow", "all", ["#2", "#1"]),
        ("look_for", "triage", ["#1"]),
        ("look_for", "#2", ["#2"]),
    ):
        await fire(tab, handler, value)
        await fire(tab, "load")
        assert [row.number for row in tab.rows] == numbers, (handler, value)
    await fire(tab, "forget_filters")
    await fire(tab, "load")
    assert len(tab.rows) == 2
    assert ("all", "All workflows") in tab.workflows


async def test_a_new_filter_starts_at_the_first_page(app, token, ada, monkeypatch):
    monkeypatch.setattr("app.state.runs.list.PAGE", 2)
    flow = await make_workflow(app.database, ada)
    for _ in range(3):
        await make_run(app.database, ada, flow, status="succeeded")
    tab = await loaded(RunListState, token)
    await fire(tab, "older")
    await fire(tab, "load")
    assert (tab.page_number, len(tab.rows)) == (2, 1)
    await fire(tab, "choose_status", "succeeded")
    await fire(tab, "load")
    assert (tab.page_number, len(tab.rows)) == (1, 2)


async def test_a_row_tells_unpriced_from_free(app, token, ada):
    await make_run(app.database, ada, status="succeeded", unpriced=True)
    tab = await loaded(RunListState, token)
    assert tab.rows[0].cost == "unpriced"


async def test_a_run_is_canceled_from_the_list(app, token, ada):
    run = await make_run(app.database, ada, status="pending")
    tab = await loaded(RunListState, token)
    assert tab.rows[0].under_way
    await fire(tab, "cancel", run.id)
    await fire(tab, "load")
    assert tab.rows[0].status == "canceled"


async def test_runs_of_others_are_neither_shown_nor_canceled(app, token, ada):
    run = await make_run(app.database, ada, status="pending")
    bob = await sign_up(app, "Bob")
    tab = await loaded(RunListState, bob)
    assert tab.rows == []
    with pytest.raises(NotFound):
        await fire(tab, "cancel", run.id)
