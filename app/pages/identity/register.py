"""Create an account."""

import reflex as rx

from app.components import shell, ui
from app.layouts.page import page
from app.pages.identity.login import entrance, other_way
from app.state.identity import IdentityState


@page("/register", "Create an account", on_load=[IdentityState.welcome], layout="bare")
def register() -> rx.Component:
    """The sign-up card."""
    return entrance(
        "Create your account",
        "A workspace of your own and a first project come with it.",
        rx.cond(
            IdentityState.closed,
            rx.el.div(
                ui.callout(IdentityState.closed, tone="wait", icon="lock"), data_testid="closed"
            ),
            shell.auth_form(mode="register", next=IdentityState.next_path),
        ),
        other_way("Have an account?", "Sign in", "/login"),
    )
