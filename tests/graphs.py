"""Graphs of real node types for tests, in a few words."""

from itertools import pairwise
from typing import Any

PORTS = {
    "trigger.manual": ("", "data"),
    "trigger.chat": ("", "message"),
    "data.template": ("input", "text"),
    "data.set": ("input", "data"),
    "flow.respond": ("input", "value"),
    "human.approval": ("input", "approved"),
    "tool.http": ("input", "body"),
    "memory.key_value": ("input", "value"),
    "logic.if": ("input", "true"),
    "model.chat": ("input", "text"),
    "logic.wait": ("input", "value"),
    "logic.for_each": ("input", "results"),
}


def node(
    node_id: str, kind: str, config: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A node of a graph document."""
    return {
        "id": node_id,
        "kind": kind,
        "version": 1,
        "label": node_id.title(),
        "config": config or {},
        **more,
    }


def edge(
    source: dict[str, Any], target: dict[str, Any], source_port: str = "", target_port: str = ""
) -> dict[str, Any]:
    """A wire between the main ports of two nodes, or between the named ones."""
    source_port = source_port or PORTS[source["kind"]][1]
    target_port = target_port or PORTS[target["kind"]][0]
    return {
        "id": f"{source['id']}.{source_port}-{target['id']}",
        "source": source["id"],
        "source_port": source_port,
        "target": target["id"],
        "target_port": target_port,
    }


def chain(*nodes: dict[str, Any]) -> dict[str, Any]:
    """Nodes one after the other."""
    wires = [edge(one, two) for one, two in pairwise(nodes)]
    return {"schema": 1, "nodes": list(nodes), "edges": wires}


START = node("start", "trigger.manual")

QUICK = chain(
    START,
    node("greet", "data.template", {"template": "Hi {{ trigger.name }}"}),
    node("answer", "flow.respond"),
)

APPROVAL = chain(
    START,
    node(
        "check",
        "human.approval",
        {"title": "Send it?", "value": "{{ trigger.text }}", "editable": True},
    ),
    node("answer", "flow.respond", {"value": "{{ input }}"}),
)

PUT = chain(
    START,
    node(
        "keep", "memory.key_value", {"operation": "set", "key": "k", "value": "{{ trigger.text }}"}
    ),
    node("answer", "flow.respond", {"value": "done"}),
)
"""Its step `keep` changes the outside and is not safe to repeat."""


def slow(count: int) -> dict[str, Any]:
    """A chain of calls to the outside that are safe to repeat."""
    calls = [
        node(f"call_{i}", "tool.http", {"url": f"https://slow.example/{i}"}) for i in range(count)
    ]
    return chain(START, *calls, node("answer", "flow.respond", {"value": "done"}))
