"""Which nodes of a graph run, with which values, and what the run gives back."""

import pytest

from app.engine.testing import FakeHost
from tests.engine.tiny import box, executed, output, plan_of, run, statuses

FORKED = [
    box("begin", "start"),
    box("way", "fork", when="input"),
    box("a"),
    box("a2"),
    box("b"),
    box("after", "join"),
]
FORKED_EDGES = "begin>way way.yes>a a>a2 a2>after way.no>b b>after"


@pytest.mark.parametrize(
    ("given", "skipped", "gathered"),
    [(True, {"b"}, [True]), (False, {"a", "a2"}, [False])],
)
async def test_branch_not_taken_is_skipped_and_the_join_runs_once(given, skipped, gathered):
    host = FakeHost()
    outcome = await run(plan_of(*FORKED, edges=FORKED_EDGES), host, given)
    assert (outcome.status, outcome.output) == ("succeeded", gathered)
    assert {path for path, status in statuses(host).items() if status == "skipped"} == skipped
    assert (await executed(host)).count("after") == 1
    assert [e.path for e in host.journal.events if e.type == "step.skipped"] == sorted(skipped)


async def test_join_waits_for_the_longer_branch():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        *(box(f"n{i}") for i in range(5)),
        box("short"),
        box("after", "join"),
    ]
    edges = "begin>n0 n0>n1 n1>n2 n2>n3 n3>n4 begin>short short>after n4>after"
    outcome = await run(plan_of(*nodes, edges=edges), host, "x")
    assert outcome.output == ["x", "x"]
    assert (await executed(host))[-1] == "after"


async def test_merge_gathers_in_the_order_of_the_edges():
    host = FakeHost()
    nodes = [box("begin", "start"), box("one", value=1), box("two", value=2), box("after", "join")]
    outcome = await run(plan_of(*nodes, edges="begin>one begin>two two>after one>after"), host)
    assert outcome.output == [2, 1]


async def test_a_skipped_join_kills_what_follows():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("way", "fork"),
        box("a"),
        box("b"),
        box("c", "join"),
        box("d"),
    ]
    await run(plan_of(*nodes, edges="begin>way way.yes>a way.yes>b a>c b>c c>d"), host, False)
    assert {p for p, s in statuses(host).items() if s == "skipped"} == {"a", "b", "c", "d"}


async def test_parallel_branches_overlap_in_time():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("left", "meet", others=["right"], settings={"timeout_s": 5}),
        box("right", "meet", others=["left"], settings={"timeout_s": 5}),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>left begin>right"), host)
    assert outcome.output == {"left": "left", "right": "right"}


async def test_a_branch_does_not_wait_for_its_sibling_step_by_step():
    """The long branch's last node releases the short branch: a barrier would hang here."""
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("slow", "meet", others=["last"], settings={"timeout_s": 5}),
        box("n1"),
        box("last", "meet"),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>slow begin>n1 n1>last"), host)
    assert outcome.status == "succeeded"


async def test_names_that_expressions_may_use():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("first", value={"n": "{{ input.n + 1 }}", "given": "{{ trigger.n }}"}),
        box(
            "second",
            value="{{ nodes.first.value.n }} {{ context.last_output.given }} {{ vars.place }}",
        ),
    ]
    outcome = await run(
        plan_of(*nodes, edges="begin>first first>second"), host, {"n": 1}, vars={"place": "here"}
    )
    assert outcome.output == "2 1 here"
    assert host.journal.steps["first"].input == {
        "ports": {"input": {"n": 1}},
        "config": {"value": {"n": 2, "given": 1}},
    }


async def test_expressions_in_defaults_are_resolved():
    host = FakeHost()
    outcome = await run(plan_of(box("begin", "start"), box("a"), edges="begin>a"), host, {"n": 1})
    assert outcome.output == {"n": 1}


async def test_last_output_is_that_of_the_step_wired_before():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("a", value="A"),
        box("b", value="B"),
        box("after_a", value="{{ context.last_output }}"),
    ]
    await run(plan_of(*nodes, edges="begin>a begin>b a>after_a"), host)
    assert output(host, "after_a") == "A"


async def test_text_ports_take_other_values_as_text():
    host = FakeHost()
    nodes = [box("begin", "start"), box("number", value="{{ 41 + 1 }}"), box("words", "text")]
    outcome = await run(plan_of(*nodes, edges="begin>number number>words"), host)
    assert outcome.output == "42"


async def test_each_port_gets_its_own_value_and_input_is_a_dict_of_them():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("a", value="A"),
        box("b", value="B"),
        box("both", "pair", value="{{ input.right }}!"),
    ]
    edges = "begin>a begin>b b>both.right a>both.left"
    outcome = await run(plan_of(*nodes, edges=edges), host)
    assert outcome.output == ["A", "B", "B!"]


async def test_a_disabled_node_passes_its_input_on():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("off", value="changed", settings={"disabled": True}),
        box("after"),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>off off>after"), host, "as it was")
    assert outcome.output == "as it was"
    assert "off" not in await executed(host)


async def test_the_last_node_that_responds_gives_the_output():
    host = FakeHost()
    nodes = [box("begin", "start"), box("said", "reply", value="answer"), box("later")]
    outcome = await run(plan_of(*nodes, edges="begin>said said>later"), host, 1)
    assert outcome.output == "answer"


async def test_a_response_not_reached_does_not_count():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("way", "fork"),
        box("said", "reply", value="yes"),
        box("leaf", value="no"),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>way way.yes>said way.no>leaf"), host, False)
    assert outcome.output == "no"


async def test_an_agreed_event_stream():
    host = FakeHost()
    await run(plan_of(box("begin", "start"), box("a"), edges="begin>a"), host, "hello")
    told = [(e.seq, e.type, e.path) for e in host.journal.events]
    assert told == [
        (1, "run.started", None),
        (2, "step.completed", "begin"),
        (3, "step.completed", "a"),
        (4, "run.completed", None),
    ], "what is executed at once is told of by its end, which says when it began"
    completed = host.journal.events[2].payload["step"]
    assert completed["started_at"] <= completed["finished_at"]
    assert completed["preview"] == "hello"
    assert completed["finished_at"].endswith("Z")
    assert {
        "id",
        "node_id",
        "path",
        "kind",
        "label",
        "status",
        "attempt",
        "tokens",
        "cost_usd",
        "error",
    } <= set(completed)
    assert host.journal.events[-1].payload["run"]["status"] == "succeeded"
