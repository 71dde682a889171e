"""Containers: a body per item, with failures, questions and resumption inside."""

import asyncio
from types import SimpleNamespace

from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, go_on, output, plan_of, run, statuses


def looped(*body, edges="", settings=None, **config):
    """A graph whose loop goes over the run's input."""
    nodes = [
        box("begin", "start"),
        box("loop", "logic.for_each", settings=settings, **config),
        *body,
    ]
    return plan_of(*nodes, edges=f"begin>loop {edges}")


def results(host):
    return host.journal.steps["loop"].output["results"]


async def test_the_body_runs_once_per_item_in_order_of_the_results():
    host = FakeHost()
    plan = looped(
        box("inner", value="{{ item }}-{{ index }}-{{ input }}", parent="loop"), concurrency=3
    )
    outcome = await run(plan, host, ["a", "b", "c", "d"])
    assert outcome.status == "succeeded"
    assert results(host) == ["a-0-a", "b-1-b", "c-2-c", "d-3-d"]
    assert {f"loop[{i}]/inner" for i in range(4)} <= set(statuses(host))


async def test_turns_overlap_in_time():
    host = FakeHost()
    inner = box("inner", "meet", parent="loop", others=["go"])
    running = asyncio.create_task(run(looped(inner, concurrency=2), host, [1, 2]))
    await until(lambda: list(statuses(host).values()).count("running") == 3)
    await host.memory.put("met", "go", True)
    assert (await running).status == "succeeded"


async def test_a_body_sees_the_outer_nodes_and_its_own():
    host = FakeHost()
    first = box("first", value="{{ item }}", parent="loop")
    second = box(
        "second", value="{{ nodes.first.value }} of {{ nodes.begin.value[0] }}", parent="loop"
    )
    await run(looped(first, second, edges="first>second"), host, ["x", "y"])
    assert results(host) == ["x of x", "y of x"]


async def test_several_ends_of_a_body_give_a_dict():
    host = FakeHost()
    await run(looped(box("a", value=1, parent="loop"), box("b", value=2, parent="loop")), host, [0])
    assert results(host) == [{"a": 1, "b": 2}]


async def test_a_branch_in_a_body_gives_the_value_of_the_way_taken():
    host = FakeHost()
    body = [
        box("way", "fork", parent="loop"),
        box("a", value="yes", parent="loop"),
        box("b", value="no", parent="loop"),
    ]
    await run(looped(*body, edges="way.yes>a way.no>b"), host, [1, 0])
    assert results(host) == ["yes", "no"]


async def test_a_failed_item_stops_the_run_with_the_inner_error():
    host = FakeHost()
    plan = looped(box("inner", "flaky", how="refused", parent="loop"), concurrency=1)
    outcome = await run(plan, host, [1, 2])
    assert (outcome.status, outcome.error["code"], outcome.error["node_id"]) == (
        "failed",
        "upstream_refused",
        "loop",
    )
    assert outcome.error["message"].startswith("Flaky: ")
    assert statuses(host)["loop[0]/inner"] == "failed"


async def test_a_collected_failure_does_not_fail_the_run():
    host = FakeHost()
    body = [
        box("way", "fork", parent="loop"),
        box("bad", "flaky", how="refused", parent="loop"),
        box("good", parent="loop"),
    ]
    outcome = await run(
        looped(*body, edges="way.yes>bad way.no>good", on_item_error="collect"), host, [1, 0]
    )
    assert outcome.status == "succeeded"
    assert results(host) == [None, 0]
    assert host.journal.steps["loop"].output["failed"][0]["error"]["code"] == "upstream_refused"


async def test_a_failed_turn_ends_its_open_siblings_as_canceled():
    host = FakeHost()
    body = [
        box("stuck", "meet", others=["nobody"], parent="loop"),
        box("gate", "meet", others=["stuck"], parent="loop"),
        box("bad", "flaky", how="refused", parent="loop"),
    ]
    outcome = await run(looped(*body, edges="gate>bad", on_item_error="skip"), host, [1])
    assert outcome.status == "succeeded"
    assert statuses(host)["loop[0]/stuck"] == "canceled"


async def test_a_question_in_one_turn_does_not_hold_up_the_others():
    host = FakeHost()
    body = [
        box("way", "fork", parent="loop"),
        box("good", "ask", parent="loop"),
        box("free", parent="loop"),
    ]
    outcome = await run(
        looped(*body, edges="way.yes>good way.no>free", concurrency=2), host, [1, 0, 0, 0]
    )
    assert outcome.status == "waiting"
    found = statuses(host)
    assert found["loop[0]/good"] == "waiting_human"
    assert [found[f"loop[{i}]/free"] for i in (1, 2, 3)] == ["succeeded"] * 3
    assert found["loop"] == "waiting_human"
    assert list(host.journal.approvals) == ["loop[0]/good"]


async def test_resume_in_a_loop_runs_only_what_was_not_finished():
    first, second, third = FakeHost(), FakeHost(), FakeHost()
    body = [
        box("before", parent="loop"),
        box("good", "ask", parent="loop"),
        box("then", parent="loop"),
    ]
    plan = looped(*body, edges="before>good good>then", concurrency=2)
    await run(plan, first, ["x", "y"])
    one = {"loop[1]/good": Answer(choice="approve")}
    outcome = await go_on(plan, first, second, ["x", "y"], answers=one)
    assert outcome.status == "waiting"
    assert await executed(second) == ["loop[1]/good", "loop[1]/then"]
    merged = FakeHost()
    merged.journal.facts = [*first.journal.facts, *second.journal.facts]
    merged.journal._next_seq = second.journal.next_seq
    both = {**one, "loop[0]/good": Answer(choice="reject")}
    outcome = await go_on(plan, merged, third, ["x", "y"], answers=both)
    assert outcome.status == "succeeded"
    assert results(third) == ["x: reject", "y: approve"]
    assert await executed(third) == ["loop[0]/good", "loop[0]/then"]


