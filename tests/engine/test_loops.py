"""Circles with an exit run as bounded loops: turns, values, exits, nesting, resumption."""

import asyncio

import pytest

from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from app.kernel.errors import GraphInvalid
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, go_on, output, plan_of, run, statuses

COUNT = [
    box("begin", "start"),
    box("add", value="{{ input + 1 }}"),
    box("done", "fork", when="input >= 3"),
    box("after", value="{{ input }}"),
]
COUNT_EDGES = "begin>add add>done done.no>add done.yes>after"


def counting(**settings):
    nodes = [*COUNT[:1], box("add", value="{{ input + 1 }}", settings=settings), *COUNT[2:]]
    return plan_of(*nodes, edges=COUNT_EDGES)


async def test_a_circle_turns_until_no_edge_leads_back():
    host = FakeHost()
    outcome = await run(counting(), host, 0)
    assert (outcome.status, outcome.output) == ("succeeded", 3)
    assert await executed(host) == [
        "begin",
        *(f"loop_add[{i}]/{node}" for i in range(3) for node in ("add", "done")),
        "after",
    ]
    region = host.journal.steps["loop_add"]
    assert (region.kind, region.status, region.alive) == ("logic.loop", "succeeded", ("done.yes",))
    assert (region.output["turns"], region.output["value"]) == (3, 3)


async def test_a_loop_that_does_not_end_fails_with_what_it_had():
    host = FakeHost()
    outcome = await run(counting(max_iterations=2), host, 0)
    assert outcome.status == "failed"
    assert outcome.error["code"] == "max_iterations"
    assert outcome.error["partial"] == 2
    assert "2 turns" in outcome.error["message"]
    assert "after" not in statuses(host)


async def test_what_leaves_from_a_plain_port_runs_once_after_the_loop():
    host = FakeHost()
    nodes = [*COUNT, box("beside", value="seen {{ input }}")]
    outcome = await run(plan_of(*nodes, edges=f"{COUNT_EDGES} add>beside"), host, 0)
    assert outcome.output == {"after": 3, "beside": "seen 3"}
    assert (await executed(host)).count("beside") == 1


async def test_an_edge_out_lives_when_it_lived_in_any_turn_and_has_its_latest_value():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("add", value="{{ input + 1 }}"),
        box("even", "fork", when="input == 2"),
        box("go", "join"),
        box("last", "fork", when="input[0] >= 4"),
        box("next", value="{{ input[0] }}"),
        box("seen"),
        box("after"),
    ]
    edges = (
        "begin>add add>even even.yes>go even.no>go go>last last.no>next next>add "
        "last.yes>after even.yes>seen"
    )
    outcome = await run(plan_of(*nodes, edges=edges), host, 0)
    assert outcome.output == {"seen": 2, "after": [4]}


async def test_values_from_outside_stay_at_ports_that_nothing_inside_feeds():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("step", value=10),
        box("sum", "pair", value="{{ input.left + input.right }}"),
        box("value", value="{{ input[2] }}"),
        box("done", "fork", when="input > 25"),
        box("after"),
    ]
    edges = "begin>sum.left step>sum.right begin>step sum>value value>done done.no>sum.left done.yes>after"
    outcome = await run(plan_of(*nodes, edges=edges), host, 1)
    assert outcome.output == 31


async def test_expressions_see_the_latest_output_inside_and_the_last_one_outside():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("add", value="{{ (nodes.keep.value if nodes.keep else 0) + 5 }}"),
        box("keep"),
        box("done", "fork", when="input >= 15"),
        box("after", value="{{ nodes.add.value }} {{ nodes.keep.value }}"),
    ]
    plan = plan_of(*nodes, edges="begin>add add>keep keep>done done.no>add done.yes>after")
    assert (await run(plan, host, 0)).output == "15 15"


async def test_a_node_that_responds_in_a_loop_answers_the_run():
    host = FakeHost()
    nodes = [*COUNT, box("say", "reply", value="turn {{ input }}")]
    edges = "begin>add add>done done.no>say say>add done.yes>after"
    nodes[1] = box("add", value="{{ nodes.n.value if nodes.n else 1 }}")
    nodes[1] = box("add", value="{{ 3 if nodes.say else 1 }}")
    outcome = await run(plan_of(*nodes, edges=edges), host, 0)
    assert outcome.output == "turn 1"
    assert [e.type for e in host.journal.events].count("run.responded") == 1


