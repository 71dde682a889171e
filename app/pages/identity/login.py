"""Sign in."""

import reflex as rx

from app.components import shell, ui
from app.layouts.page import page
from app.state.identity import IdentityState


@page("/login", "Sign in", on_load=[IdentityState.welcome], layout="bare")
def login() -> rx.Component:
    """The sign-in card."""
    return entrance(
        "Welcome back",
        "Sign in to your workspace.",
        shell.auth_form(mode="login", next=IdentityState.next_path),
        rx.cond(
            IdentityState.closed,
            rx.el.p(IdentityState.closed, class_name="auth-foot", data_testid="closed"),
            other_way("New here?", "Create an account", "/register"),
        ),
    )


def entrance(title: str, text: str, form: rx.Component, foot: rx.Component) -> rx.Component:
    """A centred card with a form, and something below it."""
    return rx.el.div(
        rx.el.div(rx.el.img(src="/logo.svg", alt=""), "AgentLoom", class_name="auth-brand"),
        ui.card(
            rx.el.div(rx.el.h1(title), rx.el.p(text, class_name="muted")), form, pad=False
        ),
        foot,
        class_name="auth",
    )  # fmt: skip


def other_way(question: str, words: str, href: str) -> rx.Component:
    """A question, and the words of a link to a page for those whose answer is yes."""
    return rx.el.p(
        question,
        " ",
        ui.link(words, href=f"{href}{IdentityState.next_query}", data_testid="other-way"),
        class_name="auth-foot",
    )
