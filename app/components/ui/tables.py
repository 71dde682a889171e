"""Tables: sortable headers, rows that are links, arrow keys between rows, pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx

from app.components.ui.buttons import button, link
from app.components.ui.fields import ArrowKeys


@dataclass(frozen=True)
class Column:
    """A column. `cell` draws the row's value; a column with `sort` can be sorted by its header."""

    title: str
    cell: Callable[[rx.Var[Any]], Any]
    sort: str = ""
    align: Literal["start", "end"] = "start"
    hide_narrow: bool = False

    @property
    def class_name(self) -> str:
        """Classes of the column's cells."""
        parts = ["end" if self.align == "end" else "", "hide-narrow" if self.hide_narrow else ""]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Sorting:
    """How a table is sorted now, and the handler that gets a column's key."""

    by: rx.Var[str]
    descending: rx.Var[bool]
    on_sort: Any


def row_title(*children: Any, href: rx.Var[str] | str, **props: Any) -> rx.Component:
    """The link of a row: covers the whole row, so that a click anywhere opens it."""
    return link(*children, href=href, class_name="stretched", **props)


def table(
    rows: rx.Var[list[Any]],
    columns: Sequence[Column],
    *,
    label: str,
    sorting: Sorting | None = None,
    testid: str = "table",
) -> rx.Component:
    """A table of rows. Controls in a cell other than the row's link need the class `above`."""
    head = rx.el.thead(rx.el.tr(*[_header(column, sorting) for column in columns]))
    body = rx.el.tbody(
        rx.foreach(
            rows,
            lambda row: rx.el.tr(
                *[rx.el.td(column.cell(row), class_name=column.class_name) for column in columns],
                class_name="row-link",
            ),
        )
    )
    whole = rx.el.table(head, body, class_name="table", aria_label=label, data_testid=testid)
    return ArrowKeys.create(rx.el.div(whole, class_name="table-wrap"))


def _header(column: Column, sorting: Sorting | None) -> rx.Component:
    if sorting is None or not column.sort:
        words = column.title if column.title else rx.el.span("Actions", class_name="sr-only")
        return rx.el.th(words, scope="col", class_name=column.class_name)
    mine = sorting.by == column.sort
    direction = rx.cond(sorting.descending, "descending", "ascending")
    mark = rx.cond(
        sorting.descending,
        rx.icon("arrow-down", size=12, aria_hidden="true"),
        rx.icon("arrow-up", size=12, aria_hidden="true"),
    )
    return rx.el.th(
        rx.el.button(
            column.title,
            rx.cond(mine, mark, rx.fragment()),
            type="button",
            class_name="sort",
            on_click=sorting.on_sort(column.sort),
            data_testid=f"sort-{column.sort}",
        ),
        scope="col",
        aria_sort=rx.cond(mine, direction, "none"),
        class_name=column.class_name,
    )


def pagination(
    *, shown: rx.Var[str], has_previous: rx.Var[bool], has_next: rx.Var[bool], on_previous: Any,
    on_next: Any,
) -> rx.Component:  # fmt: skip
    """Newer and older pages of a list; absent when everything is in sight."""
    return rx.cond(
        has_previous | has_next,
        rx.el.nav(
            rx.el.span(shown, class_name="muted"),
            rx.el.span(class_name="grow"),
            button(
                "Newer", icon="chevron-left", size="sm", disabled=~has_previous,
                on_click=on_previous, data_testid="page-previous",
            ),
            button(
                "Older", icon="chevron-right", size="sm", disabled=~has_next, on_click=on_next,
                data_testid="page-next",
            ),
            class_name="row",
            aria_label="Pages",
        ),
    )  # fmt: skip
