"""What opens above the page: dialogs, menus, tooltips, tabs. Radix brings focus and keys."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from app.components.ui.buttons import ICON_SIZE, button


def _script(text: str) -> rx.Var[Any]:
    """A handler that runs in the browser alone."""
    return rx.Var(text, _var_type=rx.EventChain)


# Radix gives the focus back to a dialog's own button only. Ours are opened from elsewhere: from a
# button that had the focus, or from a menu, whose button is then the place to go back to.
_REMEMBER_MENU = _script(
    "(event) => { window.agentloomMenuButton = "
    "document.getElementById(event.target.getAttribute('aria-labelledby')); }"
)
_KEEP_FOCUS: dict[str, Any] = {
    "on_open_auto_focus": _script("(event) => { event.target.opener = document.activeElement; }"),
    "on_close_auto_focus": _script(
        "(event) => { const had = event.target.opener; "
        "(had?.isConnected && had !== document.body ? had : window.agentloomMenuButton)?.focus(); }"
    ),
}


def dialog(
    *children: Any,
    title: str | rx.Var[str],
    description: str = "",
    is_open: rx.Var[bool] | bool,
    on_open_change: Any,
    footer: Sequence[rx.Component] = (),
    width: str = "440px",
) -> rx.Component:
    """A question or form above the page. Escape and the scrim close it."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="3", margin_bottom="4px"),
            rx.dialog.description(description, size="2", color="var(--muted)"),
            rx.el.div(*children, class_name="stack", style={"margin_top": "14px"}),
            rx.el.div(
                *footer,
                class_name="row",
                style={"justify_content": "flex-end", "margin_top": "18px"},
            )
            if footer
            else rx.fragment(),
            max_width=width,
            **_KEEP_FOCUS,
        ),
        open=is_open,
        on_open_change=on_open_change,
    )


def confirm_dialog(
    *,
    title: str | rx.Var[str],
    text: str | rx.Var[str],
    confirm: str,
    is_open: rx.Var[bool] | bool,
    on_open_change: Any,
    on_confirm: Any,
    danger: bool = True,
) -> rx.Component:
    """Ask once more before something that cannot be taken back lightly."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="3", margin_bottom="4px"),
            rx.alert_dialog.description(text, size="2", color="var(--muted)"),
            rx.el.div(
                rx.alert_dialog.cancel(button("Cancel")),
                rx.alert_dialog.action(
                    button(
                        confirm,
                        variant="danger-solid" if danger else "primary",
                        on_click=on_confirm,
                        data_testid="confirm",
                    )
                ),
                class_name="row",
                style={"justify_content": "flex-end", "margin_top": "18px"},
            ),
            max_width="420px",
            **_KEEP_FOCUS,
        ),
        open=is_open,
        on_open_change=on_open_change,
    )


def menu_item(
    label: str, *, icon: str, on_select: Any, danger: bool = False, testid: str = ""
) -> rx.Component:
    """An entry of a menu."""
    return rx.dropdown_menu.item(
        rx.icon(icon, size=ICON_SIZE, aria_hidden="true"),
        label,
        on_select=on_select,
        color_scheme="red" if danger else None,
        data_testid=testid or None,
    )


def menu(trigger: rx.Component, *items: rx.Component, align: str = "end") -> rx.Component:
    """A menu that opens from a button."""
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(trigger),
        rx.dropdown_menu.content(
            *items,
            align=align,
            variant="soft",
            size="2",
            on_close_auto_focus=_REMEMBER_MENU,
        ),
        modal=False,
    )


menu_separator = rx.dropdown_menu.separator


def tooltip(child: rx.Component, text: str | rx.Var[str]) -> rx.Component:
    """Words that appear above something pointed at or focused."""
    return rx.tooltip(child, content=text, delay_duration=300)


def tabs(
    *panels: tuple[str, str, rx.Component], default: str = "", label: str = "Sections"
) -> rx.Component:
    """Content in layers: (key, words, content)."""
    return rx.tabs.root(
        rx.tabs.list(
            *[
                rx.tabs.trigger(words, value=key, data_testid=f"tab-{key}")
                for key, words, _ in panels
            ],
            aria_label=label,
        ),
        *[
            rx.tabs.content(rx.el.div(content, style={"padding_top": "14px"}), value=key)
            for key, _, content in panels
        ],
        default_value=default or panels[0][0],
    )
