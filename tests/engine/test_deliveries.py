"""What comes for a step that waits, while other steps of the run are at work."""

import asyncio

import pytest

from app.engine.host import ConsumedRecord, Control, Delivery, Limits, RunRequest
from app.engine.runtime import execute
from app.engine.runtime.waiting import child_id
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, output, plan_of, statuses

YES = Answer(choice="approve")
BEGIN = box("begin", "start")


class LiveRun:
    """A run at work, and what comes for it."""

    def __init__(self, plan, given=None, **more):
        self.host, self.control = FakeHost(), Control()
        request = RunRequest(
            run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=given,
            recall=self._recall, may_recall=frozenset(), **more,
        )  # fmt: skip
        self.task = asyncio.create_task(execute(plan, request, self.host, control=self.control))

    async def _recall(self, paths):
        known = self.host.journal.steps
        over = ("succeeded", "failed", "skipped")
        return [known[path] for path in paths if path in known and known[path].status in over]

    async def until(self, path, status="waiting_human"):
        await asyncio.wait_for(until(lambda: statuses(self.host).get(path) == status), 5)

    def comes(self, *deliveries):
        self.host.pending += deliveries
        self.control.delivered.set()

    async def end(self):
        return await asyncio.wait_for(self.task, 5)

    @property
    def consumed(self):
        return [fact.id for fact in self.host.journal.facts if isinstance(fact, ConsumedRecord)]


def beside(waits, *, other="after", more=(), edges=""):
    """A step that waits, a branch that works until what follows it has been reached, and more."""
    slow = box("slow", "meet", others=[other])
    return plan_of(
        BEGIN, waits, box("after", "meet"), slow, *more,
        edges=f"begin>{waits['id']} begin>slow {edges}",
    )  # fmt: skip


async def test_an_answer_is_noticed_while_another_branch_works():
    live = LiveRun(beside(box("good", "ask"), edges="good>after"), 7)
    await live.until("good")
    await until(live.control.listens.is_set)
    live.comes(Delivery("apr_1", "answer", "good", YES))
    assert (await live.end()).status == "succeeded"
    assert output(live.host, "good") == "7: approve"
    assert (await executed(live.host)).count("good") == 2  # it asked, and it had the answer
    assert (live.consumed, live.control.listens.is_set()) == (["apr_1"], False)


@pytest.mark.parametrize(
    ("waits", "brings", "value"),
    [
        (box("pause", "logic.wait", wait_for="signal", signal="paid"), {"payload": 3}, 3),
        (box("pause", "logic.wait", seconds=9_999), {"at": "2026-01-01T00:00:00Z"}, None),
        (
            box("pause", "flow.run_workflow", workflow="wfl_2"),
            {"run_id": child_id("run_1", "pause", 1), "status": "succeeded", "output": 5},
            5,
        ),
    ],
)
async def test_so_are_signals_times_and_ends_of_called_runs(waits, brings, value):
    port = "output" if waits["kind"] == "flow.run_workflow" else "value"
    live = LiveRun(beside(waits, edges=f"pause.{port}>after"))
    await live.until("pause", "waiting")
    live.comes(Delivery("wai_1", "wait", "pause", brings))
    assert (await live.end()).status == "succeeded"
    assert live.host.journal.steps["pause"].output[port] == value
    assert live.consumed == ["wai_1"]


async def test_what_is_told_twice_is_had_once():
    answer = Delivery("apr_1", "answer", "good", YES)
    plan = beside(box("good", "ask"), other="go", edges="good>after")
    live = LiveRun(plan)
    await live.until("good")
    for _ in range(3):
        live.comes(answer)
        await live.until("after", "succeeded")
    await live.host.memory.put("met", "go", True)
    assert (await live.end()).status == "succeeded"
    assert (await executed(live.host)).count("good") == 2
    assert live.consumed == ["apr_1"]


async def test_what_comes_when_nothing_is_at_work_any_more_is_left_for_the_next_life():
    live = LiveRun(plan_of(BEGIN, box("good", "ask"), edges="begin>good"))
    live.host.pending.append(Delivery("apr_1", "answer", "good", YES))
    assert (await live.end()).status == "waiting"
    assert (live.consumed, statuses(live.host)["good"]) == ([], "waiting_human")


async def test_a_pause_goes_before_what_comes():
    live = LiveRun(beside(box("good", "ask"), other="go", edges="good>after"))
    await live.until("good")
    live.control.pausing.set()
    live.comes(Delivery("apr_1", "answer", "good", YES))
    await asyncio.sleep(0.01)
    await live.host.memory.put("met", "go", True)
    assert (await live.end()).status == "paused"
    assert (await executed(live.host)).count("good") == 1


async def test_a_failure_goes_before_what_comes():
    bad = box("bad", "flaky", how="refused")
    live = LiveRun(beside(box("good", "ask"), other="go", more=[bad], edges="good>after slow>bad"))
    await live.until("good")
    await live.host.memory.put("met", "go", True)
    await live.until("bad", "failed")
    live.comes(Delivery("apr_1", "answer", "good", YES))
    assert (await live.end()).status == "failed"
    assert statuses(live.host)["good"] == "canceled"


