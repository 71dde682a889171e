"""Runs that were given up because their processes died again and again."""

from typing import Any

import reflex as rx

from app.components import ui
from app.layouts.listing import listing
from app.layouts.page import page
from app.state.runs.dead_letters import DeadLettersState


@page("/dead-letters", "Dead letters", on_load=[DeadLettersState.watch])
def dead_letters() -> rx.Component:
    """Search, table, and the two questions."""
    return rx.fragment(
        ui.page_header(
            "Dead letters",
            ui.palette_button(),
            ui.link_button("All runs", href="/runs", icon="activity"),
        ),
        listing(
            DeadLettersState,
            _table(),
            searching="Search by workflow or run number",
            found_none=ui.no_match(
                "No dead letter fits", "Show all", DeadLettersState.look_for("")
            ),
            none_yet=_none_yet(),
        ),
        _requeue(),
        _discard(),
    )


def _table() -> rx.Component:
    columns = [
        ui.Column("Run", _run),
        ui.Column("Its process died", lambda row: rx.el.span(row.crashes), hide_narrow=True),
        ui.Column("Given up", lambda row: ui.time_ago(at=row.dead_at), hide_narrow=True),
        ui.Column("", _actions, align="end"),
    ]
    return ui.table(
        DeadLettersState.rows, columns, label="Dead letters", testid="dead-letters-table"
    )


def _run(row: rx.Var[Any]) -> rx.Component:
    return rx.fragment(
        ui.row_title(
            row.number,
            href=f"/runs/{row.id}",
            aria_label=f"Trace of run {row.number} of {row.workflow}",
            data_testid=f"dead-{row.id}",
        ),
        rx.el.span(" ", row.workflow),
        rx.el.p(row.error, class_name="muted"),
    )


def _actions(row: rx.Var[Any]) -> rx.Component:
    return rx.el.div(
        ui.button(
            "Requeue",
            size="sm",
            aria_label=f"Requeue run {row.number}",
            on_click=DeadLettersState.ask_requeue(row.id, row.number),
            data_testid=f"requeue-{row.id}",
        ),
        ui.button(
            "Put away",
            size="sm",
            variant="ghost",
            aria_label=f"Put away run {row.number}",
            on_click=DeadLettersState.ask_discard(row.id, row.number),
            data_testid=f"discard-{row.id}",
        ),
        class_name="row wrap above",
        style={"justify_content": "flex-end"},
    )


def _none_yet() -> rx.Component:
    return ui.empty_state(
        "shield-check",
        "Nothing was given up",
        "A run whose process dies goes on in another one by itself. One that has brought down its "
        "process six times in a row is ended and waits here for you.",
        ui.link_button("All runs", href="/runs", icon="activity"),
    )


def _requeue() -> rx.Component:
    return ui.confirm_dialog(
        title=f"Requeue run {DeadLettersState.chosen}?",
        text="A new run takes over what this one has finished, and goes on from there. If a step "
        "brings its process down, it may do so again: look at the trace first.",
        confirm="Requeue",
        is_open=DeadLettersState.requeueing != "",
        on_open_change=DeadLettersState.leave,
        on_confirm=DeadLettersState.requeue,
        danger=False,
    )


def _discard() -> rx.Component:
    return ui.confirm_dialog(
        title=f"Put run {DeadLettersState.chosen} away?",
        text="It leaves this list and cannot be requeued from here any more. The run and its trace "
        "stay in the list of runs.",
        confirm="Put away",
        is_open=DeadLettersState.discarding != "",
        on_open_change=DeadLettersState.leave,
        on_confirm=DeadLettersState.discard,
    )
