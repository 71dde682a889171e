import pytest

from app.engine.graph.document import Graph, parse_graph
from app.engine.graph.edits import MAX_OPS, apply
from app.kernel.errors import EditRefused, GraphInvalid

GRAPH = parse_graph(
    {
        "schema": 1,
        "nodes": [
            {"id": "inner", "kind": "t.a", "parent": "loop"},
            {"id": "start", "kind": "t.a", "config": {"list": [1, 2], "deep": {"x": None}}},
            {"id": "loop", "kind": "t.loop"},
            {"id": "end", "kind": "t.a", "label": "End"},
        ],
        "edges": [
            {
                "id": "e1",
                "source": "start",
                "source_port": "out",
                "target": "loop",
                "target_port": "in",
            },
            {
                "id": "e2",
                "source": "loop",
                "source_port": "out",
                "target": "end",
                "target_port": "in",
            },
            {
                "id": "e3",
                "source": "start",
                "source_port": "out",
                "target": "end",
                "target_port": "in",
            },
        ],
    }
)


def config_after(*ops):
    return apply(GRAPH, ops).graph.by_id["start"].config


def test_a_value_that_somebody_else_changed_is_left_as_it_is_and_told():
    ops = [
        {"op": "set_config", "id": "start", "path": ["deep", "x"], "value": 1, "was": None},
        {"op": "set_config", "id": "start", "path": ["list"], "value": [], "was": [1]},
        {"op": "set_label", "id": "end", "label": "Mine", "was": "Start"},
        {"op": "set_label", "id": "end", "label": "End", "was": "as wished"},
        {"op": "set_settings", "id": "end", "settings": {"retries": 2}, "was": {"retries": 1}},
        {"op": "set_config", "id": "end", "path": ["new"], "value": 1, "was": "there"},
    ]
    done = apply(GRAPH, ops)
    assert [(one.index, one.value) for one in done.overtaken] == [
        (1, [1, 2]), (2, "End"), (4, {"retries": 0}), (5, None),
    ]  # fmt: skip
    assert done.graph.by_id["start"].config == {"list": [1, 2], "deep": {"x": 1}}
    assert apply(done.graph, done.inverse).graph == GRAPH


def test_a_container_goes_with_its_body_and_edges_and_comes_back_whole():
    done = apply(GRAPH, [{"op": "remove_node", "id": "loop"}])
    assert [n.id for n in done.graph.nodes] == ["start", "end"]
    assert [e.id for e in done.graph.edges] == ["e3"]
    assert apply(done.graph, done.inverse).graph == GRAPH


def test_values_are_set_by_path():
    assert config_after({"op": "set_config", "id": "start", "path": ["a", "b"], "value": 1})[
        "a"
    ] == {"b": 1}
    assert config_after({"op": "set_config", "id": "start", "path": ["list", 2], "value": 3})[
        "list"
    ] == [1, 2, 3]
    assert config_after({"op": "set_config", "id": "start", "path": ["list", 0]})["list"] == [2]
    assert config_after(
        {"op": "set_config", "id": "start", "path": ["deep", "x", "y"], "value": 1}
    )["deep"] == {"x": {"y": 1}}
    assert "list" not in config_after({"op": "set_config", "id": "start", "path": ["list"]})
    assert config_after({"op": "set_config", "id": "start", "path": [], "value": {"q": 1}}) == {
        "q": 1
    }


def test_a_move_without_parent_stays_in_its_body():
    moved = apply(GRAPH, [{"op": "move", "moves": [{"id": "inner", "x": 5, "y": 6}]}]).graph.by_id[
        "inner"
    ]
    assert (moved.position.x, moved.parent) == (5, "loop")
    out = apply(GRAPH, [{"op": "move", "moves": [{"id": "inner", "x": 5, "y": 6, "parent": None}]}])
    assert out.graph.by_id["inner"].parent is None


