"""Things to fill in: text fields, choices, switches, search, segmented control."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from app.components.assets import library


class _SearchField(rx.Component):
    library = library("ui/fields.jsx")
    tag = "SearchField"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    value: rx.Var[str]
    placeholder: rx.Var[str]
    label: rx.Var[str]
    testid: rx.Var[str]
    shortcut: rx.Var[bool]
    on_search: rx.EventHandler[lambda text: [text]]


class ArrowKeys(rx.Component):
    """Wraps rows or cards: the arrow keys move between their links."""

    library = library("ui/fields.jsx")
    tag = "ArrowKeys"


def search_field(
    value: rx.Var[str] | str, on_search: Any, *, placeholder: str, testid: str = "search"
) -> rx.Component:
    """A search field; tells `on_search` the text after a short pause. `/` puts the cursor in it."""
    return _SearchField.create(
        value=value, on_search=on_search, placeholder=placeholder, label=placeholder, testid=testid,
        shortcut=True,
    )  # fmt: skip


def field(
    control: rx.Component,
    *,
    label: str,
    name: str,
    hint: str = "",
    error: rx.Var[str] | str = "",
) -> rx.Component:
    """A control with its label, a hint below, and the error of what was entered.

    Args:
        name: The control's id; hint and error get `<name>-hint` and `<name>-error`.
    """
    return rx.el.div(
        rx.el.label(label, html_for=name),
        control,
        rx.el.span(hint, id=f"{name}-hint", class_name="field-hint") if hint else rx.fragment(),
        rx.cond(
            error,
            rx.el.span(
                rx.icon("circle-alert", size=12, aria_hidden="true"),
                error,
                id=f"{name}-error",
                class_name="field-error",
                role="alert",
            ),
        ),
        class_name="field",
    )


def text_input(**props: Any) -> rx.Component:
    """A line of text."""
    return rx.el.input(class_name=f"input {props.pop('class_name', '')}".strip(), **props)


def textarea(**props: Any) -> rx.Component:
    """Several lines of text."""
    return rx.el.textarea(class_name=f"textarea {props.pop('class_name', '')}".strip(), **props)


def select(
    options: Sequence[tuple[str, str]] | rx.Var[list[tuple[str, str]]],
    *,
    value: rx.Var[str] | str,
    on_change: Any,
    label: str,
    testid: str = "",
) -> rx.Component:
    """A choice of one from a list of (value, words).

    A value must not be empty: Radix keeps the empty text for "nothing chosen".
    """
    items = (
        rx.foreach(options, lambda option: rx.select.item(option[1], value=option[0]))
        if isinstance(options, rx.Var)
        else rx.fragment(*[rx.select.item(words, value=key) for key, words in options])
    )
    return rx.select.root(
        rx.select.trigger(variant="surface", aria_label=label, data_testid=testid or None),
        rx.select.content(items, position="popper", variant="soft"),
        value=value,
        on_change=on_change,
        size="2",
    )


def checkbox(label: str, **props: Any) -> rx.Component:
    """A box to tick, with its words."""
    return rx.el.label(rx.checkbox(size="2", aria_label=label, **props), label, class_name="row")


def switch(
    label: str | rx.Var[str],
    *,
    checked: rx.Var[bool] | bool,
    on_change: Any,
    testid: str | rx.Var[str],
    quiet: bool = False,
) -> rx.Component:
    """An on/off switch, with its words on the left; when `quiet`, only screen readers say them."""
    return rx.el.label(
        rx.el.span(label, class_name="sr-only" if quiet else "muted"),
        rx.switch(checked=checked, on_change=on_change, size="1", data_testid=testid),
        class_name="row",
    )


def segmented(
    options: Sequence[tuple[str, str, str]], *, value: rx.Var[str], on_change: Any, label: str
) -> rx.Component:
    """A choice of one from few, all in sight: (value, words, icon); the icon may be empty."""
    return rx.el.div(
        *[
            rx.el.button(
                rx.icon(icon, size=13, aria_hidden="true") if icon else rx.fragment(),
                words,
                type="button",
                role="radio",
                aria_checked=rx.cond(value == key, "true", "false"),
                on_click=on_change(key),
                data_testid=f"choose-{key}",
            )
            for key, words, icon in options
        ],
        role="radiogroup",
        aria_label=label,
        class_name="segments",
    )
