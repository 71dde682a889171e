from datetime import timedelta

import pytest

from app.kernel.clock import now
from app.state.home import HomeState, change
from app.state.identity import actor
from tests.rows import make_run, make_workflow
from tests.unit.state.conftest import fire, open_tab


@pytest.fixture
async def ada(app, token):
    return await actor(open_tab(HomeState, token))


async def loaded(state_class, token):
    tab = open_tab(state_class, token)
    await fire(tab, "load")
    return tab


async def test_a_fresh_workspace_gets_a_few_templates_to_start_from(app, token):
    tab = await loaded(HomeState, token)
    assert tab.fresh
    assert len(tab.starters) == 3
    assert all(card.keyless for card in tab.starters)


async def test_home_shows_the_numbers_of_a_day(app, token, ada):
    flow = await make_workflow(app.database, ada, name="Triage")
    began = now() - timedelta(minutes=10)
    times = {"started_at": began, "finished_at": began + timedelta(seconds=2)}
    await make_run(app.database, ada, flow, status="succeeded", tokens=40, **times)
    failure = {"code": "x", "message": "The service answered 500."}
    await make_run(app.database, ada, flow, status="failed", error=failure, **times)
    tab = await loaded(HomeState, token)
    assert not tab.fresh
    assert tab.tiles["runs"] == "2"
    assert tab.tiles["success"] == "50.0 %"
    assert tab.tiles["median"] == "2.00 s"
    assert len(tab.hours.columns) == 24
    assert sum("1 failed" in bar.words for bar in tab.hours.columns) == 1
    assert tab.heat[0].name == "Triage"
    assert sum(cell.words.startswith("40 tokens") for cell in tab.heat[0].cells) == 1
    assert tab.failing[0]["error"] == "The service answered 500."


async def test_home_compares_with_the_day_before(app, token, ada):
    flow = await make_workflow(app.database, ada)
    for ago, status in ((30, "failed"), (31, "succeeded"), (1, "succeeded"), (2, "succeeded")):
        moment = now() - timedelta(hours=ago)
        await make_run(app.database, ada, flow, status=status, queued_at=moment)
    tab = await loaded(HomeState, token)
    assert tab.tiles["success_change"] == "▲ 50 points"
    assert tab.tiles["success_trend"] == "up"
    assert tab.tiles["runs_change"] == ""


async def test_home_says_when_it_sums_up_the_newest_runs_only(app, token, ada, monkeypatch):
    monkeypatch.setattr("app.services.runs.reading.home._DAY_ROWS", 2)
    flow = await make_workflow(app.database, ada)
    for _ in range(3):
        await make_run(app.database, ada, flow, status="succeeded")
    tab = await loaded(HomeState, token)
    assert (tab.tiles["runs"], tab.tiles["runs_note"]) == ("2+", "figures of the newest 2")


def test_a_change_says_direction_and_size():
    assert change(12, 10, unit=" %") == ("▲ 2 %", "up")
    assert change(9, 10, unit=" %") == ("▼ 1 %", "down")
    assert change(10, 10, unit=" %") == ("", "")
