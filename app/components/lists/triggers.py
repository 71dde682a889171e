"""The table of schedules, and what became of their times."""

from typing import Any

import reflex as rx

from app.components import triggers, ui


def schedule_table(
    rows: rx.Var[list[Any]],
    *,
    on_open: Any,
    on_switch: Any,
    actions: Any,
) -> rx.Component:
    """Schedules as rows; a click opens one, the switch turns it on or off.

    Args:
        on_open: Gets a schedule's id.
        on_switch: Gets the id and whether it is to be on.
        actions: Draws a row's menu.
    """
    columns = [
        ui.Column("Schedule", lambda row: _name(row, on_open)),
        ui.Column("When", _when, hide_narrow=True),
        ui.Column("Next", _next, hide_narrow=True),
        ui.Column("Last result", _last),
        ui.Column("On", lambda row: _switch(row, on_switch)),
        ui.Column("", actions, align="end"),
    ]
    return ui.table(rows, columns, label="Schedules", testid="schedules-table")


def fire_list(rows: rx.Var[list[Any]]) -> rx.Component:
    """What became of the times, the latest first."""
    columns = [
        ui.Column("Time", lambda row: triggers.moment(at=row.at)),
        ui.Column("Result", _result),
    ]
    return ui.table(rows, columns, label="Times", testid="fires-table")


def _name(row: rx.Var[Any], on_open: Any) -> rx.Component:
    return rx.fragment(
        rx.el.button(
            row.name,
            type="button",
            class_name="stretched row-button",
            on_click=on_open(row.id),
            data_testid=f"schedule-{row.id}",
        ),
        rx.el.p(
            row.workflow,
            rx.cond(row.workflow_deleted, rx.fragment(" · ", ui.badge("deleted", tone="err"))),
            class_name="muted",
        ),
        rx.el.p(row.words, " · ", row.zone, class_name="muted show-narrow"),
        rx.cond(
            row.enabled & ~row.zone_known, rx.el.div(_zone_unknown(), class_name="show-narrow")
        ),
    )


def _when(row: rx.Var[Any]) -> rx.Component:
    return rx.fragment(rx.el.p(row.words), rx.el.p(row.zone, class_name="muted"))


def _next(row: rx.Var[Any]) -> rx.Component:
    return rx.cond(
        row.enabled,
        rx.cond(
            row.zone_known,
            triggers.next_time(at=row.next_at, zone=row.zone),
            _zone_unknown(),
        ),
        rx.el.span("off", class_name="muted"),
    )


def _zone_unknown() -> rx.Component:
    return rx.fragment(
        ui.badge("unknown time zone", tone="err"),
        rx.el.p("It does not start. Choose another one.", class_name="muted"),
    )


def _last(row: rx.Var[Any]) -> rx.Component:
    return rx.cond(
        row.has_last,
        rx.el.div(_outcome(row.last), class_name="above"),
        rx.el.span("not yet", class_name="muted"),
    )


def _result(row: rx.Var[Any]) -> rx.Component:
    return rx.fragment(
        _outcome(row), rx.cond(row.message, rx.el.p(row.message, class_name="muted"))
    )


def _outcome(fire: rx.Var[Any]) -> rx.Component:
    return rx.el.span(
        ui.status_badge(status=fire.status),
        rx.cond(fire.run_id, ui.link(fire.run, href=f"/runs/{fire.run_id}", class_name="link num")),
        class_name="row wrap",
        title=fire.message,
    )


def _switch(row: rx.Var[Any], on_switch: Any) -> rx.Component:
    return rx.el.div(
        ui.switch(
            f"{row.name} is on",
            checked=row.enabled,
            on_change=lambda on: on_switch(row.id, on),
            testid=f"switch-{row.id}",
            quiet=True,
        ),
        class_name="above",
    )
