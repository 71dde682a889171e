"""What surrounds every page: navigation, banners, skeleton. Knows no state."""

import reflex as rx


def frame(content: rx.Component, *, section: str) -> rx.Component:
    """A page beside the navigation; `section` is the current entry."""
    return rx.el.div(content, class_name="shell", data_section=section)


def full(content: rx.Component) -> rx.Component:
    """A page that takes the whole window."""
    return rx.el.div(content, class_name="shell-full")


def bare(content: rx.Component) -> rx.Component:
    """A page for people who are not signed in."""
    return rx.el.div(content, class_name="shell-bare")


def skeleton(*, navigation: bool) -> rx.Component:
    """What is shown until it is known who is there."""
    name = "shell-skeleton with-nav" if navigation else "shell-skeleton"
    return rx.el.div(class_name=name, aria_busy="true")
