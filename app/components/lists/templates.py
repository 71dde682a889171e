"""Cards of templates."""

from typing import Any

import reflex as rx

from app.components import ui


def template_cards(cards: rx.Var[list[Any]], *, using: rx.Var[str], on_use: Any) -> rx.Component:
    """Cards with a picture of each template's real graph.

    Args:
        using: Id of the template that is being taken into use, if any.
        on_use: Gets the id of a template.
    """
    return ui.ArrowKeys.create(
        rx.el.div(
            rx.foreach(cards, lambda card: _card(card, using, on_use)), class_name="grid-cards"
        )
    )


def keys_badges(card: rx.Var[Any]) -> rx.Component:
    """What a template needs, or that it needs nothing."""
    return rx.fragment(
        rx.cond(card.keyless, ui.badge("no keys needed", tone="ok", icon="check")),
        rx.foreach(card.needs, lambda need: ui.badge(need, tone="wait", icon="globe")),
    )


def _card(card: rx.Var[Any], using: rx.Var[str], on_use: Any) -> rx.Component:
    title = ui.link(
        card.title,
        href=f"/templates/{card.id}",
        class_name="stretched",
        data_testid=f"template-{card.id}",
    )
    return ui.card(
        ui.graph_preview(graph=card.graph, label=card.title),
        rx.el.div(
            rx.el.h2(title, class_name="truncate-1", style={"font_size": "13px"}),
            rx.el.span(card.uses, class_name="muted", style={"white_space": "nowrap"}),
            class_name="row between",
        ),
        rx.el.p(card.summary, class_name="muted clamp-2 grow"),
        rx.el.div(
            rx.el.div(ui.badge(card.nodes), keys_badges(card), class_name="row wrap"),
            ui.button(
                "Use template",
                variant="primary",
                class_name="above",
                loading=using == card.id,
                on_click=on_use(card.id),
                data_testid=f"use-{card.id}",
            ),
            class_name="row between",
        ),
        class_name="card-link template-card",
    )