async def test_loops_in_loops():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("outer", value="{{ [input[0] + 1, 0] }}"),
        box("inner", value="{{ [input[0], input[1] + 1] }}"),
        box("again", "fork", when="input[1] < 2"),
        box("more", "fork", when="input[0] < 2"),
        box("after"),
    ]
    edges = "begin>outer outer>inner inner>again again.yes>inner again.no>more more.yes>outer more.no>after"
    outcome = await run(plan_of(*nodes, edges=edges), host, [0, 0])
    assert outcome.output == [2, 2]
    assert "loop_outer[1]/loop_inner[1]/again" in statuses(host)
    assert "loop_outer[2]/outer" not in statuses(host)


async def test_a_loop_inside_a_for_each():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("rows", "logic.for_each"),
        box("add", value="{{ input + 1 }}", parent="rows"),
        box("done", "fork", when="input >= 3", parent="rows"),
        box("out", parent="rows"),
    ]
    edges = "begin>rows add>done done.no>add done.yes>out"
    plan = plan_of(*nodes[:2], box("first", parent="rows"), *nodes[2:], edges=f"{edges} first>add")
    outcome = await run(plan, host, [0, 2])
    assert outcome.output["results"] == [3, 3]
    assert "rows[0]/loop_add[2]/done" in statuses(host)


async def test_a_circle_that_nothing_enters_is_skipped():
    host = FakeHost()
    nodes = [box("begin", "start"), box("a"), box("b", "fork")]
    assert (await run(plan_of(*nodes, edges="a>b b.yes>a"), host, 1)).status == "succeeded"
    assert statuses(host)["loop_a"] == "skipped"


async def test_a_failure_in_a_turn_fails_the_loop_and_the_run():
    host = FakeHost()
    nodes = [*COUNT[:1], box("add", "flaky", how="refused"), *COUNT[2:]]
    outcome = await run(plan_of(*nodes, edges=COUNT_EDGES), host, 0)
    assert (outcome.status, outcome.error["code"]) == ("failed", "upstream_refused")
    assert statuses(host)["loop_add"] == "failed"


async def test_a_question_in_a_turn_is_answered_in_a_later_life():
    first, second, third = FakeHost(), FakeHost(), FakeHost()
    nodes = [
        box("begin", "start"),
        box("add", value="{{ input + 1 }}"),
        box("ask", "ask"),
        box("done", "fork", when="nodes.add.value >= 2"),
        box("back", value="{{ nodes.add.value }}"),
        box("after"),
    ]
    edges = "begin>add add>ask ask>done done.no>back back>add done.yes>after"
    plan = plan_of(*nodes, edges=edges)
    assert (await run(plan, first, 0)).status == "waiting"
    one = {"loop_add[0]/ask": Answer(choice="yes")}
    assert (await go_on(plan, first, second, 0, answers=one)).status == "waiting"
    assert await executed(second) == [
        "loop_add[0]/ask",
        "loop_add[0]/done",
        "loop_add[0]/back",
        "loop_add[1]/add",
        "loop_add[1]/ask",
    ]
    merged = FakeHost()
    merged.journal.facts = [*first.journal.facts, *second.journal.facts]
    merged.journal._next_seq = second.journal.next_seq
    both = {**one, "loop_add[1]/ask": Answer(choice="no")}
    outcome = await go_on(plan, merged, third, 0, answers=both)
    assert outcome.output == "2: no"
    assert await executed(third) == ["loop_add[1]/ask", "loop_add[1]/done", "after"]


async def test_resume_in_the_middle_of_a_turn_repeats_nothing_that_was_finished():
    first, second = FakeHost(), FakeHost()
    nodes = [
        box("begin", "start"),
        box("add", value="{{ (input if nodes.hold else input) + 1 }}"),
        box("done", "fork", when="input >= 2"),
        box("hold", "meet", others=["go"]),
        box("back", value="{{ nodes.add.value }}"),
        box("after"),
    ]
    edges = "begin>add add>done done.no>hold hold>back back>add done.yes>after"
    plan = plan_of(*nodes, edges=edges)
    running = asyncio.create_task(run(plan, first, 0))
    await until(lambda: statuses(first).get("loop_add[0]/hold") == "running")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await second.memory.put("met", "go", True)
    outcome = await go_on(plan, first, second, 0)
    assert outcome.output == 2
    assert (await executed(second))[0] == "loop_add[0]/hold"
    assert output(second, "loop_add[1]/add") == 2


@pytest.mark.parametrize("settings", [{}, {"disabled": True}])
def test_a_circle_without_an_exit_is_refused(settings):
    nodes = [box("begin", "start"), box("a"), box("b", "fork", settings=settings)]
    edges = "begin>a a>b b.yes>a" if settings else "begin>a a>a a>b"
    with pytest.raises(GraphInvalid) as refused:
        plan_of(*nodes, edges=edges)
    assert refused.value.context["problems"][0]["code"] == "cycle"