async def test_each_failure_wants_a_decision_of_its_own():
    bad = box("bad", "flaky", fails=2, settings={"on_error": "ask"})
    live = LiveRun(beside(bad, edges="bad>after"), 5)
    await live.until("bad")
    live.comes(Delivery("apr_1", "recovery", "bad", Answer(choice="retry")))
    await until(lambda: live.host.journal.steps["bad"].attempt == 2)
    await live.until("bad")
    live.comes(Delivery("apr_1", "recovery", "bad", Answer(choice="retry")))  # told once more
    await asyncio.sleep(0.05)
    assert (await executed(live.host)).count("bad") == 2
    live.comes(Delivery("apr_2", "recovery", "bad", Answer(choice="retry")))
    assert (await live.end()).status == "succeeded"
    assert (live.host.journal.steps["bad"].attempt, output(live.host, "bad")) == (3, 5)


async def test_a_retry_that_a_person_edited_stays_so_when_it_waits_in_between():
    nodes = [box("call", "flow.run_workflow", workflow="wfl_2", settings={"on_error": "ask"})]
    live = LiveRun(beside(*nodes, edges="call.output>after"), 1)
    run_1, run_2 = (child_id("run_1", "call", attempt) for attempt in (1, 2))
    await live.until("call", "waiting")
    failed = {"run_id": run_1, "status": "failed", "error": {"message": "No."}}
    live.comes(Delivery("wai_1", "wait", "call", failed))
    await live.until("call")
    edited = {"config": {"workflow": "wfl_3", "given": "other"}}
    live.comes(Delivery("apr_1", "recovery", "call", Answer(choice="retry", value=edited)))
    await live.until("call", "waiting")
    assert live.host.children[run_2].workflow_id == "wfl_3"
    done = {"run_id": run_2, "status": "succeeded", "output": "fine"}
    live.comes(Delivery("wai_2", "wait", "call", done))
    assert (await live.end()).status == "succeeded"
    assert live.host.journal.steps["call"].attempt == 2
    assert live.host.journal.steps["call"].input["config"]["workflow"] == "wfl_3"


async def test_a_turn_goes_on_while_another_step_of_it_works():
    body = [
        box("good", "ask", parent="rows"),
        box("after", "meet", parent="rows"),
        box("other", "meet", parent="rows", others=["after"]),
    ]
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", items="input"), *body, edges="begin>rows good>after"
    )
    live = LiveRun(plan, ["a"])
    await live.until("rows[0]/good")
    live.comes(Delivery("apr_1", "answer", "rows[0]/good", YES))
    assert (await live.end()).status == "succeeded"
    assert (await executed(live.host)).count("rows[0]/other") == 1


async def test_a_loop_at_rest_goes_on_and_repeats_nothing():
    body = [
        box("way", "fork", parent="rows", when="item > 1"),
        box("good", "ask", parent="rows", value="{{ item }}"),
        box("quick", parent="rows", value="{{ item }}"),
    ]
    after = box("after", "meet")
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", items="input", concurrency=2), *body, after,
        box("slow", "meet", others=["after"]),
        edges="begin>rows begin>slow way.yes>good way.no>quick rows.results>after",
    )  # fmt: skip
    live = LiveRun(plan, [0, 1, 2, 3])
    for number in (2, 3):
        await live.until("rows")
        live.comes(Delivery(f"apr_{number}", "answer", f"rows[{number}]/good", YES))
        await live.until(f"rows[{number}]/good", "succeeded")
    assert (await live.end()).status == "succeeded"
    results = live.host.journal.steps["rows"].output["results"]
    assert results == [0, 1, "2: approve", "3: approve"]
    ran = await executed(live.host)
    assert [ran.count(f"rows[{i}]/quick") for i in range(2)] == [1, 1]
    assert [ran.count(f"rows[{i}]/way") for i in range(4)] == [1] * 4
    assert [ran.count(f"rows[{i}]/good") for i in (2, 3)] == [2, 2]
    assert live.consumed == ["apr_2", "apr_3"]


async def test_an_item_at_rest_goes_on_while_another_item_works():
    body = [
        box("way", "fork", parent="rows", when="item > 0"),
        box("good", "ask", parent="rows"),
        box("after", "meet", parent="rows"),
        box("other", "meet", parent="rows", others=["after"]),
    ]
    edges = "begin>rows way.yes>good good>after way.no>other"
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", items="input", concurrency=2), *body, edges=edges
    )
    live = LiveRun(plan, [0, 1])
    await live.until("rows[1]/good")
    assert statuses(live.host)["rows"] == "running"
    live.comes(Delivery("apr_1", "answer", "rows[1]/good", YES))
    assert (await live.end()).status == "succeeded"
    assert live.host.journal.steps["rows"].output["results"] == ["other", "after"]
    assert live.consumed == ["apr_1"]


