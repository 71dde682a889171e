"""A broken document is refused with the place that is to be mended."""

import pytest

from app.engine.graph.document import parse_graph
from app.kernel.errors import GraphInvalid


def node(node_id: str, **more: object) -> dict[str, object]:
    return {"id": node_id, "kind": "data.template", **more}


def edge(edge_id: str, source: str, target: str) -> dict[str, object]:
    return {"id": edge_id, "source": source, "source_port": "text", "target": target, "target_port": "input"}  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "edges", "place", "words"),
    [
        ([node("a"), node("b"), node("a")], [], "nodes.2.id", "two nodes have the id 'a'"),
        ([node("a")], [edge("e", "a", "gone")], "edges.0.target", "'gone', which does not exist"),
        ([node("a")], [edge("e", "gone", "a")], "edges.0.source", "'gone', which does not exist"),
        (
            [node("a"), node("b")],
            [edge("e", "a", "b"), edge("e", "b", "a")],
            "edges.1.id",
            "two edges have the id 'e'",
        ),
        ([node("a"), node("b", parent="gone")], [], "nodes.1.parent", "lies in 'gone'"),
        ([node("a", parent="a")], [], "nodes.0.parent", "lies inside itself"),
        ([node("a", parent="b"), node("b", parent="a")], [], "nodes.0.parent", "inside itself"),
        ([{"id": "a"}], [], "nodes.0.kind", "Field required"),
    ],
)
def test_the_place_of_the_fault_is_named(nodes, edges, place, words):
    with pytest.raises(GraphInvalid) as refused:
        parse_graph({"schema": 1, "nodes": nodes, "edges": edges})
    assert refused.value.context["problems"][0]["place"] == place
    assert words in refused.value.context["problems"][0]["message"]
    assert f"at {place}: " in refused.value.message
