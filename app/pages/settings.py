"""Profile, appearance, and the state of the installation."""

from typing import Any

import reflex as rx
from reflex.style import color_mode, set_color_mode

from app.components import shell, ui
from app.layouts.page import page
from app.state.health import HealthState
from app.state.identity import IdentityState

_MODES = [("light", "Light", "sun"), ("dark", "Dark", "moon"), ("system", "System", "monitor")]


@page("/settings", "Settings", on_load=[HealthState.look])
def settings() -> rx.Component:
    """Cards for the person, the look, and the health of the server."""
    return rx.fragment(
        ui.page_header("Settings", ui.palette_button()),
        ui.page_body(_profile(), _appearance(), _about(), narrow=True),
    )


def _profile() -> rx.Component:
    return ui.card(
        ui.card_title(
            "Profile",
            ui.button(
                "Sign out",
                icon="log-out",
                size="sm",
                on_click=IdentityState.sign_out,
                data_testid="sign-out",
            ),
        ),
        _facts(
            ("Name", IdentityState.name),
            ("E-mail", IdentityState.email),
            ("Workspace", IdentityState.workspace),
            ("Role", IdentityState.role),
            ("Here since", IdentityState.since),
        ),
    )


def _appearance() -> rx.Component:
    return ui.card(
        ui.card_title(
            "Appearance",
            ui.segmented(_MODES, value=color_mode, on_change=set_color_mode, label="Appearance"),
        ),
        rx.el.p("Kept in this browser. “System” follows your device.", class_name="muted"),
    )


def _about() -> rx.Component:
    return ui.card(
        ui.card_title("About and health"),
        rx.el.p(
            "AgentLoom runs on this machine. What it needs, and whether it answers:",
            class_name="muted",
        ),
        shell.health_panel(
            looked=HealthState.looked,
            looking=HealthState.looking,
            well=HealthState.well,
            parts=HealthState.parts,
            on_look=HealthState.look,
        ),
        rx.el.p(
            rx.el.a(
                "OpenAPI document", href="/api/openapi.json", class_name="link", target="_blank"
            ),
        ),
        class_name="stack",
    )


def _facts(*facts: tuple[str, Any]) -> rx.Component:
    return rx.el.dl(
        *[rx.el.div(rx.el.dt(name), rx.el.dd(value)) for name, value in facts], class_name="facts"
    )
