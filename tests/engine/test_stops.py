"""Stopping a run from inside, and answering before its end."""

import pytest

from app.engine.host import RunPatch
from app.engine.testing import FakeHost
from tests.engine.tiny import box, executed, go_on, plan_of, run, statuses


@pytest.mark.parametrize(
    ("config", "status", "output"),
    [
        ({"value": "enough of {{ input }}"}, "succeeded", "enough of x"),
        ({"outcome": "failed", "message": "no {{ input }}"}, "failed", None),
    ],
)
async def test_stop_ends_the_run_and_cancels_the_rest(config, status, output):
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("stuck", "meet", others=["nobody"]),
        box("halt", "flow.stop", **config),
        edges="begin>stuck begin>halt",
    )
    outcome = await run(plan, host, "x")
    assert (outcome.status, outcome.output) == (status, output)
    assert statuses(host)["stuck"] == "canceled"
    if status == "failed":
        assert outcome.error["code"] == "stopped"
        assert (outcome.error["message"], outcome.error["node_id"]) == ("no x", "halt")


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
async def test_stop_in_a_body_ends_the_whole_run_whatever_the_loop_does_with_failures(outcome):
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("rows", "logic.for_each", on_item_error="skip", concurrency=2),
        box("way", "fork", when="item == 2", parent="rows"),
        box("halt", "flow.stop", value="found", outcome=outcome, parent="rows"),
        box("on", parent="rows"),
        box("after"),
        edges="begin>rows way.yes>halt way.no>on rows.results>after",
    )
    ended = await run(plan, host, [1, 2, 3, 4, 5, 6, 7])
    assert ended.status == outcome
    assert ended.output == ("found" if outcome == "succeeded" else None)
    assert statuses(host)["rows"] == "canceled"
    assert "after" not in statuses(host)
    assert "rows[6]/way" not in statuses(host)


async def test_stop_in_a_loop_region():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("add", value="{{ input + 1 }}"),
        box("way", "fork", when="input >= 3"),
        box("halt", "flow.stop", value="at {{ input }}"),
        edges="begin>add add>way way.no>add way.yes>halt",
    )
    assert (await run(plan, host, 0)).output == "at 3"


async def test_a_stop_that_is_switched_off_stops_nothing():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("halt", "flow.stop", settings={"disabled": True}),
        box("after"),
        edges="begin>halt begin>after",
    )
    await run(plan, host, 1)
    assert statuses(host)["after"] == "succeeded"


async def test_a_crash_after_the_stop_does_not_start_the_rest():
    first, second = FakeHost(), FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("halt", "flow.stop", value="v"),
        box("other", "meet"),
        edges="begin>halt begin>other",
    )
    await run(plan, first)
    first.journal.facts = [f for f in first.journal.facts if getattr(f, "path", "") != "other"]
    outcome = await go_on(plan, first, second)
    assert (outcome.status, outcome.output) == ("succeeded", "v")
    assert await executed(second) == []


async def test_the_run_answers_at_once_and_the_last_answer_counts():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("soon", "reply", value="soon"),
        box("work", "meet"),
        box("late", "reply", value="late"),
        edges="begin>soon soon>work work>late",
    )
    outcome = await run(plan, host)
    assert outcome.output == "late"
    told = [e for e in host.journal.events if e.type == "run.responded"]
    assert [(e.path, e.payload["output"]) for e in told] == [("soon", "soon"), ("late", "late")]
    facts = host.journal.facts
    answered = facts.index(told[0])
    assert isinstance(facts[answered - 1], RunPatch)
    assert facts[answered - 1].output == "soon"
    assert facts[answered - 1].status is None
    assert answered < next(i for i, f in enumerate(facts) if getattr(f, "path", "") == "work")


async def test_a_node_that_responds_in_a_body_answers_only_its_turn():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("rows", "logic.for_each"),
        box("say", "reply", value="{{ item }}!", parent="rows"),
        box("more", parent="rows"),
        edges="begin>rows say>more",
    )
    assert (await run(plan, host, [1, 2])).output["results"] == ["1!", "2!"]
    assert "run.responded" not in [e.type for e in host.journal.events]
