"""Create an account."""

import reflex as rx

from app.components import shell
from app.pages.frame import page
from app.pages.login import entrance
from app.state.identity import IdentityState


@page("/register", "Create an account", on_load=[IdentityState.welcome], layout="bare")
def register() -> rx.Component:
    """The sign-up card."""
    return entrance(
        "Create your account",
        "A workspace of your own and a first project come with it.",
        shell.auth_form(mode="register", next=IdentityState.next_path),
        foot=("Have an account?", "Sign in", "/login"),
    )
