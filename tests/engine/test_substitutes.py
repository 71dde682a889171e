"""What stands in for executing: pinned outputs, outputs used again, disabled nodes."""

from dataclasses import replace

import pytest

from app.engine.graph.validate import check
from app.engine.host import RunRequest
from app.engine.runtime import execute
from app.engine.testing import FakeHost
from app.kernel.errors import StorageDown
from tests.engine.tiny import CATALOG, box, executed, graph, output, plan_of, run, statuses

NODES = [box("begin", "start"), box("slow", "meet"), box("after")]
EDGES = "begin>slow slow>after"


async def test_a_pin_of_the_request_stands_in_without_an_effect():
    host = FakeHost()
    nodes = [box("begin", "start"), box("sends", "effect"), box("after")]
    plan = plan_of(*nodes, edges="begin>sends sends>after")
    outcome = await run(plan, host, 1, pins={"sends": {"value": "pinned"}})
    assert (outcome.status, outcome.output) == ("succeeded", "pinned")
    assert await executed(host) == ["begin", "after"]
    step = host.journal.steps["sends"]
    assert (step.status, step.origin, step.tokens) == ("succeeded", "pinned", 0)
    told = next(e for e in host.journal.events if e.type == "step.completed" and e.path == "sends")
    assert told.payload["step"]["origin"] == "pinned"


async def test_a_path_is_pinned_before_its_node():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("each", "logic.for_each", items="input"),
        box("inner", "meet", parent="each"),
    ]
    pins = {"inner": {"value": "all"}, "each[1]/inner": {"value": "second"}}
    outcome = await run(plan_of(*nodes, edges="begin>each"), host, [1, 2, 3], pins=pins)
    assert outcome.output["results"] == ["all", "second", "all"]


async def test_an_output_pinned_in_the_graph_counts_only_by_hand():
    pinned = box("slow", "meet", settings={"pinned": {"value": 7}})
    plan = plan_of(NODES[0], pinned, NODES[2], edges=EDGES)
    outcome = await run(plan, FakeHost(), 1, by_hand=True)
    assert outcome.output == 7
    outcome = await run(plan, FakeHost(), 1, by_hand=True, pins={"slow": {"value": 8}})
    assert outcome.output == 8
    outcome = await run(plan, FakeHost(), 1)
    assert outcome.output == "slow"


async def test_a_pinned_choice_opens_the_way_it_has():
    host = FakeHost()
    nodes = [box("begin", "start"), box("way", "fork"), box("yes"), box("no")]
    plan = plan_of(*nodes, edges="begin>way way.yes>yes way.no>no")
    await run(plan, host, 1, pins={"way": {"no": 5}})
    assert statuses(host) == {
        "begin": "succeeded",
        "way": "succeeded",
        "yes": "skipped",
        "no": "succeeded",
    }
    assert output(host, "no") == 5


async def test_a_disabled_node_says_so():
    host = FakeHost()
    nodes = [box("begin", "start"), box("off", settings={"disabled": True}), box("after")]
    await run(plan_of(*nodes, edges="begin>off off>after"), host, 3)
    assert host.journal.steps["off"].origin == "disabled"
    assert output(host, "after") == 3


def cached(kind="meet", **config):
    return plan_of(
        NODES[0], box("slow", kind, settings={"cache_s": 60}, **config), NODES[2], edges=EDGES
    )


async def again(first, given, plan=None, **more):
    second = FakeHost()
    second.cache = first.cache
    await run(plan or cached(), second, given, **more)
    return second


async def test_the_same_input_gives_the_same_output_without_executing():
    first = FakeHost()
    plan = cached("quiet", prompt="{{ input }}")
    first = FakeHost({"models": ["Hello"]})
    await run(plan, first, "x")
    second = await again(first, "x", plan)
    assert output(second, "slow") == "Hello"
    assert second.journal.steps["slow"].origin == "cached"
    assert "slow" not in await executed(second)
    assert second.journal.calls == []
    assert second.journal.patches[-1].tokens == 0


@pytest.mark.parametrize("what", ["input", "form", "workspace", "version"])
async def test_anything_that_decides_the_output_makes_another_key(what):
    keys = []
    for turn in range(2):
        host = FakeHost({"models": ["a", "b"]})
        changed = turn == 1
        plan = cached("quiet", prompt="one" if not (changed and what == "form") else "two")
        if changed and what == "version":
            node = plan.nodes["slow"]
            plan.nodes["slow"] = replace(node, type=replace(node.type, version=2))
        workspace = "wsp_2" if changed and what == "workspace" else "wsp_1"
        request = RunRequest(
            run_id="run_1",
            workspace_id=workspace,
            workflow_id="wfl_1",
            input="y" if changed and what == "input" else "x",
        )
        await execute(plan, request, host)
        keys += list(host.cache.kept)
    assert len(set(keys)) == 2


async def test_a_step_that_looks_around_is_not_kept():
    """The memory it reads may change without its input changing."""
    host = FakeHost()
    await run(cached(), host, 1)
    assert host.cache.kept == {}


async def test_an_effect_is_never_left_out():
    first = FakeHost()
    await run(cached("effect"), first, 1)
    assert first.cache.kept == {}
    second = await again(first, 1, cached("effect"))
    assert "slow" in await executed(second)


async def test_a_failure_is_not_kept():
    host = FakeHost()
    await run(cached("flaky"), host, 1)
    assert host.cache.kept == {}


async def test_a_cache_that_is_away_does_not_stop_the_run():
    class Away:
        async def get(self, key):
            raise StorageDown("The database does not answer.")

        async def put(self, key, value, seconds):
            raise StorageDown("The database does not answer.")

    host = FakeHost({"models": ["Hello"]})
    host.cache = Away()
    outcome = await run(cached("quiet"), host, "x")
    assert outcome.output == "Hello"


def codes(*nodes, edges, workflow_id=""):
    return [(p.code, p.node_id) for p in check(graph(*nodes, edges=edges), CATALOG, workflow_id)]


def test_a_cache_that_never_helps_is_a_problem_with_a_fix():
    nodes = [NODES[0], box("slow", "effect", settings={"cache_s": 60})]
    [problem] = [
        p
        for p in check(graph(*nodes, edges="begin>slow"), CATALOG)
        if p.code == "cache_without_use"
    ]
    assert (problem.severity, problem.field) == ("warning", "settings.cache_s")
    assert problem.fix.ops[0]["settings"] == {"cache_s": 0}
    fine = [NODES[0], box("slow", "say", settings={"cache_s": 60})]
    assert ("cache_without_use", "slow") not in codes(*fine, edges="begin>slow")


def test_a_workflow_that_calls_itself_is_an_error():
    nodes = [NODES[0], box("call", "flow.run_workflow", workflow="wfl_1")]
    assert ("calls_itself", "call") in codes(*nodes, edges="begin>call", workflow_id="wfl_1")
    assert ("calls_itself", "call") not in codes(*nodes, edges="begin>call", workflow_id="wfl_2")
