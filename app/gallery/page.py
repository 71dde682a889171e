"""All components in all their states, for developers; not in the navigation."""

from typing import Any

import reflex as rx
from reflex.event import EventSpec
from reflex.style import color_mode, set_color_mode

from app.components import lists, ui
from app.components.statuses import STATUSES
from app.engine.catalog import PALETTE_ORDER
from app.gallery.specimens import BARS, CARDS, GRAPH, HEAT, JSON, QUESTION, ROWS, TEXT
from app.layouts.page import page


@page("/dev/gallery", "Components", layout="bare")
def gallery() -> rx.Component:
    """One section per family of components."""
    modes = [("light", "Light", "sun"), ("dark", "Dark", "moon")]
    return rx.el.div(
        ui.page_header(
            "Components",
            ui.palette_button(),
            ui.segmented(modes, value=color_mode, on_change=set_color_mode, label="Appearance"),
        ),
        ui.page_body(
            _section("Buttons", *_buttons()),
            _section("Badges and statuses", *_badges()),
            _section("Fields", *_fields()),
            _section("Overlays", *_overlays()),
            _section("Tabs, progress, callouts", *_feedback()),
            _section("States of a list", *_states()),
            _section("Table", _table()),
            _section("Pictures", *_pictures()),
            _section("Viewers", *_viewers()),
            _section("Cards", *_cards()),
        ),
        ui.command_palette(
            entries=[{"id": "home", "label": "Home", "group": "Go to", "icon": "home", "href": "/"}]
        ),
        class_name="gallery",
    )


def _section(title: str, *parts: rx.Component) -> rx.Component:
    return ui.card(ui.card_title(title), rx.el.div(*parts, class_name="stack"), class_name="stack")


def _row(*parts: Any) -> rx.Component:
    return rx.el.div(*parts, class_name="row wrap")


def _buttons() -> list[rx.Component]:
    variants: list[ui.Variant] = ["default", "primary", "ghost", "danger", "danger-solid"]
    sizes: list[ui.Size] = ["sm", "md", "lg"]
    return [
        _row(*[ui.button(name.capitalize(), variant=name, icon="plus") for name in variants]),
        _row(*[ui.button(f"Size {size}", size=size) for size in sizes]),
        _row(
            ui.button("Loading", loading=rx.Var("true", _var_type=bool), variant="primary"),
            ui.button("Disabled", disabled=True),
            ui.icon_button("ellipsis", "More"),
            ui.link_button("A link", href="/dev/gallery", icon="link"),
            ui.link("plain link", href="/dev/gallery"),
            ui.kbd("K"),
        ),
    ]


def _badges() -> list[rx.Component]:
    tones = [("", "neutral"), ("ok", "ok"), ("run", "run"), ("err", "error"), ("wait", "wait")]
    return [
        _row(*[ui.badge(words, tone=tone) for tone, words in [*tones, ("accent", "accent")]]),
        _row(*[ui.status_badge(status=status) for status in STATUSES]),
        _row(*[ui.category_icon(category=name, size=22) for name in PALETTE_ORDER]),
        _row(
            ui.chip("Pressed", pressed=True, on_click=rx.console_log("chip")),
            ui.chip("Not pressed", pressed=False, on_click=rx.console_log("chip")),
            ui.time_ago(at="2026-01-05T10:00:00Z"),
            ui.elapsed(start="2026-01-05T10:00:00Z", end="2026-01-05T10:00:04.2Z", live=False),
        ),
    ]


def _fields() -> list[rx.Component]:
    options = [("a", "First"), ("b", "Second"), ("c", "Third")]
    return [
        ui.field(
            ui.text_input(id="g-name", placeholder="Ada"),
            label="Name",
            name="g-name",
            hint="As others see it.",
        ),
        ui.field(
            ui.text_input(id="g-bad", default_value="ada@", aria_invalid="true"),
            label="E-mail",
            name="g-bad",
            error="This is not an e-mail address.",
        ),
        ui.field(ui.textarea(id="g-text", default_value=TEXT), label="Text", name="g-text"),
        _row(
            ui.search_field("", rx.console_log("search"), placeholder="Search components"),
            ui.select(options, value="b", on_change=rx.console_log, label="Choice"),
            ui.checkbox("Tick me", default_checked=True),
            ui.switch(
                "Switch", checked=True, on_change=rx.console_log("switch"), testid="g-switch"
            ),
        ),
    ]


