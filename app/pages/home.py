"""The home page: what happened in the last 24 hours, and what waits for a person."""

from typing import Any

import reflex as rx

from app.components import lists, ui
from app.layouts.page import page
from app.state.approvals import ApprovalsState
from app.state.home import HomeState
from app.state.shell import ShellState
from app.state.templates import GalleryState
from app.state.workflows.list import WorkflowsState


@page("/", "Home", on_load=[HomeState.watch])
def home() -> rx.Component:
    """Starts for a fresh workspace, else numbers and lists."""
    return rx.fragment(
        ui.page_header(
            "Home",
            ui.palette_button(),
            ui.link_button("From a template", href="/templates", data_testid="from-template"),
            new_workflow(),
        ),
        ui.page_body(
            ui.loaded(
                ready=HomeState.ready,
                error=HomeState.error,
                on_retry=HomeState.load,
                skeleton=ui.skeleton_cards(6, height=120),
                content=rx.cond(HomeState.fresh, _starts(), _numbers()),
            )
        ),
    )


def new_workflow(testid: str = "new-workflow", **look: Any) -> rx.Component:
    """The button that makes a blank workflow and opens it."""
    return ui.button(
        look.pop("words", "New workflow"),
        icon="plus",
        variant=look.pop("variant", "primary"),
        loading=WorkflowsState.creating,
        on_click=WorkflowsState.create,
        data_testid=testid,
    )


def _starts() -> rx.Component:
    return rx.el.div(
        ui.card(
            ui.empty_state(
                "sparkles",
                "Build your first workflow",
                "Take a template that works as it is, without any key, and run it in a minute. "
                "Or start from a blank canvas.",
                ui.link_button(
                    "Pick a template",
                    href="/templates",
                    icon="layout-template",
                    variant="primary",
                    data_testid="start-template",
                ),
                new_workflow("start-blank", words="Blank workflow", variant="default"),
            ),
            pad=False,
        ),
        rx.el.h2("Good ones to begin with"),
        lists.template_cards(HomeState.starters, using=GalleryState.using, on_use=GalleryState.use),
        class_name="stack",
    )


def _numbers() -> rx.Component:
    return rx.el.div(
        _tiles(),
        rx.el.div(_chart(), _attention(), class_name="grid-main"),
        rx.el.div(_heat(), _expensive(), class_name="grid-main"),
        _recent(),
        class_name="stack",
    )


def _tiles() -> rx.Component:
    tile = HomeState.tiles
    calm = rx.cond(tile["active"] == "0", "none at work", "waiting for a person")
    live = ui.badge(ShellState.live_runs, " live", tone="run", icon="radio")
    return rx.el.div(
        ui.stat_tile(
            "Active runs",
            tile["active"],
            rx.cond(ShellState.live_runs > 0, live, rx.el.span(calm)),
            testid="stat-active",
        ),
        ui.stat_tile(
            "Runs, 24 h",
            tile["runs"],
            rx.el.span(tile["runs_change"], " ", tile["runs_note"]),
            testid="stat-runs",
        ),
        ui.stat_tile("Success", tile["success"], _success(tile), testid="stat-success"),
        ui.stat_tile(
            "Median time", tile["median"], rx.el.span("p95 ", tile["slow"]), testid="stat-median"
        ),
        ui.stat_tile("Cost, 24 h", tile["cost"], tile["tokens"], testid="stat-cost"),
        class_name="grid-stats",
    )


def _success(tile: rx.Var[dict[str, str]]) -> rx.Component:
    up = tile["success_trend"] == "up"
    return rx.cond(
        tile["success_change"],
        rx.el.span(
            tile["success_change"],
            style={"color": rx.cond(up, "var(--ok-ink)", "var(--err-ink)")},
            title="Compared with the 24 hours before",
        ),
        rx.el.span(tile["failed"]),
    )


def _chart() -> rx.Component:
    return ui.card(
        ui.card_title("Runs", ui.chart_legend()),
        ui.bar_chart(chart=HomeState.hours, label="Runs per hour, last 24 hours"),
        class_name="stack",
        data_testid="runs-chart",
    )


def _attention() -> rx.Component:
    waiting = rx.foreach(
        HomeState.waiting,
        lambda one: lists.question_row(
            one, answering=ApprovalsState.answering, on_answer=ApprovalsState.answer
        ),
    )
    return ui.card(
        ui.card_title("Waiting for you", ui.link("All", href="/approvals")),
        _list_or(HomeState.waiting, waiting, "Nothing waits for you."),
        rx.el.hr(class_name="divider"),
        rx.el.h2("Needs attention", style={"font_size": "13px"}),
        _list_or(
            HomeState.failing,
            rx.foreach(HomeState.failing, _failing),
            "No failures in the last 24 hours.",
        ),
    )


def _list_or(rows: rx.Var[list[Any]], shown: rx.Component, nothing: str) -> rx.Component:
    return rx.cond(
        rows.length() > 0,
        rx.el.div(shown, class_name="small-list"),
        rx.el.p(nothing, class_name="muted small-list"),
    )


def _failing(one: rx.Var[dict[str, str]]) -> rx.Component:
    return ui.link(
        rx.el.span(
            ui.badge(one["failures"], tone="err", icon="circle-x"),
            rx.el.span(one["name"], class_name="small-row-name truncate-1"),
            class_name="row",
        ),
        rx.el.p(one["error"], class_name="clamp-2", title=one["error"]),
        href=one["href"],
        class_name="small-row small-row-tall",
    )


def _heat() -> rx.Component:
    return ui.card(
        ui.card_title("Tokens by workflow", rx.el.span("last 24 h", class_name="muted")),
        _list_or(
            HomeState.heat,
            ui.heat_map(rows=HomeState.heat, label="tokens by workflow and hour"),
            "No model was called in the last 24 hours.",
        ),
        data_testid="heat-map",
    )


def _expensive() -> rx.Component:
    line = lambda one: ui.link(  # noqa: E731 - drawn in one place
        rx.el.span(one["name"], class_name="truncate-1 grow"),
        rx.el.span(one["runs"], class_name="muted"),
        rx.el.span(one["cost"], class_name="num"),
        href=one["href"],
        class_name="row small-row",
    )
    return ui.card(
        ui.card_title("Most expensive"),
        _list_or(
            HomeState.expensive,
            rx.foreach(HomeState.expensive, line),
            "Nothing has cost anything in the last 24 hours. Local models are free.",
        ),
    )


def _recent() -> rx.Component:
    return ui.card(
        rx.el.div(
            ui.card_title("Latest runs", ui.link("All runs", href="/runs")), class_name="card-pad"
        ),
        lists.run_table(HomeState.recent),
        pad=False,
    )
