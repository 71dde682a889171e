"""The body of a page that shows a list: search, filters, the rows or why there are none, pages."""

import reflex as rx

from app.components import ui
from app.state.paging import PagedState


def listing(
    state: type[PagedState],
    table: rx.Component,
    *filters: rx.Component,
    searching: str,
    found_none: rx.Component,
    none_yet: rx.Component,
    narrowed: rx.Var[bool] | None = None,
) -> rx.Component:
    """Show a list whose state pages.

    Args:
        table: Draws `state.rows`.
        filters: Stand beside the search field.
        searching: What the search field says while it is empty.
        found_none: Shown when nothing fits the search; `none_yet` when there is nothing at all.
        narrowed: Whether search or filters are set; without it the search alone counts.
    """
    nothing = rx.cond(state.search != "" if narrowed is None else narrowed, found_none, none_yet)
    shown = rx.cond(state.rows.length() > 0, table, nothing)
    return ui.page_body(
        rx.el.div(
            ui.search_field(state.search, state.look_for, placeholder=searching),
            *filters,
            class_name="toolbar",
        ),
        ui.loaded(
            ready=state.ready,
            error=state.error,
            on_retry=state.load,
            skeleton=ui.card(ui.skeleton_lines(6), pad=False),
            content=ui.card(shown, pad=False),
        ),
        ui.pagination(
            shown=f"Page {state.page_number}",
            has_previous=state.has_previous,
            has_next=state.has_next,
            on_previous=state.newer,
            on_next=state.older,
        ),
    )
