"""The page of one template: what it does, what it needs, what it looks like."""

import reflex as rx

from app.components import lists, ui
from app.layouts.page import page
from app.state.templates import GalleryState, TemplateState


@page("/templates/[template_id]", "Template", on_load=[TemplateState.load])
def template() -> rx.Component:
    """A large picture, the description, the example, and the button that takes it into use."""
    card = TemplateState.card
    return rx.fragment(
        ui.page_header(
            rx.el.h1(card.title, class_name="truncate-1"),
            ui.palette_button(),
            ui.button(
                "Use template",
                variant="primary",
                loading=GalleryState.using == card.id,
                on_click=GalleryState.use(card.id),
                data_testid="use-template",
            ),
            crumb=("Templates", "/templates"),
        ),
        ui.page_body(
            ui.loaded(
                ready=TemplateState.ready,
                error=TemplateState.error,
                on_retry=TemplateState.load,
                skeleton=ui.skeleton_lines(3, height=120),
                content=_content(),
            )
        ),
    )


def _content() -> rx.Component:
    card = TemplateState.card
    return rx.el.div(
        ui.card(
            ui.graph_preview(graph=card.graph, label=card.title, height=340, large=True),
            class_name="picture-card",
            data_testid="template-picture",
        ),
        rx.el.div(
            ui.card(
                ui.card_title("What it does"),
                rx.el.p(card.summary, style={"font_size": "14px", "font_weight": "550"}),
                rx.html(TemplateState.description_html, class_name="prose"),
                class_name="stack",
            ),
            rx.el.div(_needs(), _example(), class_name="stack"),
            class_name="grid-main",
        ),
        class_name="stack",
    )


def _needs() -> rx.Component:
    card = TemplateState.card
    return ui.card(
        ui.card_title("What it needs"),
        rx.el.div(
            ui.badge(card.category), ui.badge(card.nodes), lists.keys_badges(card),
            class_name="row wrap",
        ),
        rx.el.p(
            rx.cond(
                card.keyless,
                "It runs with the local model. No key has to be entered.",
                "Enter the keys it needs before the first run.",
            ),
            class_name="muted",
        ),
        class_name="stack",
    )  # fmt: skip


def _example() -> rx.Component:
    return ui.card(
        ui.card_title("Example input"),
        rx.el.p("The run form is filled with this; change it as you like.", class_name="muted"),
        ui.json_viewer(value=TemplateState.example["input"], title="input", open_to=3),
        class_name="stack",
    )
