"""The table of runs."""

from typing import Any

import reflex as rx

from app.components import ui


def run_table(rows: rx.Var[list[Any]], *, on_cancel: Any = None) -> rx.Component:
    """Runs as rows that lead to their traces; with `on_cancel`, those under way can be canceled."""
    columns = [
        ui.Column("Run", _number),
        ui.Column("Workflow", lambda row: rx.el.span(row.workflow), hide_narrow=True),
        ui.Column("Status", _status),
        ui.Column("Started", lambda row: ui.time_ago(at=row.queued_at), hide_narrow=True),
        ui.Column("Took", _took, align="end", hide_narrow=True),
        ui.Column("Tokens", _plain("tokens"), align="end", hide_narrow=True),
        ui.Column("Cost", _plain("cost"), align="end", hide_narrow=True),
        ui.Column("By", lambda row: ui.badge(row.trigger), hide_narrow=True),
    ]
    if on_cancel is not None:
        columns.append(ui.Column("", lambda row: _cancel(row, on_cancel), align="end"))
    return ui.table(rows, columns, label="Runs", testid="runs-table")


def _number(row: rx.Var[Any]) -> rx.Component:
    return rx.fragment(
        ui.row_title(
            row.number,
            href=f"/runs/{row.id}",
            aria_label=f"Run {row.number} of {row.workflow}",
            data_testid=f"run-{row.id}",
        ),
        rx.el.span("\u00a0", row.version, class_name="muted hide-narrow"),
        rx.el.span(" ", row.workflow, class_name="show-narrow"),
        rx.el.span(rx.el.br(), ui.time_ago(at=row.queued_at), class_name="muted show-narrow"),
    )


def _status(row: rx.Var[Any]) -> rx.Component:
    return rx.el.div(
        rx.el.span(
            ui.status_badge(status=row.status),
            rx.cond(row.warnings, ui.badge(row.warnings, tone="wait")),
            class_name="row wrap",
        ),
        rx.cond(
            row.error,
            rx.el.p(
                row.error, class_name="muted truncate-1 run-error hide-narrow", title=row.error
            ),
        ),
    )


def _took(row: rx.Var[Any]) -> rx.Component:
    return ui.elapsed(start=row.started_at, end=row.finished_at, live=row.live)


def _plain(name: str) -> Any:
    return lambda row: rx.el.span(getattr(row, name), class_name="num")


def _cancel(row: rx.Var[Any], on_cancel: Any) -> rx.Component:
    return rx.cond(
        row.under_way,
        ui.button(
            "Cancel",
            size="sm",
            class_name="above",
            aria_label=f"Cancel run {row.number}",
            on_click=on_cancel(row.id),
            data_testid=f"cancel-{row.id}",
        ),
    )
