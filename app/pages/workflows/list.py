"""The list of workflows."""

from typing import Any

import reflex as rx

from app.components import ui
from app.layouts.listing import listing
from app.layouts.page import page
from app.pages.home import new_workflow
from app.state.workflows.list import WorkflowsState


@page("/workflows", "Workflows", on_load=[WorkflowsState.watch])
def workflows() -> rx.Component:
    """Search, table, and what can be done with a workflow."""
    return rx.fragment(
        ui.page_header(
            "Workflows",
            ui.palette_button(),
            ui.link_button("From a template", href="/templates", data_testid="from-template"),
            new_workflow(),
        ),
        listing(
            WorkflowsState,
            _table(),
            searching="Search workflows",
            found_none=ui.no_match(
                "No workflow has this name", "Show all workflows", WorkflowsState.look_for("")
            ),
            none_yet=_none_yet(),
        ),
        _rename(),
    )


def _table() -> rx.Component:
    columns = [
        ui.Column("Name", _name, sort="name"),
        ui.Column("Status", lambda row: ui.status_badge(status=row.status), hide_narrow=True),
        ui.Column("Nodes", _nodes, sort="nodes", align="end", hide_narrow=True),
        ui.Column("Last run", _last_run, sort="last_run_at"),
        ui.Column("Changed", lambda row: ui.time_ago(at=row.updated_at), sort="updated_at",
                  hide_narrow=True),
        ui.Column("", _actions, align="end"),
    ]  # fmt: skip
    sorting = ui.Sorting(WorkflowsState.sort_by, WorkflowsState.descending, WorkflowsState.sort)
    return ui.table(
        WorkflowsState.rows, columns, label="Workflows", sorting=sorting, testid="workflows-table"
    )


def _name(row: rx.Var[Any]) -> rx.Component:
    return rx.el.div(
        ui.row_title(
            row.name,
            href=f"/workflows/{row.id}",
            style={"font_weight": "550"},
            data_testid=f"workflow-{row.id}",
        ),
        rx.el.p(
            row.project,
            rx.cond(row.template, rx.fragment(" · from ", row.template)),
            class_name="muted",
        ),
    )


def _nodes(row: rx.Var[Any]) -> rx.Component:
    return rx.el.span(row.nodes, class_name="num")


def _last_run(row: rx.Var[Any]) -> rx.Component:
    return rx.cond(
        row.last_run,
        rx.el.div(
            ui.status_badge(status=row.last_run),
            rx.el.span(ui.time_ago(at=row.last_run_at), class_name="muted hide-narrow"),
            class_name="row",
        ),
        rx.el.span("not run yet", class_name="muted"),
    )


def _actions(row: rx.Var[Any]) -> rx.Component:
    trigger = ui.icon_button(
        "ellipsis", f"Actions for {row.name}", size="sm", data_testid=f"actions-{row.id}"
    )
    return rx.el.div(
        ui.menu(
            trigger,
            ui.menu_item(
                "Rename",
                icon="pencil",
                on_select=WorkflowsState.start_rename(row.id, row.name),
                testid="rename",
            ),
            ui.menu_item(
                "Schedule…",
                icon="calendar-clock",
                on_select=rx.redirect(f"/schedules?new={row.id}"),
                testid="schedule",
            ),
            ui.menu_item(
                "Delete",
                icon="trash-2",
                on_select=WorkflowsState.delete(row.id, row.name),
                danger=True,
                testid="delete",
            ),
        ),
        class_name="above",
    )


def _none_yet() -> rx.Component:
    return ui.empty_state(
        "workflow",
        "No workflows yet",
        "Take a template that works as it is, or start from a blank canvas.",
        ui.link_button(
            "Pick a template", href="/templates", variant="primary", icon="layout-template"
        ),
        new_workflow("empty-new", words="Blank workflow", variant="default"),
    )


def _rename() -> rx.Component:
    form = rx.form(
        ui.field(
            ui.text_input(
                id="new-name",
                name="name",
                default_value=WorkflowsState.new_name,
                max_length=200,
                aria_invalid=rx.cond(WorkflowsState.name_error, "true", "false"),
            ),
            label="Name",
            name="new-name",
            error=WorkflowsState.name_error,
        ),
        on_submit=WorkflowsState.rename,
        id="rename-form",
    )
    return ui.dialog(
        form,
        title="Rename the workflow",
        description="Its address, runs and versions stay the same.",
        is_open=WorkflowsState.renaming != "",
        on_open_change=WorkflowsState.stop_rename,
        footer=[
            rx.dialog.close(ui.button("Cancel")),
            ui.button(
                "Rename",
                variant="primary",
                type="submit",
                form="rename-form",
                data_testid="confirm-rename",
            ),
        ],
    )