async def test_resume_in_the_middle_of_a_loop_after_a_crash():
    first, second = FakeHost(), FakeHost()
    body = [
        box("way", "fork", parent="loop"),
        box("held", "meet", others=["go"], parent="loop"),
        box("free", parent="loop"),
    ]
    plan = looped(*body, edges="way.yes>held way.no>free", concurrency=1)
    running = asyncio.create_task(run(plan, first, [0, 1, 0]))
    await until(lambda: statuses(first).get("loop[1]/held") == "running")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await second.memory.put("met", "go", True)
    outcome = await go_on(plan, first, second, [0, 1, 0])
    assert outcome.status == "succeeded"
    assert results(second) == [0, "held", 0]
    assert await executed(second) == ["loop[1]/held", "loop[2]/way", "loop[2]/free"]


async def test_steps_of_a_body_are_retried_the_container_is_not():
    host = FakeHost()
    settings = {"retries": 2, "retry_delay_s": 0.001}
    inner = box("shaky", "flaky", fails=1, parent="loop", settings=settings)
    assert (await run(looped(inner), host, [1])).status == "succeeded"
    host = FakeHost()
    bad = box("bad", "flaky", parent="loop")
    assert (await run(looped(bad, settings=settings), host, [1])).status == "failed"
    assert (await executed(host)).count("loop[0]/bad") == 1


async def test_a_loop_that_a_person_tries_again_begins_with_the_items_that_failed():
    first, second, third = FakeHost(), FakeHost(), FakeHost()
    bad = box("inner", "flaky", how="refused", parent="loop")
    ask = {"on_error": "ask"}
    way = box("way", "fork", parent="loop")
    broken = looped(way, bad, edges="way.no>inner", settings=ask, concurrency=1)
    assert (await run(broken, first, [1, 0, 1])).status == "waiting"
    assert await executed(first) == ["begin", "loop[0]/way", "loop[1]/way", "loop[1]/inner"]
    retry = {"recoveries": {"loop": Answer(choice="retry")}}
    assert (await go_on(broken, first, second, [1, 0, 1], **retry)).status == "waiting"
    assert await executed(second) == ["loop[1.2]/way", "loop[1.2]/inner"]
    told = {**first.journal.steps, **second.journal.steps}
    before = SimpleNamespace(journal=SimpleNamespace(steps=told, next_seq=second.journal.next_seq))
    mended = looped(way, box("inner", parent="loop"), edges="way.no>inner", settings=ask)
    outcome = await go_on(mended, before, third, [1, 0, 1], **retry)
    assert outcome.status == "succeeded"
    assert "loop[0]/way" not in await executed(third)
    assert {"loop[1.3]/way", "loop[1.3]/inner", "loop[2]/way"} <= set(await executed(third))
    assert third.journal.steps["loop"].attempt == 3


async def test_while_that_a_person_tries_again_goes_on_with_the_turn_that_failed():
    first, second = FakeHost(), FakeHost()
    ask = {"on_error": "ask"}

    def turning(inner):
        loop = box("loop", "logic.while", settings=ask, condition="index < 2")
        return plan_of(box("begin", "start"), loop, inner, edges="begin>loop")

    bad = turning(box("inner", "flaky", how="refused", parent="loop"))
    assert (await run(bad, first, 1)).status == "waiting"
    good = turning(box("inner", parent="loop"))
    retry = {"recoveries": {"loop": Answer(choice="retry")}}
    assert (await go_on(good, first, second, 1, **retry)).status == "succeeded"
    assert {"loop[0.2]/inner", "loop[1]/inner"} <= set(statuses(second))


async def test_turns_that_a_container_leaves_running_are_ended():
    host = FakeHost()
    body = [
        box("way", "fork", parent="loop"),
        box("stuck", "meet", others=["nobody"], parent="loop"),
        box("bad", "flaky", how="refused", parent="loop"),
    ]
    nodes = [box("begin", "start"), box("loop", "careless"), *body]
    plan = plan_of(*nodes, edges="begin>loop way.yes>stuck way.no>bad")
    outcome = await run(plan, host, [1, 0])
    assert outcome.status == "failed"
    assert statuses(host)["loop[0]/stuck"] == "canceled"
    assert len(asyncio.all_tasks()) == 1


async def test_cancel_reaches_the_body():
    host, cancelled = FakeHost(), asyncio.Event()
    plan = looped(box("inner", "meet", others=["nobody"], parent="loop"), concurrency=2)
    running = asyncio.create_task(run(plan, host, [1, 2, 3], cancelled=cancelled))
    await until(lambda: list(statuses(host).values()).count("running") == 3)
    cancelled.set()
    assert (await running).status == "canceled"
    assert statuses(host) == {
        "begin": "succeeded",
        "loop": "canceled",
        "loop[0]/inner": "canceled",
        "loop[1]/inner": "canceled",
    }


async def test_loops_in_loops_have_paths_in_paths():
    host = FakeHost()
    inner = box("inner", "logic.for_each", parent="loop", items="item")
    deep = box("deep", value="{{ item }}", parent="inner")
    out = box("out", value="{{ nodes.inner.results }}", parent="loop")
    await run(looped(inner, deep, out, edges="inner.results>out"), host, [[1, 2], [3]])
    assert results(host) == [[1, 2], [3]]
    assert output(host, "loop[0]/inner[1]/deep") == 2
