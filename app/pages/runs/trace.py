"""The trace of one run."""

import reflex as rx

from app.components import ui
from app.components.trace import trace_explorer
from app.layouts.page import page
from app.state.runs.live import RunState
from app.state.runs.trace import RunTraceState


@page(
    "/runs/[run_id]",
    "Run",
    on_load=[RunTraceState.load, RunState.open_run, RunState.watch],
)
def run_trace() -> rx.Component:
    """Head line with what can be done, and the explorer below."""
    return rx.fragment(_head(), _body())


def _head() -> rx.Component:
    status = rx.cond(RunState.status == "", RunTraceState.loaded_status, RunState.status)
    return ui.page_header(
        rx.el.h1(RunTraceState.title, class_name="truncate-1"),
        ui.palette_button(),
        rx.cond(
            rx.Var.create(["pending", "running", "waiting"]).contains(status),
            _control("Pause", "pause"),
        ),
        rx.cond(status == "paused", _control("Resume", "resume")),
        rx.cond(
            rx.Var.create(["pending", "running", "waiting", "paused"]).contains(status),
            _control("Cancel", "cancel"),
        ),
        ui.link_button(
            "Open workflow", href=f"/workflows/{RunTraceState.workflow_id}?run={RunTraceState.loaded_id}",
            data_testid="open-workflow",
        ),
        ui.button("Run again", variant="primary", on_click=RunTraceState.run_again, data_testid="run-again"),
        crumb=("Runs", "/runs"),
        beside=rx.el.span(
            ui.status_badge(status=status),
            ui.badge(RunTraceState.origin),
            rx.cond(
                RunTraceState.goes_on_from != "",
                rx.el.a("after an earlier run", href=f"/runs/{RunTraceState.goes_on_from}", class_name="link"),
            ),
            rx.cond(
                RunTraceState.called_by != "",
                rx.el.a("called by a run", href=f"/runs/{RunTraceState.called_by}", class_name="link"),
            ),
            class_name="row",
        ),
    )  # fmt: skip


def _control(word: str, action: str) -> rx.Component:
    wish = {"run_id": RunTraceState.loaded_id, "action": action}
    return ui.button(word, on_click=RunState.control(wish), data_testid=f"{action}-run")


def _body() -> rx.Component:
    return rx.cond(
        RunTraceState.error != "",
        ui.page_body(
            ui.empty_state(
                "search-x", "This run is not here", RunTraceState.error,
                ui.link_button("All runs", href="/runs"),
            )
        ),
        rx.el.div(
            trace_explorer(run_id=RunTraceState.loaded_id, workflow_id=RunTraceState.workflow_id),
            class_name="page-whole",
            id="content",
        ),
    )  # fmt: skip
