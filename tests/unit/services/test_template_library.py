"""The built-in templates as files: whole, without problems, and laid out well."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app.engine.catalog import catalog
from app.engine.graph.document import Graph, NodeRef, parse_graph
from app.engine.graph.validate import check

LIBRARY = Path(__file__).parents[3] / "app/services/templates/library"
FILES = sorted(LIBRARY.glob("*.json"))
FIELDS = {
    "id",
    "title",
    "summary",
    "description",
    "category",
    "needs",
    "position",
    "example_input",
    "graph",
}
CATEGORIES = {"Support", "Data", "Content", "Research", "Automation"}
GRID, WIDTH, HEAD, PORT_ROW, FOOT = 20, 240, 60, 20, 30

each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def graph_of(path: Path) -> Graph:
    return parse_graph(read(path)["graph"])


def test_there_are_nine_and_eight_need_nothing():
    found = [read(path) for path in FILES]
    assert len(found) == 9
    assert [template["id"] for template in found if template["needs"]] == ["web-report"]
    assert sorted(template["position"] for template in found) == list(range(1, 10))


@each
def test_file_is_complete(path: Path):
    template = read(path)
    assert set(template) == FIELDS
    assert template["id"] == path.stem
    assert template["category"] in CATEGORIES
    assert 20 <= len(template["summary"]) <= 140
    assert template["summary"].endswith(".")
    assert "**What you can change**" in template["description"]
    assert "**What it needs**" in template["description"]


@each
def test_graph_has_no_problem(path: Path):
    assert check(graph_of(path), catalog()) == []


@each
def test_example_input_fits_the_run_form(path: Path):
    graph = graph_of(path)
    trigger = next(node for node in graph.nodes if catalog().get(node.kind).trigger)
    schema = catalog().get(trigger.kind).input_schema_for(trigger.config)
    jsonschema.validate(read(path)["example_input"], schema)
    assert set(read(path)["example_input"]) <= set(schema["properties"])


@each
def test_every_node_has_a_label_of_its_own_and_leads_somewhere(path: Path):
    graph = graph_of(path)
    labels = [node.label for node in graph.nodes]
    assert all(labels)
    assert len(set(labels)) == len(labels)
    for node in graph.nodes:
        node_type = catalog().get(node.kind)
        wired = any(node.id in (edge.source, edge.target) for edge in graph.edges)
        assert wired, node.id
        leads_on = any(edge.source == node.id for edge in graph.edges)
        assert leads_on or node_type.responds or node.parent, node.id


def size(node: NodeRef, graph: Graph) -> tuple[float, float]:
    """At most what the canvas makes of a node."""
    if node.size:
        return node.size
    node_type = catalog().get(node.kind)
    outputs = [port for port in node_type.output_ports(node.config) if port.socket]
    rows = max(
        len(node_type.input_ports()), len(outputs) + (node.settings.on_error == "error_port")
    )
    return WIDTH, HEAD + (rows if rows > 1 else 0) * PORT_ROW + FOOT


@each
def test_nodes_stand_on_the_grid_without_overlap(path: Path):
    graph = graph_of(path)
    boxes = [(node, node.position.x, node.position.y, *size(node, graph)) for node in graph.nodes]
    for node, x, y, width, height in boxes:
        assert (x % GRID, y % GRID) == (0, 0), node.id
        for other, x2, y2, width2, height2 in boxes:
            if other.id > node.id and other.parent == node.parent:
                apart = x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y
                assert apart, f"{node.id} lies on {other.id}"


@each
def test_bodies_lie_inside_their_containers(path: Path):
    graph = graph_of(path)
    for node in graph.nodes:
        if node.parent:
            width, height = size(node, graph)
            around = graph.by_id[node.parent]
            assert catalog().get(around.kind).container
            assert node.position.x >= GRID
            assert node.position.y >= HEAD
            assert node.position.x + width <= around.size[0], node.id
            assert node.position.y + height <= around.size[1], node.id


@each
def test_edges_run_from_left_to_right(path: Path):
    graph = graph_of(path)
    for edge in graph.edges:
        source, target = graph.by_id[edge.source], graph.by_id[edge.target]
        if edge.source_port == "tool":
            assert source.position.y > target.position.y, "tools hang below their agent"
        else:
            assert source.position.x + size(source, graph)[0] <= target.position.x, edge.id
