"""Small marks: badges, statuses, keys, times, categories."""

from typing import Any, Literal

import reflex as rx

from app.components.assets import library

Tone = Literal["", "ok", "run", "err", "wait", "accent"]


class _Mark(rx.Component):
    library = library("ui/marks.jsx")
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]


class StatusBadge(_Mark):
    """The status of a run, step or workflow: colour, icon and word."""

    tag = "StatusBadge"
    status: rx.Var[str]
    word: rx.Var[str]


class TimeAgo(_Mark):
    """A moment (ISO 8601) as "3 min ago"; the exact local time as tooltip."""

    tag = "TimeAgo"
    at: rx.Var[str]


class Elapsed(_Mark):
    """How long from start to end; counts on while `live`."""

    tag = "Elapsed"
    start: rx.Var[str]
    end: rx.Var[str]
    live: rx.Var[bool]


class CategoryIcon(_Mark):
    """The coloured sign of a category of nodes."""

    tag = "CategoryIcon"
    category: rx.Var[str]
    size: rx.Var[int]


status_badge = StatusBadge.create
time_ago = TimeAgo.create
elapsed = Elapsed.create
category_icon = CategoryIcon.create


def badge(*children: Any, tone: Tone = "", icon: str = "", **props: Any) -> rx.Component:
    """A word in a pill."""
    lead = rx.icon(icon, size=11, aria_hidden="true") if icon else rx.fragment()
    name = f"badge badge-{tone}" if tone else "badge"
    return rx.el.span(lead, *children, class_name=name, **props)


def chip(*children: Any, pressed: rx.Var[bool] | bool, on_click: Any, **props: Any) -> rx.Component:
    """A pill that can be pressed, such as a filter."""
    return rx.el.button(
        *children,
        type="button",
        class_name="badge chip",
        aria_pressed=rx.cond(pressed, "true", "false"),
        on_click=on_click,
        **props,
    )


def kbd(keys: str) -> rx.Component:
    """A key to press."""
    return rx.el.kbd(keys, class_name="kbd")
