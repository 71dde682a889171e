"""Long pauses before a next try: the run waits, holds no worker, and goes on with the right try."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.engine.host import Delivery, Limits
from app.engine.runtime import steps
from app.engine.runtime.waiting import child_id
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.test_deliveries import LiveRun, beside
from tests.engine.tiny import box, executed, go_on, output, plan_of, run, statuses

HOUR = {"retries": 2, "retry_delay_s": 3_600, "backoff": "fixed"}
BEGIN = box("begin", "start")
NOBODY = Limits(timeout_s=60)


def shaky(**config):
    return box("bad", "flaky", **{"settings": HOUR, **config})


def plan(**config):
    return plan_of(BEGIN, shaky(**config), box("after"), edges="begin>bad bad>after")


async def test_a_long_pause_is_a_wait():
    host = FakeHost()
    outcome = await run(plan(), host, 5, limits=NOBODY)  # waiting counts towards no limit
    assert outcome.status == "waiting"
    step, wait = host.journal.steps["bad"], host.journal.waits["bad"]
    assert (step.status, step.attempt, step.error["code"]) == ("waiting", 2, "upstream_failed")
    assert (wait.kind, wait.node_id, wait.lasts) == ("retry", "bad", True)
    assert wait.until - datetime(2026, 1, 1, tzinfo=UTC) > timedelta(minutes=45)
    told = {e.type: e.payload for e in host.journal.events if e.path == "bad"}
    assert told["step.retrying"]["delay_s"] > 2_700
    assert told["step.waiting"]["wait"]["for"] == "retry"
    assert told["step.waiting"]["wait"]["until"] is not None
    assert [span.status for span in host.journal.spans.values()] == ["failed"]


async def test_until_it_is_over_the_step_is_left_alone():
    first, second = FakeHost(), FakeHost()
    await run(plan(), first, 5)
    came = {"bad": {"payload": "for an earlier wait"}}
    assert (await go_on(plan(), first, second, 5, wait_results=came)).status == "waiting"
    assert await executed(second) == []


async def test_then_the_next_try_follows():
    first, second = FakeHost(), FakeHost()
    await run(plan(fails=1), first, 5)
    outcome = await go_on(plan(fails=1), first, second, 5, retry_due={"bad"})
    assert (outcome.status, output(second, "after")) == ("succeeded", 5)
    step = second.journal.steps["bad"]
    assert (step.attempt, step.error) == (2, None)
    assert [span.attributes["number"] for span in second.journal.spans.values()] == [2]


async def test_all_lives_together_try_as_often_as_allowed():
    host, tries = FakeHost(), 0
    outcome = await run(plan(), host, 5)
    for _ in range(9):
        tries += (await executed(host)).count("bad")
        if outcome.status != "waiting":
            break
        before, host = host, FakeHost()
        outcome = await go_on(plan(), before, host, 5, retry_due={"bad"})
    assert (outcome.status, tries, host.journal.steps["bad"].attempt) == ("failed", 3, 3)


async def test_a_persons_retry_has_all_its_tries_again():
    ask = {**HOUR, "retries": 1, "on_error": "ask"}
    retry = {"bad": Answer(choice="retry")}
    host, seen = FakeHost(), []
    outcome = await run(plan(settings=ask), host, 5)
    for more in (
        {"retry_due": {"bad"}},
        {"recoveries": retry},
        {"retry_due": {"bad"}, "recoveries": retry},
    ):
        seen.append((statuses(host)["bad"], host.journal.steps["bad"].attempt))
        assert outcome.status == "waiting"
        before, host = host, FakeHost()
        outcome = await go_on(plan(settings=ask), before, host, 5, **more)
    seen.append((statuses(host)["bad"], host.journal.steps["bad"].attempt))
    assert seen == [
        ("waiting", 2), ("waiting_human", 2), ("waiting", 4), ("waiting_human", 4),
    ]  # fmt: skip


async def test_a_pause_ends_while_another_branch_works():
    live = LiveRun(beside(shaky(fails=2), edges="bad>after"), 7)
    for number in (1, 2):
        await live.until("bad", "waiting")
        assert live.host.journal.steps["bad"].attempt == number + 1
        live.comes(Delivery(f"wai_{number}", "retry", "bad", {}))
        await asyncio.sleep(0.05)
    assert (await live.end()).status == "succeeded"
    assert (output(live.host, "bad"), live.consumed) == (7, ["wai_1", "wai_2"])


async def test_a_run_at_work_sees_by_itself_that_a_pause_is_over(monkeypatch):
    monkeypatch.setattr(steps, "LONG_S", 0.0)
    quickly = {"retries": 2, "retry_delay_s": 0.1, "backoff": "fixed"}
    nodes = [box("after", "meet"), box("slow", "meet", others=["after"])]
    plan = plan_of(
        BEGIN, shaky(fails=2, settings=quickly), *nodes, edges="begin>bad begin>slow bad>after"
    )
    host = FakeHost()
    host.now = lambda: datetime.now(UTC)
    outcome = await asyncio.wait_for(run(plan, host, 3), 5)
    assert (outcome.status, output(host, "bad")) == ("succeeded", 3)


async def test_what_came_for_an_earlier_try_stays():
    call = box("call", "flow.run_workflow", workflow="wfl_2", settings=HOUR)
    plan = plan_of(BEGIN, call, edges="begin>call")
    first, second, third, fourth = (FakeHost() for _ in range(4))
    child, other = (child_id("run_1", "call", attempt) for attempt in (1, 2))
    await run(plan, first, 1)
    failed = {"call": {"run_id": child, "status": "failed", "error": {"message": "No."}}}
    await go_on(plan, first, second, 1, wait_results=failed)
    pause = second.journal.waits["call"]
    assert pause.kind == "retry"
    outcome = await go_on(plan, second, third, 1, wait_results=failed, retry_due={"call"})
    assert (outcome.status, list(third.children)) == ("waiting", [other])
    assert third.journal.waits["call"].id not in (pause.id, first.journal.waits["call"].id)
    came = {"call": {"run_id": other, "status": "succeeded", "output": 2}}
    outcome = await go_on(plan, third, fourth, 1, wait_results=came, retry_due={"call"})
    assert (outcome.status, outcome.output) == ("succeeded", 2)


async def test_an_item_of_a_loop_pauses_by_itself():
    body = box("bad", "flaky", parent="rows", fails=1, settings=HOUR)
    plan = plan_of(BEGIN, box("rows", "logic.for_each"), body, edges="begin>rows")
    first, second = FakeHost(), FakeHost()
    assert (await run(plan, first, ["a", "b"])).status == "waiting"
    outcome = await go_on(plan, first, second, ["a", "b"], retry_due={"rows[0]/bad"})
    assert outcome.status == "waiting"
    assert {p: s for p, s in statuses(second).items() if "/" in p} == {"rows[0]/bad": "succeeded"}


async def test_a_failure_beside_a_pause_ends_it():
    host = FakeHost()
    nodes = [BEGIN, shaky(), box("worse", "flaky", how="refused")]
    assert (await run(plan_of(*nodes, edges="begin>bad begin>worse"), host)).status == "failed"
    assert statuses(host)["bad"] == "canceled"


@pytest.mark.parametrize(("seconds", "status"), [(5, "running"), (7.6, "waiting")])
async def test_a_short_pause_is_slept(seconds, status):
    settings = {"retries": 1, "retry_delay_s": seconds}
    live = LiveRun(plan(settings=settings), 1)
    await asyncio.wait_for(_retrying(live.host), 5)
    await asyncio.sleep(0.05)
    assert statuses(live.host)["bad"] == status
    assert live.task.done() == (status == "waiting")
    live.control.cancelled.set()
    await live.end()


async def _retrying(host):
    while "step.retrying" not in [event.type for event in host.journal.events]:
        await asyncio.sleep(0.001)
