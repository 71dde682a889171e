"""Pictures of graphs, drawn as SVG."""

from typing import Any

import reflex as rx

from app.components.assets import library
from app.engine.catalog import catalog


class GraphPreview(rx.Component):
    """A read-only picture of a graph; see `preview` for its value."""

    library = library("ui/graph_preview.jsx")
    tag = "GraphPreview"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    graph: rx.Var[dict[str, Any]]
    label: rx.Var[str]
    height: rx.Var[int]
    large: rx.Var[bool]


graph_preview = GraphPreview.create


def _category(kind: str) -> str:
    """The category of a kind, which is also its colour; what is not known is faint."""
    node_type = catalog().get(kind)
    return node_type.category if node_type else "faint"


def preview(graph: dict[str, Any]) -> dict[str, Any]:
    """Return what a picture of a graph needs, without configurations: small enough for a var."""
    nodes = graph.get("nodes", [])
    owners = {node.get("parent") for node in nodes}
    return {
        "nodes": [
            {
                "id": node["id"],
                "category": _category(node["kind"]),
                "kind": node["kind"],
                "label": node.get("label") or node["id"].replace("_", " "),
                "x": node.get("position", {}).get("x", 0),
                "y": node.get("position", {}).get("y", 0),
                "size": node.get("size"),
                "parent": node.get("parent"),
                "container": node["id"] in owners,
            }
            for node in nodes
        ],
        "edges": [
            {
                "id": edge["id"],
                "source": edge["source"],
                "target": edge["target"],
                "tool": edge["source_port"] == "tool",
            }
            for edge in graph.get("edges", [])
        ],
    }
