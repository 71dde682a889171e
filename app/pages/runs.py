"""The list of runs."""

import reflex as rx

from app.components import lists, ui
from app.pages.frame import page
from app.state.run_list import RunListState

_STATUSES = [
    ("all", "All statuses"),
    ("pending", "Pending"),
    ("running", "Running"),
    ("waiting", "Waiting"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("canceled", "Canceled"),
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
        ui.page_body(
            _filters(),
            ui.loaded(
                ready=RunListState.ready,
                error=RunListState.error,
                on_retry=RunListState.load,
                skeleton=ui.card(ui.skeleton_lines(8), pad=False),
                content=rx.cond(
                    RunListState.rows.length() > 0,
                    ui.card(
                        lists.run_table(RunListState.rows, on_cancel=RunListState.cancel),
                        pad=False,
                    ),
                    _nothing(),
                ),
            ),
            ui.pagination(
                shown=f"Page {RunListState.page_number}",
                has_previous=RunListState.has_previous,
                has_next=RunListState.has_next,
                on_previous=RunListState.newer,
                on_next=RunListState.older,
            ),
        ),
    )


def _filters() -> rx.Component:
    return rx.el.div(
        ui.search_field(
            RunListState.search,
            RunListState.look_for,
            placeholder="Search by workflow or run number",
        ),
        ui.select(
            _STATUSES,
            value=RunListState.status,
            on_change=RunListState.choose_status,
            label="Status",
            testid="filter-status",
        ),
        ui.select(
            RunListState.workflows,
            value=RunListState.workflow,
            on_change=RunListState.choose_workflow,
            label="Workflow",
            testid="filter-workflow",
        ),
        class_name="toolbar",
    )


def _nothing() -> rx.Component:
    filtered = (
        (RunListState.search != "")
        | (RunListState.status != "all")
        | (RunListState.workflow != "all")
    )
    found_none = ui.empty_state(
        "search-x",
        "No run fits",
        "Try other words or filters.",
        ui.button("Show all runs", on_click=RunListState.forget_filters),
    )
    none_yet = ui.empty_state(
        "activity",
        "No runs yet",
        "Open a workflow and press Run. Each step appears here and in its trace while it happens.",
        ui.link_button("Open workflows", href="/workflows", variant="primary", icon="workflow"),
    )
    return ui.card(rx.cond(filtered, found_none, none_yet), pad=False)
