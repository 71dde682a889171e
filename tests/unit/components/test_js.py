"""The plain JavaScript modules: their tests under Node, and rules they share with Python."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.components import icons
from app.components.canvas import protocol
from app.engine.graph.document import Graph, parse_graph
from app.engine.graph.edits import apply
from app.kernel.errors import EditRefused

HERE = Path(__file__).parent / "js"
NODE = Path(sys.executable).parent / "node"


def run_node(*arguments: str, given: str = "") -> str:
    """Run Node and return what it printed; its errors fail the test."""
    command = [NODE, "--no-warnings", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem)
def test_plain_modules_keep_their_rules(file: Path) -> None:
    run_node("--test", str(file))


def test_generated_protocol_is_fresh() -> None:
    assert protocol.GENERATED.read_text() == protocol.script(), (
        "Run: python -m app.components.canvas.protocol"
    )


def test_the_icons_of_node_types_are_as_the_catalog_names_them() -> None:
    assert icons.GENERATED.read_text() == icons.script(), "Run: python -m app.components.icons"


PLACES: list[list[str | int]] = [
    [], ["t"], ["a", 0], ["a", 2], ["a", 9], ["a", 1, "b"], ["new"], ["new", "deep"], ["t", "x"],
]  # fmt: skip


def _start() -> Graph:
    nodes: list[dict[str, Any]] = [
        {"id": f"n{i}", "kind": "model.chat", "config": {"a": [1, {"b": i}], "t": "x"}}
        for i in range(6)
    ]
    nodes.append({"id": "box", "kind": "logic.for_each", "size": [400, 300]})
    nodes[4]["parent"] = nodes[5]["parent"] = "box"
    edges = [
        {"id": f"e{i}", "source": f"n{i}", "target": f"n{i + 1}"}
        | {"source_port": "text", "target_port": "input"}
        for i in range(3)
    ]
    return parse_graph({"schema": 1, "nodes": nodes, "edges": edges})


def _op(rng: random.Random, graph: Graph, n: int) -> dict[str, Any]:
    ids = [node.id for node in graph.nodes] or ["gone"]
    node, other = rng.choice(ids), rng.choice(ids)
    parent = rng.choice([None, "box", other])
    place = rng.choice(PLACES)
    whole = {"whole": True} if not place else rng.choice([None, 3, "{{ input }}", [1]])
    some = {"op": "set_config", "id": node, "path": place}
    edges = [edge.id for edge in graph.edges] or ["gone"]
    wire = {"source": node, "source_port": "text", "target": other, "target_port": "input"}
    return rng.choice([
        {"op": "add_node", "node": {"id": f"x{n}", "kind": "data.set", "parent": parent}},
        {"op": "remove_node", "id": node},
        {"op": "move", "moves": [{"id": node, "x": n, "y": -n, "parent": parent}]},
        {"op": "move", "moves": [{"id": node, "x": n, "y": n}]},
        some if place else {**some, "value": whole},
        {**some, "value": whole},
        {"op": "set_settings", "id": node, "settings": {"retries": n % 10, "on_error": "continue"}},
        {"op": "set_label", "id": node, "label": f"Name {n}"},
        {"op": "resize", "id": node, "size": rng.choice([None, [300, 200 + n]])},
        {"op": "add_edge", "edge": {"id": f"w{n}", **wire}},
        {"op": "remove_edge", "id": rng.choice(edges)},
        {"op": "replace", "graph": _start().as_json()},
    ])  # fmt: skip


def _expected(graph: Graph, ops: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        applied = apply(graph, ops)
    except EditRefused:
        return {"refused": True}
    return {"graph": applied.graph.as_json(), "undone": graph.as_json()}


def test_canvas_and_server_make_the_same_of_every_edit() -> None:
    rng, cases, expected = random.Random(7), [], []
    graph = _start()
    for n in range(400):
        ops = [_op(rng, graph, n * 3 + i) for i in range(rng.choice([1, 1, 2]))]
        cases.append({"graph": graph.as_json(), "ops": ops})
        expected.append(_expected(graph, ops))
        if n % 25 == 24:
            graph = _start()
        elif "graph" in expected[-1]:
            graph = parse_graph(expected[-1]["graph"])
    answers = json.loads(run_node(str(HERE / "parity.mjs"), given=json.dumps(cases)))
    for case, answer, wanted in zip(cases, answers, expected, strict=True):
        assert answer.get("refused") == wanted.get("refused"), case["ops"]
        assert answer.get("graph") == wanted.get("graph"), case["ops"]
        assert answer.get("undone") == wanted.get("undone"), case["ops"]
    made = {
        op["op"]
        for case, wanted in zip(cases, expected, strict=True)
        for op in case["ops"]
        if "graph" in wanted
    }
    assert len(made) == 10
