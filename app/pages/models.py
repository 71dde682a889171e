"""The models that workflows can call, and how to get more."""

from typing import Any

import reflex as rx

from app.components import ui
from app.layouts.page import page
from app.state.identity import IdentityState
from app.state.models.list import ModelsState
from app.state.models.prices import PricesState


@page("/models", "Models", on_load=[ModelsState.watch, PricesState.load])
def models() -> rx.Component:
    """One card per model: ready, being downloaded, or how to get it."""
    return rx.fragment(
        ui.page_header(
            "Models",
            ui.palette_button(),
            ui.button(
                "Look again", icon="refresh-cw", on_click=ModelsState.load, data_testid="refresh"
            ),
        ),
        ui.page_body(
            rx.el.div(
                ui.search_field(
                    ModelsState.search, ModelsState.look_for, placeholder="Search models"
                ),
                class_name="toolbar",
            ),
            ui.loaded(
                ready=ModelsState.ready,
                error=ModelsState.error,
                on_retry=ModelsState.load,
                skeleton=ui.skeleton_lines(3, height=96),
                content=rx.cond(
                    ModelsState.rows.length() > 0,
                    rx.el.div(rx.foreach(ModelsState.rows, _model), class_name="stack"),
                    _nothing(),
                ),
            ),
            _elsewhere(),
            _prices(),
            narrow=True,
        ),
    )


def _model(model: rx.Var[Any]) -> rx.Component:
    return ui.card(
        rx.el.div(
            rx.el.div(
                rx.el.div(
                    rx.el.h2(model.title, style={"font_size": "14px"}),
                    rx.cond(model.default, ui.badge("default", tone="accent", icon="star")),
                    rx.cond(model.demo, ui.badge("demo model", tone="wait", icon="flask-conical")),
                    rx.cond(
                        model.available,
                        ui.badge("ready", tone="ok", icon="check"),
                        ui.badge("not here yet", icon="circle-dashed"),
                    ),
                    class_name="row wrap",
                ),
                rx.el.p(
                    rx.el.code(model.ref),
                    rx.cond(model.local, " · runs on this machine, costs nothing", ""),
                    rx.cond(model.size, rx.fragment(" · ", model.size)),
                    rx.cond(model.price, rx.fragment(" · ", model.price)),
                    class_name="muted",
                ),
                class_name="grow",
            ),
            rx.cond(model.pull, rx.cond(IdentityState.administers, _pull(model), _ask(model))),
            class_name="row between wrap",
        ),
        rx.cond(model.demo, _demo(), rx.el.p(model.note, class_name="muted")),
        _progress(model.pull),
        class_name="stack model-card",
        data_testid=f"model-{model.ref}",
    )


def _demo() -> rx.Component:
    return ui.callout(
        "This one is tiny. It shows how workflows run, stream and are traced; "
        "do not trust what it says or decides.",
        tone="wait",
        icon="flask-conical",
    )


def _pull(model: rx.Var[Any]) -> rx.Component:
    running = ModelsState.downloads[model.pull].status == "running"
    known = ModelsState.downloads.contains(model.pull)
    return rx.cond(
        known & running,
        ui.button("Cancel", on_click=ModelsState.stop(model.pull), data_testid="cancel-pull"),
        rx.cond(
            ~model.available,
            ui.button(
                "Download",
                icon="download",
                variant="primary",
                on_click=ModelsState.pull(model.pull),
                data_testid="pull",
            ),
        ),
    )


def _ask(model: rx.Var[Any]) -> rx.Component:
    """For those who do not administer the installation, whose disk the weights take."""
    words = "An administrator of the installation can download it."
    return rx.cond(~model.available, rx.el.span(words, class_name="muted", data_testid="ask"))


def _progress(name: rx.Var[str]) -> rx.Component:
    one = ModelsState.downloads[name]
    bar = rx.el.div(
        ui.progress_bar(one.percent, label="Download", unknown=one.percent == 0),
        rx.el.div(
            rx.el.span(one.message, class_name="muted truncate-1"),
            rx.el.span(one.progress, class_name="muted num"),
            class_name="row between",
        ),
        class_name="stack",
        style={"gap": "6px"},
        aria_live="polite",
    )
    failed = ui.callout(one.message, tone="err", icon="circle-alert")
    stopped = ui.callout(
        "The download was stopped. It goes on from there when you start it again.", icon="pause"
    )
    shown = rx.match(
        one.status, ("running", bar), ("failed", failed), ("canceled", stopped), rx.fragment()
    )
    return rx.cond(ModelsState.downloads.contains(name), shown)


def _nothing() -> rx.Component:
    found_none = ui.no_match(
        "No model has these words", "Show all models", ModelsState.look_for("")
    )
    none = ui.empty_state(
        "cpu", "No models", "Download one, start Ollama, or set a provider's key as below."
    )
    return ui.card(rx.cond(ModelsState.search, found_none, none), pad=False)


def _elsewhere() -> rx.Component:
    return ui.card(
        ui.card_title("More models"),
        rx.el.dl(
            _way("Ollama", "Found by itself when it runs; OLLAMA_HOST names another address."),
            _way("OpenAI", "Set OPENAI_API_KEY and start the server again."),
            _way("Anthropic", "Set ANTHROPIC_API_KEY and start the server again."),
            _way(
                "Any compatible server",
                "Set AGENTLOOM_COMPATIBLE_URL (ending in /v1), and its key if it wants one.",
            ),
            class_name="facts",
        ),
    )


def _way(name: str, text: str) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(text))


def _prices() -> rx.Component:
    """Prices set by hand; a run with a limit on money calls no model of which nobody knows the price."""
    return ui.card(
        ui.card_title("Prices"),
        rx.el.p(
            "Runs with a limit on money call only models whose price is known. A price that is set here goes before "
            "the table of known ones, for all workspaces.",
            class_name="muted",
        ),
        rx.foreach(PricesState.rows, _price),
        rx.cond(
            PricesState.may_set,
            _price_form(),
            rx.el.p("An administrator of the installation can set prices.", class_name="muted"),
        ),
        class_name="stack",
        data_testid="prices",
    )


def _price(row: rx.Var[Any]) -> rx.Component:
    return rx.el.div(
        rx.el.span(rx.el.code(row.model), " · ", row.words),
        rx.cond(
            PricesState.may_set,
            ui.button(
                "Remove",
                size="sm",
                on_click=PricesState.remove(row.model),
                aria_label="Remove the price of " + row.model.to(str),
                data_testid="remove-price",
            ),
        ),
        class_name="row between wrap",
        data_testid="price",
    )


def _price_form() -> rx.Component:
    return rx.form(
        rx.el.div(
            ui.field(
                ui.text_input(
                    id="price-model",
                    name="model",
                    placeholder="compatible/llama-3",
                    max_length=200,
                    required=True,
                ),
                label="Model",
                name="price-model",
                error=PricesState.error,
            ),
            _dollars("price-input", "input", "Dollars per million tokens in"),
            _dollars("price-output", "output", "Dollars per million tokens out"),
            ui.button("Set the price", type="submit", data_testid="set-price"),
            class_name="row wrap",
            style={"align_items": "flex-end"},
        ),
        on_submit=PricesState.save,
        id="price-form",
    )


def _dollars(name: str, key: str, label: str) -> rx.Component:
    entry = ui.text_input(
        id=name, name=key, input_mode="decimal", placeholder="0.15", required=True
    )
    return ui.field(entry, label=label, name=name)
