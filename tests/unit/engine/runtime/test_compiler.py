"""Compiling: what a plan holds, what is refused, what is compiled once."""

import pytest

from app.engine.runtime import compile as compile_graph
from app.engine.runtime import graph_key
from app.kernel.errors import GraphInvalid
from tests.engine.tiny import CATALOG, Catalog, box, echo, graph, plan_of, start

CHAIN = [box("begin", "start"), box("a"), box("b")]
EDGES = "begin>a a>b"


def test_sources_stand_before_targets_whatever_the_order_of_the_nodes():
    plan = plan_of(*reversed(CHAIN), edges=EDGES)
    assert plan.order == ("begin", "a", "b")
    assert plan.sources == plan.triggers == ("begin",)


def test_the_same_graph_is_compiled_once():
    first, second = graph(*CHAIN, edges=EDGES), graph(*CHAIN, edges=EDGES)
    assert compile_graph(first, CATALOG) is compile_graph(second, CATALOG)


def test_another_catalog_compiles_anew():
    found = graph(*CHAIN, edges=EDGES)
    assert compile_graph(found, CATALOG) is not compile_graph(found, Catalog(start, echo))


def test_moving_a_node_changes_nothing_but_its_form_does():
    found = graph(*CHAIN, edges=EDGES)
    moved = found.as_json()
    moved["nodes"][1]["position"] = {"x": 9, "y": 9}
    changed = found.as_json()
    changed["nodes"][1]["config"] = {"value": 1}
    assert graph_key(type(found).model_validate(moved)) == graph_key(found)
    assert graph_key(type(found).model_validate(changed)) != graph_key(found)


def test_a_graph_with_errors_is_refused_with_its_problems():
    broken = graph(*CHAIN, edges=EDGES).as_json()
    broken["nodes"][1]["kind"] = "test.gone"
    with pytest.raises(GraphInvalid) as refused:
        compile_graph(type(graph()).model_validate(broken), CATALOG)
    assert refused.value.context["problems"][0]["code"] == "unknown_kind"
    assert refused.value.context["problems"][0]["node_id"] == "a"


def test_a_cycle_is_refused():
    with pytest.raises(GraphInvalid) as refused:
        plan_of(box("begin", "start"), box("a", "join"), box("b"), edges="begin>a a>b b>a")
    assert "cycle" in {problem["code"] for problem in refused.value.context["problems"]}


@pytest.mark.parametrize(
    ("nodes", "edges", "quick"),
    [
        (CHAIN, EDGES, True),
        ([*CHAIN[:2], box("b", "say")], EDGES, False),
        (
            [box("begin", "start"), box("a", "logic.for_each"), box("in", parent="a")],
            "begin>a",
            False,
        ),
    ],
)
def test_quick_means_that_all_nodes_are_and_none_turns(nodes, edges, quick):
    assert plan_of(*nodes, edges=edges).quick is quick


def test_a_long_graph_is_not_quick():
    nodes = [box(f"n{i}") for i in range(200)]
    assert not plan_of(
        box("begin", "start"), *nodes, edges=" ".join(f"begin>n{i}" for i in range(200))
    ).quick


def test_a_body_is_a_plan_of_its_own():
    plan = plan_of(
        box("begin", "start"),
        box("loop", "logic.for_each"),
        box("x", parent="loop"),
        box("y", parent="loop"),
        edges="begin>loop x>y",
    )
    assert plan.order == ("begin", "loop")
    assert plan.nodes["loop"].body.order == ("x", "y")
    assert plan.nodes["begin"].body is None


def test_the_error_port_is_there_when_asked_for():
    plan = plan_of(
        box("begin", "start"),
        box("a", settings={"on_error": "error_port"}),
        box("b"),
        edges="begin>a a>b",
    )
    assert plan.nodes["a"].outputs == ("value", "error")
    assert plan.nodes["b"].outputs == ("value",)