def test_settings_are_set_one_by_one():
    done = apply(GRAPH, [{"op": "set_settings", "id": "end", "settings": {"retries": 2}}])
    assert done.graph.by_id["end"].settings.retries == 2
    assert done.graph.by_id["end"].settings.timeout_s == 60
    assert done.inverse == ({"op": "set_settings", "id": "end", "settings": {"retries": 0}},)


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        ({"op": "explode"}, "no such edit"),
        ("add_node", "no such edit"),
        ({"op": "add_node", "node": {"id": "end", "kind": "t.a"}}, "already a node 'end'"),
        ({"op": "add_node", "node": {"id": "Not An Id", "kind": "t.a"}}, "node.id"),
        ({"op": "add_node", "node": {"id": "x", "kind": "t.a", "parent": "y"}}, "no node 'y'"),
        ({"op": "add_node", "node": {"id": "x", "kind": "t.a", "owner": "me"}}, "node.owner"),
        ({"op": "remove_node", "id": "x"}, "no node 'x'"),
        (
            {"op": "move", "moves": [{"id": "loop", "x": 0, "y": 0, "parent": "inner"}]},
            "inside itself",
        ),
        ({"op": "move", "moves": [{"id": "loop", "x": float("nan"), "y": 0}]}, "moves.0.x"),
        ({"op": "set_config", "id": "start", "path": ["list", "a"], "value": 1}, "no place 'a'"),
        ({"op": "set_config", "id": "start", "path": ["list", 5], "value": 1}, "2 items"),
        ({"op": "set_config", "id": "start", "path": ["list", -1], "value": 1}, "path.1"),
        ({"op": "set_config", "id": "start", "path": [], "value": 3}, "must be an object"),
        ({"op": "set_settings", "id": "start", "settings": {"retries": 99}}, "retries"),
        ({"op": "set_settings", "id": "start", "settings": {"colour": "red"}}, "colour"),
        ({"op": "resize", "id": "loop", "size": [0, 5]}, "size"),
        (
            {
                "op": "add_edge",
                "edge": {
                    "id": "e9",
                    "source": "start",
                    "source_port": "out",
                    "target": "end",
                    "target_port": "in",
                },
            },
            "already connected",
        ),
        ({"op": "remove_edge", "id": "e9"}, "no edge 'e9'"),
        ({"op": "replace", "graph": {"nodes": [{"id": "a"}]}}, "nodes.0.kind"),
    ],
)
def test_a_refusal_names_the_edit_and_the_reason(op, reason):
    with pytest.raises(EditRefused) as caught:
        apply(GRAPH, [{"op": "set_label", "id": "end", "label": "Fine"}, op])
    assert caught.value.context["index"] == 1
    assert reason in caught.value.message


def test_values_may_not_be_nested_without_end():
    value = 1
    for _ in range(62):
        value = [value]
    with pytest.raises(EditRefused, match="levels"):
        apply(GRAPH, [{"op": "set_config", "id": "end", "path": ["a"], "value": value}])


def test_the_number_of_edits_is_limited():
    edit = {"op": "set_label", "id": "end", "label": "x"}
    assert apply(GRAPH, [edit] * MAX_OPS).graph.by_id["end"].label == "x"
    with pytest.raises(EditRefused):
        apply(GRAPH, [edit] * (MAX_OPS + 1))


def test_twins_in_an_old_graph_survive_undo():
    twin = GRAPH.edges[0].model_copy(update={"id": "e9"})
    graph = Graph(nodes=GRAPH.nodes, edges=(*GRAPH.edges, twin))
    done = apply(graph, [{"op": "remove_node", "id": "loop"}])
    assert apply(done.graph, done.inverse).graph == graph


def test_a_graph_whose_nodes_lie_in_each_other_is_broken():
    nodes = [{"id": "a", "kind": "t.a", "parent": "b"}, {"id": "b", "kind": "t.a", "parent": "a"}]
    with pytest.raises(GraphInvalid, match="inside itself"):
        parse_graph({"nodes": nodes})
