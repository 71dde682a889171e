"""A node that is switched off passes on, at each output, the first value that arrives and fits it."""

import pytest

from app.engine.graph.typing import is_of_type
from app.engine.testing import FakeHost
from tests.engine.tiny import box, output, plan_of, run, statuses

OFF = {"disabled": True}


async def test_each_output_gets_the_first_value_of_its_type():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("rows", "logic.for_each", settings=OFF),
        box("inner", parent="rows"),
        box("after"),
        edges="begin>rows rows.results>after",
    )
    await run(plan, host, [1, 2])
    assert output(host, "after") == [1, 2]
    assert host.journal.steps["rows"].origin == "disabled"


async def test_an_output_that_nothing_fits_is_dead():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("rows", "logic.for_each", settings=OFF),
        box("inner", parent="rows"),
        box("after"),
        edges="begin>rows rows.results>after",
    )
    assert (await run(plan, host, "no list")).status == "succeeded"
    assert statuses(host)["after"] == "skipped"
    assert host.journal.steps["rows"].alive == ()


async def test_a_join_passes_on_the_first_that_arrived():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("a", value="A"),
        box("b", value="B"),
        box("both", "logic.merge", settings=OFF),
        edges="begin>a begin>b b>both a>both",
    )
    assert (await run(plan, host)).output == "B"


async def test_the_error_port_of_a_node_that_is_off_is_dead():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("off", settings={**OFF, "on_error": "error_port"}),
        box("good"),
        box("bad"),
        edges="begin>off off>good off.error>bad",
    )
    await run(plan, host, {"n": 1})
    assert (statuses(host)["good"], statuses(host)["bad"]) == ("succeeded", "skipped")


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("x", {"any", "text"}),
        (1, {"any", "number"}),
        (True, {"any", "boolean"}),
        ({}, {"any", "object", "file", "message", "document"}),
        ([], {"any", "list"}),
        (None, {"any"}),
    ],
)
def test_types_of_values(value, fits):
    names = {"any", "text", "number", "boolean", "object", "list", "file", "message", "document"}
    assert {name for name in names | {"tool"} if is_of_type(value, name)} == fits
