"""What a node gives to what comes after it is what it has at its sockets; other ports are read by name."""

import pytest

from app.engine.runtime.outcome import output_of
from app.engine.testing import FakeHost
from tests.engine.tiny import box, plan_of, run

BEGIN = box("begin", "start")


async def test_last_of_a_while_is_the_value_at_the_socket():
    host = FakeHost()
    loop = box("loop", "logic.while", condition="last.n < 4")
    inner = box("inner", "noted", value={"n": "{{ last.n + 1 }}"}, parent="loop")
    await run(plan_of(BEGIN, loop, inner, edges="begin>loop"), host, {"n": 1})
    assert host.journal.steps["loop"].output == {"value": {"n": 4}, "turns": 3}


async def test_results_of_a_for_each_are_the_values_at_the_sockets():
    host = FakeHost()
    loop, inner = (
        box("loop", "logic.for_each"),
        box("inner", "noted", value="{{ item }}", parent="loop"),
    )
    await run(plan_of(BEGIN, loop, inner, edges="begin>loop"), host, [1, 2])
    assert host.journal.steps["loop"].output["results"] == [1, 2]


async def test_several_ends_of_a_body_give_their_values_by_node():
    host = FakeHost()
    loop = box("loop", "logic.for_each")
    ends = [box(name, "noted", value=name, parent="loop") for name in "ab"]
    await run(plan_of(BEGIN, loop, *ends, edges="begin>loop"), host, [0])
    assert host.journal.steps["loop"].output["results"] == [{"a": "a", "b": "b"}]


async def test_a_loop_in_a_loop_gives_the_value_of_the_inner_one():
    host = FakeHost()
    outer = box("outer", "logic.for_each")
    loop = box("loop", "logic.while", condition="last < 3", parent="outer")
    inner = box("inner", value="{{ last + 1 }}", parent="loop")
    await run(plan_of(BEGIN, outer, loop, inner, edges="begin>outer"), host, [0, 1])
    assert host.journal.steps["outer"].output["results"] == [3, 3]


async def test_what_a_circle_ends_with_is_the_value_at_the_socket():
    host = FakeHost()
    add = box("add", "noted", value="{{ input + 1 }}")
    done = box("done", "fork", when="input >= 3")
    edges = "begin>add add>done done.no>add"
    outcome = await run(plan_of(BEGIN, add, done, edges=edges), host, 0)
    region = next(step for step in host.journal.steps.values() if step.kind == "logic.loop")
    assert (outcome.output, region.output["value"]) == (3, 3)
    assert region.output["nodes"]["add"] == {"value": 3, "note": "aside"}, "read by name"


@pytest.mark.parametrize("inside", [False, True])
async def test_the_last_output_is_the_value_at_the_socket_and_the_others_are_read_by_name(inside):
    host = FakeHost()
    around = {"parent": "loop"} if inside else {}
    first = box("first", "noted", value=7, **around)
    told = ["{{ context.last_output }}", "{{ nodes.first.note }}"]
    second = box("second", value=told, **around)
    loop = [box("loop", "logic.for_each")] if inside else []
    edges = "begin>loop first>second" if inside else "begin>first first>second"
    await run(plan_of(BEGIN, *loop, first, second, edges=edges), host, [0])
    path = "loop[0]/second" if inside else "second"
    assert host.journal.steps[path].output == {"value": [7, "aside"]}


async def test_a_pinned_output_gives_its_socket_too():
    host = FakeHost()
    loop = box("loop", "logic.for_each")
    inner = box("inner", "noted", parent="loop")
    pins = {"inner": {"value": "pinned", "note": "by hand"}}
    await run(plan_of(BEGIN, loop, inner, edges="begin>loop"), host, [0], pins=pins)
    assert host.journal.steps["loop"].output["results"] == ["pinned"]


async def test_the_output_of_a_run_holds_all_ports_of_its_last_node():
    host = FakeHost()
    plan = plan_of(BEGIN, box("last", "noted", value=1), edges="begin>last")
    await run(plan, host, None)
    assert output_of(plan, host.journal.steps) == {"value": 1, "note": "aside"}
