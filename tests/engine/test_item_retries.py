"""Long pauses before another try of an item: other items go on, then the run waits, and no worker is held."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.engine.host import ConsumedRecord, Control, Delivery, Limits, RunRequest
from app.engine.runtime import context
from app.engine.runtime.deliveries import Deliveries
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.test_deliveries import BEGIN, LiveRun
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, go_on, plan_of, run, statuses

WAY = box("way", "fork", when="item == 9", parent="rows")
BAD = box("bad", "flaky", how="refused", parent="rows")
HOLD = box("hold", "meet", others=["go"], parent="rows")
SLOW = box("slow", "meet", others=["go"])
SECOND_TRY = "rows[0.2]/"


def rows(*more, edges="", body=(WAY, BAD), **config):
    """A loop in which the item 9 always fails."""
    config = {"items": "[9, 1, 2]", "item_retries": 1, "item_retry_delay_s": 600, **config}
    loop = box("rows", "logic.for_each", **config)
    return plan_of(BEGIN, loop, *body, *more, edges=f"begin>rows way.yes>bad {edges}")


async def waiting_for_retry(plan, **more):
    """A run that has come to rest before the second try of its first item."""
    host = FakeHost()
    outcome = await run(plan, host, **more)
    assert outcome.status == "waiting"
    assert (statuses(host)["rows[0]/bad"], statuses(host)["rows"]) == ("failed", "waiting")
    return host


async def tries(host):
    return [path for path in await executed(host) if path.endswith("/bad")]


async def test_the_other_items_take_its_place_and_then_the_run_waits():
    host = await waiting_for_retry(rows(concurrency=1), limits=Limits(timeout_s=60))
    ran = [path for path in await executed(host) if "/" in path]
    assert ran == ["rows[0]/way", "rows[0]/bad", "rows[1]/way", "rows[2]/way"]
    wait = host.journal.waits[SECOND_TRY]
    assert (wait.kind, wait.step_path, wait.node_id, wait.lasts) == ("turn", "rows", "rows", True)
    left = wait.until - datetime(2026, 1, 1, tzinfo=UTC)
    assert timedelta(seconds=600) < left < timedelta(seconds=601)
    told = {event.type: event.payload for event in host.journal.events if event.path == "rows"}
    assert told["step.waiting"]["wait"]["for"] == "turn"
    assert told["step.waiting"]["wait"]["name"] == "0.2"


async def test_another_life_leaves_it_alone_until_then():
    plan = rows(on_item_error="skip")
    first, second, third = await waiting_for_retry(plan), FakeHost(), FakeHost()
    outcome = await go_on(plan, first, second, deferred=first.journal.waits)
    assert (outcome.status, await executed(second)) == ("waiting", [])
    outcome = await go_on(plan, first, third)
    assert (outcome.status, len(outcome.output["results"])) == ("succeeded", 2)
    assert await executed(third) == ["rows[0.2]/way", "rows[0.2]/bad"]


async def test_each_try_has_a_pause_of_its_own():
    plan = rows(item_retries=2)
    first, second = await waiting_for_retry(plan), FakeHost()
    assert (await go_on(plan, first, second)).status == "waiting"
    assert list(second.journal.waits) == ["rows[0.3]/"]
    assert first.journal.waits[SECOND_TRY].id != second.journal.waits["rows[0.3]/"].id


async def test_its_run_sees_by_itself_that_the_pause_is_over(monkeypatch):
    monkeypatch.setattr(context, "LONG_S", 0.0)
    nodes = [box("after", "meet"), box("slow", "meet", others=["after"])]
    edges, config = "begin>slow rows.results>after", {"on_item_error": "skip"}
    plan = rows(*nodes, edges=edges, item_retry_delay_s=0.1, **config)
    live = LiveRun(plan)
    live.host.now = lambda: datetime.now(UTC)
    assert (await live.end()).status == "succeeded"
    assert await tries(live.host) == ["rows[0]/bad", "rows[0.2]/bad"]


@pytest.mark.parametrize(
    "plan",
    [
        rows(SLOW, edges="begin>slow", on_item_error="skip"),
        rows(body=[WAY, BAD, HOLD], edges="way.no>hold", on_item_error="skip"),
    ],
    ids=["beside the loop", "in the loop"],
)
async def test_what_others_found_out_is_heard_while_something_is_at_work(plan):
    """The clock was set: the database says that the time is over, however the run counts."""
    live = LiveRun(plan)
    await asyncio.wait_for(until(lambda: SECOND_TRY in live.host.journal.waits), 5)
    await until(live.control.listens.is_set)
    wait = live.host.journal.waits[SECOND_TRY]
    live.comes(Delivery(wait.id, "retry", wait.place, None))
    await live.until("rows[0.2]/bad", "failed")
    await live.host.memory.put("met", "go", True)
    assert (await live.end()).status == "succeeded"
    assert live.consumed == [wait.id]


async def test_a_time_that_came_before_its_loop_got_to_the_item_counts_as_had():
    first, host, control = await waiting_for_retry(rows()), FakeHost(), Control()
    wait = first.journal.waits[SECOND_TRY]
    steps = {"rows": first.journal.steps["rows"].but(status="running")}
    request = RunRequest(run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=None, deferred={SECOND_TRY: wait})  # fmt: skip
    deliveries = Deliveries(request, host, control, steps)
    host.pending.append(Delivery(wait.id, "retry", wait.place, None))
    deliveries.listen("", control.delivered.set)
    assert deliveries.is_deferred(SECOND_TRY)
    control.delivered.set()
    await asyncio.wait_for(until(lambda: not deliveries.deferred), 5)
    assert not deliveries.is_deferred(SECOND_TRY)
    assert host.journal.facts == [ConsumedRecord(wait.id, "wait")]
    await deliveries.close()


async def test_a_pause_in_an_inner_loop_lets_the_outer_one_rest():
    inner = box(
        "inner", "logic.for_each", items="[9, 1]", item_retries=1, item_retry_delay_s=60,
        parent="rows",
    )  # fmt: skip
    body = [inner, {**WAY, "parent": "inner"}, {**BAD, "parent": "inner"}]
    plan = rows(body=body, items="[1, 2]")
    first, second = FakeHost(), FakeHost()
    assert (await run(plan, first)).status == "waiting"
    waits = first.journal.waits
    assert sorted(waits) == ["rows[0]/inner[0.2]/", "rows[1]/inner[0.2]/"]
    left = {"rows[1]/inner[0.2]/": waits["rows[1]/inner[0.2]/"]}
    await go_on(plan, first, second, deferred=left)
    assert await tries(second) == ["rows[0]/inner[0.2]/bad"]


async def test_what_comes_for_a_loop_that_is_over_is_passed_over():
    settings = {"timeout_s": 0.2, "on_error": "continue"}
    plan = plan_of(
        BEGIN, SLOW, WAY, BAD, {**HOLD, "config": {"others": ["never"]}},
        box("rows", "logic.for_each", settings=settings, items="[9, 1]", item_retries=1, item_retry_delay_s=60),
        edges="begin>rows begin>slow way.yes>bad way.no>hold",
    )  # fmt: skip
    live = LiveRun(plan)
    await live.until("rows", "failed")
    wait = live.host.journal.waits[SECOND_TRY]
    live.comes(Delivery(wait.id, "retry", wait.place, None))
    await live.host.memory.put("met", "go", True)
    assert (await live.end()).status == "succeeded"
    assert await tries(live.host) == ["rows[0]/bad"]


async def test_a_run_pauses_and_goes_on_with_what_is_left_of_the_time():
    plan = rows(SLOW, edges="begin>slow", on_item_error="skip")
    live = LiveRun(plan)
    await live.until("rows", "waiting")
    live.control.pausing.set()
    await live.host.memory.put("met", "go", True)
    assert (await live.end()).status == "paused"
    second = FakeHost()
    outcome = await go_on(plan, live.host, second, deferred=live.host.journal.waits)
    assert (outcome.status, await executed(second)) == ("waiting", [])


async def test_when_a_person_says_retry_the_item_does_not_pause_first():
    loop = box(
        "rows", "logic.for_each", items="[9]", item_retries=1, item_retry_delay_s=60,
        settings={"on_error": "ask"},
    )  # fmt: skip
    plan = plan_of(BEGIN, loop, WAY, BAD, edges="begin>rows way.yes>bad")
    first, second, third = await waiting_for_retry(plan), FakeHost(), FakeHost()
    await go_on(plan, first, second)
    assert statuses(second)["rows"] == "waiting_human"
    second.journal.facts[:0] = first.journal.facts
    await go_on(plan, second, third, recoveries={"rows": Answer(choice="retry")})
    assert (await tries(third), list(third.journal.waits)) == (["rows[0.3]/bad"], ["rows[0.4]/"])
