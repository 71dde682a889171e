"""What an unknown address shows."""

import reflex as rx

from app.components import ui
from app.layouts.page import page


@page("/404", "Page not found", layout="bare")
def not_found() -> rx.Component:
    """A way back."""
    return ui.card(
        rx.el.h1("Page not found", class_name="sr-only"),
        ui.empty_state(
            "compass",
            "There is no such page",
            "The address may be mistyped, or what it named is gone.",
            ui.link_button("Go to the home page", href="/", icon="house", variant="primary"),
        ),
        pad=False,
    )
