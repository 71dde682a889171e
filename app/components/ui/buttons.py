"""Things to press: buttons, icon buttons, links that look like buttons."""

from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router import link as route_link

Variant = Literal["default", "primary", "ghost", "danger", "danger-solid"]
Size = Literal["sm", "md", "lg"]

ICON_SIZE = 14


def button_class(
    variant: Variant = "default", size: Size = "md", *, icon_only: bool = False
) -> str:
    """Name the classes of a button's look."""
    parts = ["btn", "btn-icon" if icon_only else ""]
    parts += [
        f"btn-{variant}" if variant != "default" else "",
        f"btn-{size}" if size != "md" else "",
    ]
    return " ".join(part for part in parts if part)


def button(
    *children: Any,
    icon: str = "",
    variant: Variant = "default",
    size: Size = "md",
    loading: rx.Var[bool] | bool = False,
    disabled: rx.Var[bool] | bool = False,
    **props: Any,
) -> rx.Component:
    """A button. While `loading` it shows a spinner in place of its icon and cannot be pressed."""
    busy = rx.icon("loader-circle", size=ICON_SIZE, class_name="spin", aria_hidden="true")
    still = rx.icon(icon, size=ICON_SIZE, aria_hidden="true") if icon else rx.fragment()
    lead = still if loading is False else rx.cond(loading, busy, still)
    off = disabled if loading is False else rx.Var.create(loading) | rx.Var.create(disabled)
    return rx.el.button(
        lead,
        *children,
        type=props.pop("type", "button"),
        class_name=f"{button_class(variant, size)} {props.pop('class_name', '')}".strip(),
        disabled=off,
        **props,
    )


def icon_button(
    icon: str, label: str, *, variant: Variant = "ghost", size: Size = "md", **props: Any
) -> rx.Component:
    """A button that is only an icon; `label` is its name for screen readers and its tooltip."""
    return rx.el.button(
        rx.icon(icon, size=ICON_SIZE, aria_hidden="true"),
        type="button",
        title=label,
        aria_label=label,
        class_name=button_class(variant, size, icon_only=True),
        **props,
    )


def link(*children: Any, href: rx.Var[str] | str, **props: Any) -> rx.Component:
    """A link inside the product; changes pages without reloading."""
    return route_link(*children, to=href, class_name=props.pop("class_name", "link"), **props)


def link_button(
    *children: Any,
    href: rx.Var[str] | str,
    icon: str = "",
    variant: Variant = "default",
    size: Size = "md",
    **props: Any,
) -> rx.Component:
    """A link that looks like a button."""
    lead = rx.icon(icon, size=ICON_SIZE, aria_hidden="true") if icon else rx.fragment()
    return link(lead, *children, href=href, class_name=button_class(variant, size), **props)
