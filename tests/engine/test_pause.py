"""A run that is to pause: what is at work ends, nothing new starts, and it goes on later."""

import asyncio

from app.engine.host import Control, RunRequest
from app.engine.runtime import execute
from app.engine.testing import FakeHost
from tests.engine.tiny import box, executed, go_on, plan_of, statuses


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


async def paused_run(plan, host, given, pause_when, release=None):
    control = Control()
    request = RunRequest(run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=given)
    running = asyncio.create_task(execute(plan, request, host, control=control))
    await until(lambda: pause_when(statuses(host)))
    control.pausing.set()
    await asyncio.sleep(0.01)
    if release:
        await host.memory.put("met", release, True)
    return await asyncio.wait_for(running, 2)


NODES = [box("begin", "start"), box("slow", "meet", others=["go"]), box("after"), box("end")]
EDGES = "begin>slow slow>after after>end"


async def test_what_is_at_work_ends_and_the_rest_comes_after_resume():
    plan, host = plan_of(*NODES, edges=EDGES), FakeHost()
    outcome = await paused_run(plan, host, 1, lambda s: s.get("slow") == "running", "go")
    assert outcome.status == "paused"
    assert statuses(host) == {"begin": "succeeded", "slow": "succeeded"}
    assert host.journal.events[-1].type == "run.paused"
    assert host.journal.patches[-1].status == "paused"
    assert host.journal.patches[-1].finished_at is None
    second = FakeHost()
    outcome = await go_on(plan, host, second, 1)
    assert outcome.status == "succeeded"
    assert await executed(second) == ["after", "end"]


async def test_a_run_whose_last_step_was_at_work_is_over_and_not_paused():
    plan, host = plan_of(*NODES[:2], edges="begin>slow"), FakeHost()
    outcome = await paused_run(plan, host, 1, lambda s: s.get("slow") == "running", "go")
    assert outcome.status == "succeeded"


async def test_a_run_that_fails_while_it_is_to_pause_has_failed():
    nodes = [*NODES[:2], box("bad", "flaky", how="refused")]
    nodes[1] = box("slow", "flaky", how="refused")
    gate = box("gate", "meet", others=["go"])
    plan = plan_of(nodes[0], gate, nodes[1], box("after"), edges="begin>gate begin>slow gate>after")
    host = FakeHost()
    outcome = await paused_run(plan, host, 1, lambda s: s.get("slow") == "failed", "go")
    assert outcome.status == "failed"


async def test_a_step_between_two_tries_does_not_hold_the_pause_up():
    shaky = box("shaky", "flaky", fails=1, settings={"retries": 3, "retry_delay_s": 4})
    plan, host = plan_of(box("begin", "start"), shaky, edges="begin>shaky"), FakeHost()
    retrying = lambda s: "step.retrying" in [e.type for e in host.journal.events]  # noqa: E731
    outcome = await paused_run(plan, host, 1, retrying)
    assert outcome.status == "paused"
    assert (host.journal.steps["shaky"].status, host.journal.steps["shaky"].attempt) == (
        "pending",
        2,
    )
    second = FakeHost()
    outcome = await go_on(plan, host, second, 1)
    assert outcome.status == "succeeded"
    assert second.journal.steps["shaky"].attempt == 2


async def test_a_loop_pauses_between_its_items_and_goes_on_where_it_was():
    nodes = [
        box("begin", "start"),
        box("each", "logic.for_each", items="input", concurrency=1),
        box("slow", "meet", parent="each", others=["go"]),
    ]
    plan, host = plan_of(*nodes, edges="begin>each"), FakeHost()
    outcome = await paused_run(
        plan, host, [1, 2, 3], lambda s: s.get("each[0]/slow") == "running", "go"
    )
    assert outcome.status == "paused"
    assert statuses(host) == {"begin": "succeeded", "each": "pending", "each[0]/slow": "succeeded"}
    second = FakeHost()
    await second.memory.put("met", "go", True)
    outcome = await go_on(plan, host, second, [1, 2, 3])
    assert outcome.status == "succeeded"
    assert await executed(second) == ["each[1]/slow", "each[2]/slow"]


async def test_a_waiting_run_that_is_to_pause_pauses():
    nodes = [box("begin", "start"), box("good", "ask"), box("slow", "meet", others=["go"])]
    plan, host = plan_of(*nodes, edges="begin>good begin>slow"), FakeHost()
    outcome = await paused_run(plan, host, 1, lambda s: s.get("good") == "waiting_human", "go")
    assert outcome.status == "paused"
    assert statuses(host)["good"] == "waiting_human"


async def test_a_pause_that_came_first_starts_nothing():
    plan, host, control = plan_of(*NODES, edges=EDGES), FakeHost(), Control()
    control.pausing.set()
    request = RunRequest(run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=1)
    outcome = await execute(plan, request, host, control=control)
    assert outcome.status == "paused"
    assert await executed(host) == []


async def test_an_item_that_waits_before_its_next_try_does_not_hold_up_the_pause():
    plan = plan_of(
        box("begin", "start"),
        box("rows", "logic.for_each", items="input", item_retries=1, item_retry_delay_s=6),
        box("bad", "flaky", fails=1, how="refused", parent="rows"),
        edges="begin>rows",
    )
    host, second = FakeHost(), FakeHost()
    failed = {"rows[0]/bad", "rows[1]/bad"}
    outcome = await paused_run(
        plan, host, [1, 2], lambda s: {path for path in s if s[path] == "failed"} == failed
    )
    assert outcome.status == "paused"
    assert statuses(host)["rows"] == "pending"
    outcome = await asyncio.wait_for(go_on(plan, host, second, [1, 2]), 5)
    assert outcome.status == "failed", "there is one more try, at once, which fails, too"
    assert await executed(second) == ["rows[0.2]/bad", "rows[1.2]/bad"]
