"""The four loads: what each run does, what it is given, and the only right answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.mock_model import ANSWER

MODEL = "compatible/mock"


@dataclass(frozen=True)
class Load:
    """A workflow to run again and again. `steps`: how many a run must have stored."""

    name: str
    title: str
    graph: Mapping[str, Any]
    given: Any
    output: Any
    steps: int
    model_calls: int = 0


def _node(node_id: str, kind: str, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "kind": kind, "version": 1, "label": node_id, "config": config}


def _edge(source: str, source_port: str, target: str, target_port: str = "input") -> dict[str, Any]:
    return {
        "id": f"{source}-{target}", "source": source, "source_port": source_port, "target": target,
        "target_port": target_port,
    }  # fmt: skip


def _graph(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schema": 1, "nodes": nodes, "edges": edges}


def _three() -> Load:
    nodes = [
        _node("start", "trigger.manual"),
        _node("a", "data.set", values={"name": "{{ trigger.name }}", "n": "{{ trigger.n + 1 }}"}),
        _node("b", "data.template", template="Hi {{ input.name }}, {{ input.n }}"),
        _node("c", "data.set", values={"text": "{{ input }}"}),
    ]
    edges = [_edge("start", "data", "a"), _edge("a", "data", "b"), _edge("b", "text", "c")]
    return Load("W1", "trigger and three data nodes", _graph(nodes, edges), {"name": "Ada", "n": 1}, {"text": "Hi Ada, 2"}, 4)  # fmt: skip


def _one_call() -> Load:
    nodes = [
        _node("start", "trigger.manual"),
        _node("ask", "model.chat", model=MODEL, prompt="{{ trigger.q }}"),
    ]
    edges = [_edge("start", "data", "ask")]
    return Load(
        "W2", "one model call of 50 ms", _graph(nodes, edges), {"q": "What colour?"}, ANSWER, 2, 1
    )


def _eight_calls() -> Load:
    nodes = [_node("start", "trigger.manual"), _node("all", "logic.merge")]
    edges = []
    for i in range(8):
        nodes.append(
            _node(f"ask{i}", "model.chat", model=MODEL, prompt="{{ trigger.q }} " + str(i))
        )
        edges += [_edge("start", "data", f"ask{i}"), _edge(f"ask{i}", "text", "all")]
    return Load("W3", "eight model calls at once and a merge", _graph(nodes, edges), {"q": "What colour?"}, [ANSWER] * 8, 10, 8)  # fmt: skip


def chain(count: int) -> Load:
    """A trigger and so many data nodes, one after the other."""
    nodes, edges = [_node("start", "trigger.manual")], [_edge("start", "data", "n0")]
    for i in range(count):
        nodes.append(
            _node(f"n{i}", "data.template", template="{{ input }}" if i else "{{ trigger.name }}")
        )
        if i:
            edges.append(_edge(f"n{i - 1}", "text", f"n{i}"))
    return Load(f"W4-{count}", f"{count} data nodes in a chain", _graph(nodes, edges), {"name": "Ada"}, "Ada", count + 1)  # fmt: skip


W1, W2, W3, W4 = _three(), _one_call(), _eight_calls(), chain(50)
