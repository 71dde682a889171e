"""What things stand on: page header, cards, stat tiles, and the states of a list."""

from typing import Any, Literal

import reflex as rx

from app.components.ui.buttons import button, link


def page_header(
    title: str | rx.Var[str] | rx.Component,
    *actions: rx.Component,
    crumb: tuple[str, str] | None = None,
    beside: rx.Component | None = None,
) -> rx.Component:
    """The bar on top of a page: where one is, and what can be done here.

    Args:
        crumb: (words, address) of the page above this one.
        beside: Shown right after the title, such as a badge.
    """
    above = (
        [link(crumb[0], href=crumb[1], class_name="top-crumb"), rx.el.span("/", class_name="muted")]
        if crumb
        else []
    )
    heading = title if isinstance(title, rx.Component) else rx.el.h1(title, class_name="truncate-1")
    return rx.el.header(
        *above,
        heading,
        beside if beside is not None else rx.fragment(),
        rx.el.span(class_name="grow"),
        *actions,
        class_name="topbar",
    )


def page_body(*children: Any, narrow: bool = False) -> rx.Component:
    """The scrolling part of a page."""
    inner = rx.el.div(*children, class_name="stack page-narrow" if narrow else "stack")
    return rx.el.div(inner, class_name="page", id="content", tab_index=-1)


def card(*children: Any, pad: bool = True, **props: Any) -> rx.Component:
    """A panel with a border."""
    name = f"card {'card-pad' if pad else ''} {props.pop('class_name', '')}"
    return rx.el.section(*children, class_name=" ".join(name.split()), **props)


def card_title(title: str, *beside: rx.Component) -> rx.Component:
    """The heading of a card, with what stands on its right."""
    return rx.el.div(rx.el.h2(title), *beside, class_name="card-title")


def stat_tile(
    label: str, value: rx.Var[str] | str, note: rx.Component | rx.Var[str] | str, *, testid: str
) -> rx.Component:
    """One number with what it means."""
    return card(
        rx.el.span(label, class_name="stat-label"),
        rx.el.span(value, class_name="stat-value"),
        rx.el.span(note, class_name="stat-note"),
        pad=False,
        class_name="stat",
        data_testid=testid,
    )


def empty_state(
    icon: str, title: str | rx.Var[str], text: str | rx.Var[str], *actions: rx.Component
) -> rx.Component:
    """What a list says when there is nothing in it, and what to do about that."""
    return rx.el.div(
        rx.el.div(rx.icon(icon, size=18, aria_hidden="true"), class_name="empty-icon"),
        rx.el.h2(title),
        rx.el.p(text),
        rx.el.div(*actions, class_name="empty-actions") if actions else rx.fragment(),
        class_name="empty",
        data_testid="empty",
    )


def no_match(
    title: str, show: str, on_show: Any, *, text: str = "Try other words."
) -> rx.Component:
    """What a list says when nothing fits search and filters; `show` leads back to all of it."""
    return empty_state("search-x", title, text, button(show, on_click=on_show))


def error_state(message: rx.Var[str] | str, on_retry: Any) -> rx.Component:
    """What a list says when it could not be loaded."""
    return rx.el.div(
        rx.el.div(rx.icon("circle-alert", size=18, aria_hidden="true"), class_name="empty-icon"),
        rx.el.h2("This could not be loaded"),
        rx.el.p(message),
        rx.el.div(
            button("Try again", icon="refresh-cw", on_click=on_retry, data_testid="retry"),
            class_name="empty-actions",
        ),
        class_name="empty",
        role="alert",
        data_testid="load-error",
    )


def skeleton_lines(count: int = 6, *, height: int = 40) -> rx.Component:
    """Grey bars in place of rows that are being loaded."""
    return rx.el.div(
        *[rx.el.div(class_name="skeleton", style={"height": f"{height}px"}) for _ in range(count)],
        rx.el.span("Loading", class_name="sr-only"),
        class_name="stack card-pad",
        aria_busy="true",
    )


def skeleton_cards(count: int = 6, *, height: int = 196) -> rx.Component:
    """Grey boxes in place of cards that are being loaded."""
    return rx.el.div(
        *[rx.el.div(class_name="skeleton", style={"height": f"{height}px"}) for _ in range(count)],
        class_name="grid-cards",
        aria_busy="true",
    )


def loaded(
    *,
    ready: rx.Var[bool],
    error: rx.Var[str],
    on_retry: Any,
    skeleton: rx.Component,
    content: rx.Component,
) -> rx.Component:
    """The error when there is one, the skeleton until there is data, then the content."""
    return rx.cond(error, error_state(error, on_retry), rx.cond(ready, content, skeleton))


def progress_bar(
    value: rx.Var[float] | float, *, label: str | rx.Var[str], unknown: rx.Var[bool] | bool = False
) -> rx.Component:
    """How far something is, 0 to 100; a moving bar while that is unknown."""
    percent = rx.Var.create(value).to(float)
    unsure = rx.Var.create(unknown).to(bool)
    return rx.el.div(
        rx.el.i(style={"width": rx.cond(unsure, "35%", percent.to_string() + "%")}),
        class_name=rx.cond(unsure, "progress progress-unknown", "progress"),
        role="progressbar",
        aria_label=label,
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=rx.cond(unsure, None, percent),
    )


def callout(
    *children: Any, tone: Literal["", "err", "wait", "run", "accent"] = "", icon: str
) -> rx.Component:
    """A remark that should not be overlooked."""
    return rx.el.div(
        rx.icon(icon, size=15, aria_hidden="true"),
        rx.el.div(*children),
        class_name=f"callout callout-{tone}" if tone else "callout",
    )
