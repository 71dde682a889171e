"""The trace explorer of one run."""

import reflex as rx

from app.components.assets import library


class TraceExplorer(rx.NoSSRComponent):
    """Tree, timeline, graph and log of a run; reads the live store and the API."""

    library = library("trace/trace.jsx")
    tag = "TraceExplorer"
    lib_dependencies: list[str] = ["react-virtuoso@4.18.21"]
    run_id: rx.Var[str]
    workflow_id: rx.Var[str]


trace_explorer = TraceExplorer.create