def _overlays() -> list[rx.Component]:
    closed = rx.console_log("dialog")
    return [
        _row(
            ui.menu(
                ui.button("Menu", icon="chevron-down"),
                ui.menu_item("Rename", icon="pencil", on_select=closed),
                ui.menu_separator(),
                ui.menu_item("Delete", icon="trash-2", on_select=closed, danger=True),
            ),
            ui.tooltip(ui.button("Tooltip"), "Words about the button"),
            ui.button("Toast", on_click=rx.toast("Saved.")),
            ui.button("Error toast", on_click=rx.toast.error("The server cannot be reached.")),
            rx.dialog.root(
                rx.dialog.trigger(ui.button("Dialog")),
                rx.dialog.content(
                    rx.dialog.title("Rename", size="3"),
                    rx.dialog.description("Its address stays.", size="2"),
                    rx.dialog.close(ui.button("Close")),
                    max_width="420px",
                ),
            ),
        )
    ]


def _feedback() -> list[rx.Component]:
    return [
        ui.tabs(
            ("one", "First", rx.el.p("What is on the first.")),
            ("two", "Second", rx.el.p("What is on the second.")),
        ),
        ui.progress_bar(40, label="Some of it"),
        ui.progress_bar(0, label="Unknown", unknown=True),
        ui.callout("Something to know.", icon="info"),
        ui.callout("Something to watch.", tone="wait", icon="triangle-alert"),
        ui.callout("Something went wrong.", tone="err", icon="circle-alert"),
    ]


def _states() -> list[rx.Component]:
    return [
        ui.empty_state("inbox", "Nothing here", "What to do about it.", ui.button("Do it")),
        ui.error_state("The database does not answer.", rx.console_log("again")),
        ui.skeleton_lines(2),
    ]


def _table() -> rx.Component:
    columns = [
        ui.Column("Name", lambda row: ui.row_title(row["name"], href="/dev/gallery"), sort="name"),
        ui.Column("Status", lambda row: ui.status_badge(status=row["status"])),
        ui.Column("Tokens", lambda row: rx.el.span(row["tokens"]), sort="tokens", align="end"),
    ]
    sorting = ui.Sorting(rx.Var.create("name"), rx.Var.create(value=False), rx.console_log)
    return ui.table(rx.Var.create(ROWS), columns, label="Example", sorting=sorting)


def _pictures() -> list[rx.Component]:
    return [
        rx.el.div(
            ui.stat_tile("Runs", "1,204", "▲ 12 %", testid="g-stat"),
            ui.stat_tile("Cost", "$4.12", "812 tokens", testid="g-stat-2"),
            class_name="grid-main",
        ),
        ui.chart_legend(),
        ui.bar_chart(chart=rx.Var.create(BARS), label="Runs per hour"),
        ui.heat_map(rows=rx.Var.create(HEAT), label="tokens by workflow and hour"),
        ui.graph_preview(graph=GRAPH, label="Example"),
        ui.graph_preview(graph=GRAPH, label="Example", height=260, large=True),
    ]


def _viewers() -> list[rx.Component]:
    return [ui.code_viewer(text=TEXT, title="main.py"), ui.json_viewer(value=JSON, title="output")]


def _cards() -> list[rx.Component]:
    question = rx.Var.create(QUESTION)
    silent: dict[str, Any] = {"answering": rx.Var.create(""), "on_answer": _answered}
    form = lists.ResultForm(
        rx.Var.create(QUESTION.step_id), rx.Var.create("{}"), rx.console_log, rx.console_log
    )
    return [
        lists.template_cards(rx.Var.create(CARDS), using=rx.Var.create(""), on_use=rx.console_log),
        lists.question_row(question, **silent),
        lists.question_card(question, on_comment=_answered, on_edit=_answered, form=form, **silent),
    ]


def _answered(step_id: rx.Var[str], answer: rx.Var[str]) -> EventSpec:
    return rx.console_log(f"{step_id}: {answer}")
