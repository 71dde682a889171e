"""The list of runs."""

import reflex as rx

from app.components import lists, ui
from app.components.statuses import STATUSES
from app.layouts.listing import listing
from app.layouts.page import page
from app.state.runs.list import RunListState

_CHOICES = ("pending", "running", "waiting", "succeeded", "failed", "canceled")
_STATUSES = [
    ("all", "All statuses"),
    *((status, STATUSES[status].word.capitalize()) for status in _CHOICES),
]


@page("/runs", "Runs", on_load=[RunListState.watch])
def runs() -> rx.Component:
    """Filters, the live table, pages."""
    return rx.fragment(
        ui.page_header(
            "Runs",
            ui.palette_button(),
            ui.link_button("Dead letters", href="/dead-letters", data_testid="dead-letters"),
        ),
        listing(
            RunListState,
            lists.run_table(RunListState.rows, on_cancel=RunListState.cancel),
            *_filters(),
            searching="Search by workflow or run number",
            found_none=ui.no_match(
                "No run fits",
                "Show all runs",
                RunListState.forget_filters,
                text="Try other words or filters.",
            ),
            none_yet=_none_yet(),
            narrowed=_narrowed(),
        ),
    )


def _filters() -> tuple[rx.Component, ...]:
    status = ui.select(
        _STATUSES,
        value=RunListState.status,
        on_change=RunListState.choose_status,
        label="Status",
        testid="filter-status",
    )
    workflow = ui.select(
        RunListState.workflows,
        value=RunListState.workflow,
        on_change=RunListState.choose_workflow,
        label="Workflow",
        testid="filter-workflow",
    )
    return status, workflow


def _narrowed() -> rx.Var[bool]:
    chosen = (RunListState.status != "all") | (RunListState.workflow != "all")
    return rx.Var.create(chosen | (RunListState.search != ""))


def _none_yet() -> rx.Component:
    return ui.empty_state(
        "activity",
        "No runs yet",
        "Open a workflow and press Run. Each step appears here and in its trace while it happens.",
        ui.link_button("Open workflows", href="/workflows", variant="primary", icon="workflow"),
    )