async def test_items_at_rest_take_no_place_from_others():
    body = [box("good", "ask", parent="rows", value="{{ item }}")]
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", items="input", concurrency=1), *body,
        box("slow", "meet", others=["go"]), edges="begin>rows begin>slow",
    )  # fmt: skip
    live = LiveRun(plan, list(range(20)))
    await live.until("rows[19]/good")
    assert sum(s == "waiting_human" for s in statuses(live.host).values()) >= 20
    await live.host.memory.put("met", "go", True)
    assert (await live.end()).status == "waiting"


async def test_a_second_try_of_an_item_goes_on_as_the_second():
    body = [
        box("begun", parent="rows"),
        box("good", "ask", parent="rows"),
        box("bad", "flaky", parent="rows", settings={"on_error": "ask"}),
        box("sure", "flaky", parent="rows", fails=0),
        box("after", "meet"),
    ]
    plan = plan_of(
        BEGIN,
        box("rows", "logic.for_each", items="input", item_retries=1, item_retry_delay_s=0),
        *body, box("slow", "meet", others=["after"]),
        edges="begin>rows begin>slow begun>bad bad>good rows.results>after",
    )  # fmt: skip
    live = LiveRun(plan, ["a"])
    await live.until("rows")
    live.comes(Delivery("apr_1", "recovery", "rows[0]/bad", Answer(choice="stop")))
    await live.until("rows[0.2]/bad")
    await live.until("rows")
    skip = Delivery("apr_2", "recovery", "rows[0.2]/bad", Answer(choice="done", value="mended"))
    live.comes(skip)
    await live.until("rows[0.2]/good")
    await live.until("rows")
    live.comes(Delivery("apr_3", "answer", "rows[0.2]/good", YES))
    assert (await live.end()).status == "succeeded"
    ran = await executed(live.host)
    assert (ran.count("rows[0]/begun"), ran.count("rows[0.2]/begun")) == (1, 1)
    assert (ran.count("rows[0]/bad"), ran.count("rows[0.2]/bad")) == (1, 1)


async def test_a_loop_in_a_loop_goes_on():
    body = [
        box("inner", "logic.for_each", parent="rows", items="[1, 2]"),
        box("way", "fork", parent="inner", when="item > 1"),
        box("good", "ask", parent="inner"),
        box("quick", parent="inner"),
        box("after", "meet"),
    ]
    edges = "begin>rows begin>slow way.yes>good way.no>quick rows.results>after"
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", items="input"), *body,
        box("slow", "meet", others=["after"]), edges=edges,
    )  # fmt: skip
    live = LiveRun(plan, ["a", "b"])
    for row in range(2):
        await live.until("rows")
        path = f"rows[{row}]/inner[1]/good"
        live.comes(Delivery(f"apr_{row}", "answer", path, YES))
        await live.until(path, "succeeded")
    assert (await live.end()).status == "succeeded"
    ran = await executed(live.host)
    assert [ran.count(f"rows[{i}]/inner[0]/quick") for i in range(2)] == [1, 1]


async def test_a_while_and_a_circle_go_on_where_they_were():
    body = [
        box("add", value="{{ last + 1 }}", parent="again"),
        box("good", "ask", parent="again"),
        box("sum", value="{{ nodes.add.value }}", parent="again"),
    ]
    plan = plan_of(
        BEGIN, box("again", "logic.while", condition="last < 3"), *body, box("after", "meet"),
        box("slow", "meet", others=["after"]),
        edges="begin>again begin>slow add>good good>sum again>after",
    )  # fmt: skip
    live = LiveRun(plan, 0)
    for turn in range(3):
        path = f"again[{turn}]/good"
        await live.until(path)
        await live.until("again")
        live.comes(Delivery(f"apr_{turn}", "answer", path, YES))
        await live.until(path, "succeeded")
    assert (await live.end()).status == "succeeded"
    assert live.host.journal.steps["again"].output == {"value": 3, "turns": 3}
    ran = await executed(live.host)
    assert [ran.count(f"again[{i}]/add") for i in range(3)] == [1] * 3


async def test_waiting_uses_no_steps_up():
    body = [box("good", "ask", parent="rows")]
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", items="input"), *body, box("after", "meet"),
        box("slow", "meet", others=["after"]),
        edges="begin>rows begin>slow rows.results>after",
    )  # fmt: skip
    live = LiveRun(
        plan, [1, 2, 3], limits=Limits(max_steps=7)
    )  # begin, rows, 3 x good, after, slow
    for number in range(3):
        await live.until("rows")
        live.comes(Delivery(f"apr_{number}", "answer", f"rows[{number}]/good", YES))
        await live.until(f"rows[{number}]/good", "succeeded")
    assert (await live.end()).status == "succeeded"


async def test_a_run_without_waits_does_not_listen():
    host, control = FakeHost(), Control()
    plan = plan_of(BEGIN, box("slow", "meet"), edges="begin>slow")
    request = RunRequest(run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=1)
    running = asyncio.create_task(execute(plan, request, host, control=control))
    seen = []
    while not running.done():
        seen += [task.get_name() for task in asyncio.all_tasks()]
        await asyncio.sleep(0)
    assert not control.listens.is_set()
    assert "inbox" not in seen
