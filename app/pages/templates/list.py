"""The gallery of templates."""

import reflex as rx

from app.components import lists, ui
from app.layouts.page import page
from app.state.templates import GalleryState


@page("/templates", "Templates", on_load=[GalleryState.load])
def templates() -> rx.Component:
    """Search, filters, and a card for each template."""
    return rx.fragment(
        ui.page_header("Templates", ui.palette_button()),
        ui.page_body(
            _filters(),
            ui.loaded(
                ready=GalleryState.ready,
                error=GalleryState.error,
                on_retry=GalleryState.load,
                skeleton=ui.skeleton_cards(9),
                content=rx.cond(GalleryState.cards.length() > 0, _cards(), _nothing()),
            ),
        ),
    )


def _filters() -> rx.Component:
    return rx.el.div(
        ui.search_field(GalleryState.search, GalleryState.look_for, placeholder="Search templates"),
        rx.foreach(
            GalleryState.categories,
            lambda one: ui.chip(
                one[1],
                pressed=GalleryState.category == one[0],
                on_click=GalleryState.choose(one[0]),
                data_testid=f"category-{one[0]}",
            ),
        ),
        rx.el.span(class_name="grow"),
        ui.switch(
            "Works without keys",
            checked=GalleryState.keyless,
            on_change=GalleryState.only_keyless,
            testid="keyless",
        ),
        class_name="toolbar",
    )


def _cards() -> rx.Component:
    return lists.template_cards(
        GalleryState.cards, using=GalleryState.using, on_use=GalleryState.use
    )


def _nothing() -> rx.Component:
    return ui.card(
        ui.no_match(
            "No template fits",
            "Show all templates",
            GalleryState.forget_filters,
            text="Try other words, another category, or all templates.",
        ),
        pad=False,
    )
