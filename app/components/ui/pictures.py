"""Pictures of numbers and of graphs, drawn as SVG."""

from typing import Any

import reflex as rx

from app.components.assets import library


class BarChart(rx.Component):
    """Runs per hour, stacked by how they ended. Points: {at, succeeded, failed, other}."""

    library = library("ui/charts.jsx")
    tag = "BarChart"
    points: rx.Var[list[dict[str, Any]]]
    label: rx.Var[str]


class ChartLegend(rx.Component):
    """What the colours of a bar chart mean."""

    library = library("ui/charts.jsx")
    tag = "ChartLegend"


class HeatMap(rx.Component):
    """Rows {id, name, href, cells} shaded by value; the last cell is the current hour."""

    library = library("ui/charts.jsx")
    tag = "HeatMap"
    rows: rx.Var[list[dict[str, Any]]]
    unit: rx.Var[str]


class GraphPreview(rx.Component):
    """A read-only picture of a graph; see `preview` for its value."""

    library = library("ui/graph_preview.jsx")
    tag = "GraphPreview"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    graph: rx.Var[dict[str, Any]]
    label: rx.Var[str]
    height: rx.Var[int]
    large: rx.Var[bool]


bar_chart = BarChart.create
chart_legend = ChartLegend.create
heat_map = HeatMap.create
graph_preview = GraphPreview.create


def preview(graph: dict[str, Any]) -> dict[str, Any]:
    """Return what a picture of a graph needs, without configurations: small enough for a var."""
    nodes = graph.get("nodes", [])
    owners = {node.get("parent") for node in nodes}
    return {
        "nodes": [
            {
                "id": node["id"],
                "category": node["kind"].partition(".")[0],
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
