"""What the server says of its own health."""

from typing import Any

import reflex as rx

from app.components import ui


def health_panel(
    *,
    looked: rx.Var[bool],
    looking: rx.Var[bool],
    well: rx.Var[bool],
    parts: rx.Var[list[Any]],
    on_look: Any,
) -> rx.Component:
    """Whether everything answers, each part in a line, and a button that asks again.

    Args:
        looked: Whether there is an answer; `looking` while one is waited for.
        parts: Of each its `name`, whether it is `well`, and its `message`.
    """
    verdict = rx.cond(
        well, ui.badge("Everything answers", tone="ok"),
        ui.badge("Something does not answer", tone="err"),
    )  # fmt: skip
    return rx.el.div(
        rx.el.div(
            rx.cond(looked, verdict, ui.badge("Looking…")),
            ui.button("Look again", size="sm", on_click=on_look, disabled=looking),
            class_name="row between",
        ),
        rx.cond(parts.length() > 0, rx.el.dl(rx.foreach(parts, _part), class_name="facts")),
        class_name="stack",
        data_testid="health",
    )


def _part(part: rx.Var[Any]) -> rx.Component:
    verdict = rx.cond(part.well, ui.badge("well", tone="ok"), ui.badge("not well", tone="err"))
    return rx.el.div(rx.el.dt(part.name), rx.el.dd(verdict, " ", part.message))
