"""What surrounds every page: navigation, palette, banners, skeleton. Knows no state."""

import reflex as rx

from app.components.shell.health import health_panel
from app.components.shell.navigation import Surroundings, brand, navigation, palette
from app.components.shell.parts import Banners, MobileBar, auth_form
from app.components.ui import skeleton_lines

__all__ = [
    "Surroundings", "auth_form", "bare", "frame", "full", "health_panel", "navigation", "skeleton",
]  # fmt: skip


def frame(content: rx.Component, *, section: str, around: Surroundings) -> rx.Component:
    """A page beside the navigation; `section` is the current entry."""
    return rx.el.div(
        _skip(),
        navigation(section, around),
        MobileBar.create(navigation(section, around, place="drawer"), brand=brand()),
        rx.el.main(Banners.create(offline=around.offline), content, class_name="shell-col"),
        palette(around),
        class_name="shell",
    )


def _skip() -> rx.Component:
    """For keyboards: past the navigation, into the page."""
    return rx.el.button(
        "Skip to the content",
        type="button",
        class_name="btn skip",
        on_click=rx.call_script("document.getElementById('content')?.focus()"),
    )


def full(content: rx.Component, *, around: Surroundings) -> rx.Component:
    """A page that takes the whole window."""
    return rx.el.div(
        Banners.create(offline=around.offline), content, palette(around), class_name="shell-full"
    )


def bare(content: rx.Component) -> rx.Component:
    """A page for people who are not signed in."""
    return rx.el.main(content, class_name="shell-bare")


def skeleton(*, with_navigation: bool) -> rx.Component:
    """What is shown until it is known who is there."""
    body = rx.el.div(
        rx.el.div(class_name="topbar"), rx.el.div(skeleton_lines(5), class_name="page"),
        class_name="shell-col",
    )  # fmt: skip
    if not with_navigation:
        return rx.el.div(body, class_name="shell-full", aria_busy="true")
    side = rx.el.div(brand(), class_name="nav")
    return rx.el.div(side, body, class_name="shell", aria_busy="true")
