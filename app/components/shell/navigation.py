"""The navigation on the left: where one can go, what goes on there, and who is signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx

from app.components import ui
from app.components.ui.buttons import link


@dataclass(frozen=True)
class Surroundings:
    """What the shell shows and does; the pages bind it to state."""

    workspace: rx.Var[str]
    name: rx.Var[str]
    email: rx.Var[str]
    live_runs: rx.Var[int]
    open_approvals: rx.Var[int]
    workflow_count: rx.Var[int]
    offline: rx.Var[bool]
    on_sign_out: Any
    on_action: Any


@dataclass(frozen=True)
class Entry:
    """A page in the navigation; `section` is the first part of its address."""

    section: str
    label: str
    icon: str
    count: Literal["", "workflows", "live", "approvals"] = ""

    @property
    def href(self) -> str:
        """The page's address."""
        return f"/{self.section}"


ENTRIES: Sequence[tuple[str, Sequence[Entry]]] = (
    (
        "",
        (
            Entry("", "Home", "house"),
            Entry("workflows", "Workflows", "workflow", "workflows"),
            Entry("templates", "Templates", "layout-template"),
        ),
    ),
    (
        "Operate",
        (
            Entry("runs", "Runs", "activity", "live"),
            Entry("schedules", "Schedules", "calendar-clock"),
            Entry("approvals", "Approvals", "inbox", "approvals"),
        ),
    ),
    (
        "Workspace",
        (Entry("models", "Models", "cpu"), Entry("settings", "Settings", "settings")),
    ),
)

_PALETTE: Sequence[dict[str, str]] = (
    *(
        {"id": f"go-{one.section or 'home'}", "label": one.label, "group": "Go to",
         "icon": one.section or "home", "href": one.href}
        for _, entries in ENTRIES
        for one in entries
    ),
    {"id": "new-workflow", "label": "New workflow", "group": "Actions", "icon": "new"},
    {"id": "theme-light", "label": "Light appearance", "group": "Actions", "icon": "light"},
    {"id": "theme-dark", "label": "Dark appearance", "group": "Actions", "icon": "dark"},
    {"id": "theme-system", "label": "System appearance", "group": "Actions", "icon": "system"},
    {"id": "sign-out", "label": "Sign out", "group": "Actions", "icon": "leave"},
)  # fmt: skip


def palette(around: Surroundings) -> rx.Component:
    """The command palette with every page and action of the shell, and workflows by name."""
    return ui.command_palette(
        entries=list(_PALETTE), on_action=around.on_action,
        source="/api/workflows", source_href="/workflows", source_group="Workflows",
    )  # fmt: skip


def brand() -> rx.Component:
    """Sign and name of the product; leads home."""
    return link(
        rx.el.img(src="/logo.svg", alt="", width="22", height="22"),
        rx.el.span("AgentLoom"),
        href="/",
        class_name="nav-brand",
        aria_label="AgentLoom, home",
    )


def navigation(section: str, around: Surroundings, *, place: str = "side") -> rx.Component:
    """The list of pages; `place` keeps test ids apart when it is drawn twice."""
    parts: list[rx.Component] = [
        brand(),
        rx.el.div(
            rx.el.span(around.workspace, class_name="truncate-1"),
            class_name="nav-workspace",
            title=around.workspace,
        ),
    ]
    for title, entries in ENTRIES:
        if title:
            parts.append(rx.el.div(title, class_name="nav-section"))
        parts += [_entry(one, section, around, place) for one in entries]
    parts += [rx.el.span(class_name="nav-grow"), _person(around, place)]
    return rx.el.nav(*parts, class_name="nav", aria_label="Main")


def _entry(entry: Entry, section: str, around: Surroundings, place: str) -> rx.Component:
    return link(
        rx.icon(entry.icon, size=15, aria_hidden="true"),
        rx.el.span(entry.label, class_name="nav-label"),
        _count(entry, around),
        href=entry.href,
        class_name="nav-item",
        aria_current="page" if entry.section == section else None,
        title=entry.label,
        data_testid=f"nav-{place}-{entry.section or 'home'}",
    )


def _count(entry: Entry, around: Surroundings) -> rx.Component:
    if entry.count == "workflows":
        return rx.cond(
            around.workflow_count > 0,
            rx.el.span(" ", around.workflow_count, class_name="muted nav-count num"),
        )
    if entry.count == "live":
        return _signal(around.live_runs, "run", " live")
    if entry.count == "approvals":
        return _signal(around.open_approvals, "wait", rx.el.span(" open", class_name="sr-only"))
    return rx.fragment()


def _signal(
    number: rx.Var[int], tone: Literal["run", "wait"], word: str | rx.Component
) -> rx.Component:
    """A number worth noticing: a badge, or only a dot where there is no room."""
    return rx.cond(
        number > 0,
        rx.fragment(
            rx.el.span(" ", number, word, class_name=f"badge badge-{tone} nav-count num"),
            rx.el.span(class_name=f"nav-dot nav-dot-{tone}", aria_hidden="true"),
        ),
    )


def _person(around: Surroundings, place: str) -> rx.Component:
    trigger = rx.el.button(
        rx.el.span(around.name[0], class_name="avatar", aria_hidden="true"),
        rx.el.span(
            around.name,
            rx.el.span(", your account", class_name="sr-only"),
            class_name="nav-label truncate-1 grow",
        ),
        rx.icon("chevrons-up-down", size=13, color="var(--muted)", aria_hidden="true"),
        type="button",
        class_name="nav-person",
        data_testid=f"account-{place}",
    )
    return ui.menu(
        trigger,
        rx.el.div(around.email, class_name="menu-note truncate-1"),
        ui.menu_item("Settings", icon="settings", on_select=rx.redirect("/settings")),
        ui.menu_separator(),
        ui.menu_item(
            "Sign out", icon="log-out", on_select=around.on_sign_out, testid=f"sign-out-{place}"
        ),
        align="start",
    )
