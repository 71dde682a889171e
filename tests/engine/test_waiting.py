"""Waiting for a time, for a signal and for another workflow: nothing is used, nothing runs twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.engine.runtime.waiting import child_id
from app.engine.testing import FakeHost
from app.kernel.errors import Fenced
from tests.engine.tiny import box, executed, go_on, output, plan_of, run, statuses


class RealTime(FakeHost):
    def now(self):
        return datetime.now(UTC)


def waiter(**config):
    return box("pause", "logic.wait", **config)


def plan(**config):
    nodes = [box("begin", "start"), waiter(**config), box("after"), box("beside")]
    return plan_of(*nodes, edges="begin>pause pause>after begin>beside")


async def test_a_wait_is_recorded_and_the_run_waits():
    host = FakeHost()
    outcome = await run(plan(seconds=3600), host, 5)
    assert outcome.status == "waiting"
    assert statuses(host) == {"begin": "succeeded", "pause": "waiting", "beside": "succeeded"}
    wait = host.journal.waits["pause"]
    assert (wait.kind, wait.node_id) == ("time", "pause")
    assert (
        timedelta(minutes=59) < wait.until - datetime(2026, 1, 1, tzinfo=UTC) < timedelta(hours=2)
    )
    told = next(e for e in host.journal.events if e.type == "step.waiting")
    assert told.payload["wait"]["for"] == "time"
    assert told.payload["step"]["status"] == "waiting"
    assert host.journal.events[-1].type == "run.waiting"


async def test_until_the_time_has_come_the_step_is_left_alone():
    first, second = FakeHost(), FakeHost()
    await run(plan(seconds=3600), first, 5)
    assert (await go_on(plan(seconds=3600), first, second, 5)).status == "waiting"
    assert await executed(second) == []
    assert second.journal.waits == {}


async def test_when_the_time_has_come_the_run_goes_on_with_what_arrived():
    first, second = FakeHost(), FakeHost()
    await run(plan(seconds=3600), first, 5)
    wait_results = {"pause": {"at": "2026-01-01T01:00:00Z"}}
    outcome = await go_on(plan(seconds=3600), first, second, 5, wait_results=wait_results)
    assert (outcome.status, output(second, "after")) == ("succeeded", 5)
    assert await executed(second) == ["after"]
    step, begun = second.journal.steps["pause"], first.journal.steps["pause"].started_at
    assert step.started_at == begun
    assert second.journal.steps["after"].started_at > begun


async def test_a_second_is_slept():
    host = RealTime()
    outcome = await run(plan(seconds=0.05), host, 5)
    assert outcome.status == "succeeded"
    assert host.journal.waits == {}


async def test_a_time_that_comes_while_others_work_does_not_wait_for_them():
    host = RealTime()
    nodes = [
        box("begin", "start"),
        waiter(seconds=1.2),
        box("after", "meet"),
        box("slow", "meet", others=["after"]),
    ]
    outcome = await asyncio.wait_for(
        run(plan_of(*nodes, edges="begin>pause pause>after begin>slow"), host, 5), 5
    )
    assert outcome.status == "succeeded"
    assert "step.waiting" in [e.type for e in host.journal.events]


async def test_a_run_with_nothing_else_to_do_gives_its_worker_back_at_once():
    host = RealTime()
    began = asyncio.get_running_loop().time()
    outcome = await run(plan(seconds=5), host, 5)
    assert outcome.status == "waiting"
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_signal_brings_its_payload():
    config = {"wait_for": "signal", "signal": "paid"}
    first, second = FakeHost(), FakeHost()
    assert (await run(plan(**config), first, 5)).status == "waiting"
    wait = first.journal.waits["pause"]
    assert (wait.kind, wait.name, wait.until) == ("signal", "paid", None)
    outcome = await go_on(
        plan(**config), first, second, 5, wait_results={"pause": {"payload": [1]}}
    )
    assert output(second, "after") == [1]
    assert outcome.status == "succeeded"


async def test_a_signal_that_does_not_come_in_time_takes_its_own_way():
    config = {"wait_for": "signal", "signal": "paid", "limit_s": 10}
    nodes = [box("begin", "start"), waiter(**config), box("came"), box("late")]
    both = plan_of(*nodes, edges="begin>pause pause>came pause.timed_out>late")
    first, second = FakeHost(), FakeHost()
    await run(both, first, 5)
    assert first.journal.waits["pause"].until is not None
    await go_on(both, first, second, 5, wait_results={"pause": {"timed_out": True}})
    assert statuses(second) == {"pause": "succeeded", "came": "skipped", "late": "succeeded"}


async def test_in_a_loop_each_item_waits_by_itself():
    nodes = [
        box("begin", "start"),
        box("each", "logic.for_each", items="input"),
        box("pause", "logic.wait", parent="each", wait_for="signal", signal="paid"),
    ]
    loop = plan_of(*nodes, edges="begin>each")
    first, second = FakeHost(), FakeHost()
    outcome = await run(loop, first, ["a", "b"])
    assert outcome.status == "waiting"
    assert set(first.journal.waits) == {"each[0]/pause", "each[1]/pause"}
    assert first.journal.steps["each"].status == "waiting"
    came = {"each[1]/pause": {"payload": "B"}}
    outcome = await go_on(loop, first, second, ["a", "b"], wait_results=came)
    assert outcome.status == "waiting"
    assert statuses(second)["each[1]/pause"] == "succeeded"


async def test_a_failure_beside_a_wait_cancels_it():
    host = FakeHost()
    nodes = [box("begin", "start"), waiter(seconds=3600), box("bad", "flaky", how="refused")]
    outcome = await run(plan_of(*nodes, edges="begin>pause begin>bad"), host)
    assert outcome.status == "failed"
    assert statuses(host)["pause"] == "canceled"


CALL = [box("begin", "start"), box("call", "flow.run_workflow", workflow="wfl_2"), box("after")]


def calling(**settings):
    nodes = [CALL[0], {**CALL[1], "settings": settings}, CALL[2]]
    return plan_of(*nodes, edges="begin>call call.output>after")


CHILD = child_id("run_1", "call", 1)


async def test_a_called_workflow_is_started_once_and_waited_for():
    first, second = FakeHost(), FakeHost()
    outcome = await run(calling(), first, {"name": "Ada"}, depth=2)
    assert outcome.status == "waiting"
    [child] = first.children.values()
    assert (child.run_id, child.workflow_id, child.input) == (CHILD, "wfl_2", {"name": "Ada"})
    assert (child.parent_run_id, child.parent_path, child.depth) == ("run_1", "call", 3)
    assert (child.workspace_id, first.journal.waits["call"].child_run_id) == ("wsp_1", CHILD)
    came = {"call": {"run_id": CHILD, "status": "succeeded", "output": "Hi"}}
    outcome = await go_on(calling(), first, second, {"name": "Ada"}, wait_results=came)
    assert (outcome.status, outcome.output) == ("succeeded", "Hi")
    assert second.children == {}


async def test_a_parent_that_dies_before_it_waits_finds_the_same_child():
    host = FakeHost()
    host.journal.fenced_at = 1
    with pytest.raises(Fenced):
        await run(calling(), host, 1)
    again = FakeHost()
    await run(calling(), again, 1)
    assert list(host.children) == list(again.children) == [CHILD]


async def test_a_failed_child_names_itself_and_its_error():
    first, second = FakeHost(), FakeHost()
    await run(calling(), first, 1)
    came = {"call": {"run_id": CHILD, "status": "failed", "error": {"message": "No answer."}}}
    outcome = await go_on(calling(), first, second, 1, wait_results=came)
    assert (outcome.status, outcome.error["code"]) == ("failed", "child_failed")
    assert CHILD in outcome.error["message"]
    assert "No answer." in outcome.error["message"]


async def test_a_retry_calls_the_workflow_again():
    settings = {"retries": 1, "retry_delay_s": 0, "backoff": "fixed"}
    first, second, third = FakeHost(), FakeHost(), FakeHost()
    await run(calling(**settings), first, 1)
    failed = {"call": {"run_id": CHILD, "status": "failed", "error": {"message": "No."}}}
    outcome = await go_on(calling(**settings), first, second, 1, wait_results=failed)
    assert outcome.status == "waiting"
    [other] = second.children
    assert other == child_id("run_1", "call", 2) != CHILD
    came = {"call": {"run_id": other, "status": "succeeded", "output": 2}}
    outcome = await go_on(calling(**settings), second, third, 1, wait_results=came)
    assert outcome.output == 2


async def test_workflows_that_call_each_other_end_at_eight_deep():
    host = FakeHost()
    outcome = await run(calling(), host, 1, depth=8)
    assert (outcome.status, outcome.error["code"]) == ("failed", "invalid_input")
    assert host.children == {}
