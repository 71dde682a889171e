"""Schedules: workflows that start by themselves."""

from typing import Any

import reflex as rx

from app.components import lists, ui
from app.components.triggers import schedule_form
from app.layouts.listing import listing
from app.layouts.page import page
from app.state.triggers import SchedulesState


@page(
    "/schedules",
    "Schedules",
    on_load=[SchedulesState.arrive, SchedulesState.watch, SchedulesState.look_again],
)
def schedules() -> rx.Component:
    """Search, table, and the dialogs of a schedule."""
    return rx.fragment(
        ui.page_header("Schedules", ui.palette_button(), _new("new-schedule")),
        listing(
            SchedulesState,
            _table(),
            searching="Search by name or workflow",
            found_none=ui.no_match(
                "No schedule has these words", "Show all schedules", SchedulesState.look_for("")
            ),
            none_yet=_none_yet(),
        ),
        _form(),
        _history(),
        _delete(),
    )


def _new(testid: str) -> rx.Component:
    return ui.button(
        "New schedule",
        icon="plus",
        variant="primary",
        on_click=SchedulesState.open_form(""),
        data_testid=testid,
    )


def _table() -> rx.Component:
    return lists.schedule_table(
        SchedulesState.rows,
        on_open=SchedulesState.open_form,
        on_switch=SchedulesState.switch,
        actions=_actions,
    )


def _actions(row: rx.Var[Any]) -> rx.Component:
    trigger = ui.icon_button(
        "ellipsis", f"Actions for {row.name}", size="sm", data_testid=f"actions-{row.id}"
    )
    return rx.el.div(
        ui.menu(
            trigger,
            ui.menu_item(
                "Run now",
                icon="play",
                on_select=SchedulesState.run_now(row.id),
                testid="run-now",
            ),
            ui.menu_item(
                "History",
                icon="history",
                on_select=SchedulesState.open_history(row.id, row.name),
                testid="history",
            ),
            ui.menu_item(
                "Edit", icon="pencil", on_select=SchedulesState.open_form(row.id), testid="edit"
            ),
            ui.menu_item(
                "Open workflow",
                icon="workflow",
                on_select=rx.redirect(f"/workflows/{row.workflow_id}"),
            ),
            ui.menu_separator(),
            ui.menu_item(
                "Delete",
                icon="trash-2",
                on_select=SchedulesState.ask_delete(row.id, row.name),
                danger=True,
                testid="delete",
            ),
        ),
        class_name="above",
    )


def _none_yet() -> rx.Component:
    return ui.empty_state(
        "calendar-clock",
        "Nothing starts by itself yet",
        "A schedule starts a workflow at set times: a report each morning, a check every ten "
        "minutes. Each time is recorded here with its run.",
        _new("empty-new"),
    )


def _form() -> rx.Component:
    new = SchedulesState.editing == ""
    return ui.dialog(
        schedule_form(
            schedule_id=SchedulesState.editing,
            workflow_id=SchedulesState.workflow,
            on_saved=SchedulesState.saved,
            on_close=SchedulesState.close_form(False),
        ),
        title=rx.cond(new, "New schedule", "Edit the schedule"),
        description="The workflow starts at these times as it is then, with this input.",
        is_open=SchedulesState.form_open,
        on_open_change=SchedulesState.close_form,
        width="560px",
    )


def _history() -> rx.Component:
    none = rx.el.p("No time has come yet.", class_name="muted")
    return ui.dialog(
        rx.cond(SchedulesState.history.length() > 0, lists.fire_list(SchedulesState.history), none),
        title=SchedulesState.history_name,
        description="What became of its last times.",
        is_open=SchedulesState.history_of != "",
        on_open_change=SchedulesState.close_history,
        footer=[rx.dialog.close(ui.button("Close"))],
        width="560px",
    )


def _delete() -> rx.Component:
    return ui.confirm_dialog(
        title=f"Delete “{SchedulesState.deleting_name}”?",
        text="Nothing starts at its times any more. Runs it has started stay readable.",
        confirm="Delete",
        is_open=SchedulesState.deleting != "",
        on_open_change=SchedulesState.stop_delete,
        on_confirm=SchedulesState.delete,
    )
