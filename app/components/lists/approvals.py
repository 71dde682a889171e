"""Questions of waiting runs: a line on the home page, a card in the inbox."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from app.components import ui
from app.components.recovery import RECOVERY

AT_A_GLANCE = 2
"""So many choices a line has room for; what has more is decided in the inbox."""


@dataclass(frozen=True)
class ResultForm:
    """The form for the result of a step: the step it is open for, what is in it, and what is called."""

    step_id: rx.Var[str]
    text: rx.Var[str]
    on_open: Any
    on_enter: Any


def question_row(question: rx.Var[Any], *, answering: rx.Var[str], on_answer: Any) -> rx.Component:
    """A question as one line, to be answered at once."""
    return rx.el.div(
        rx.el.div(
            ui.link(question.title, href="/approvals", class_name="question-title truncate-1"),
            rx.el.p(
                question.run, " · ", ui.time_ago(at=question.asked_at), " · ", question.workflow,
                class_name="muted truncate-1",
            ),
            class_name="grow",
        ),
        rx.cond(
            question.recovery | (question.choices.length() > AT_A_GLANCE),
            ui.link_button("Decide…", href="/approvals", size="sm", data_testid="decide"),
            answer_buttons(question, answering=answering, on_answer=on_answer, size="sm"),
        ),
        class_name="row between wrap",
        data_testid="question",
    )  # fmt: skip


def answer_buttons(
    question: rx.Var[Any], *, answering: rx.Var[str], on_answer: Any, size: ui.Size = "md"
) -> rx.Component:
    """One button per choice; the first one is the way the run was meant to go."""
    return rx.el.div(
        rx.foreach(
            question.choices.reverse(),
            lambda choice: rx.cond(
                choice.value == question.choices[0].value,
                _choice(question, choice, answering, on_answer, "primary", size),
                _choice(question, choice, answering, on_answer, "default", size),
            ),
        ),
        class_name="row wrap",
    )


def _choice(
    question: rx.Var[Any],
    choice: rx.Var[Any],
    answering: rx.Var[str],
    on_answer: Any,
    variant: ui.Variant,
    size: ui.Size,
) -> rx.Component:
    return ui.button(
        choice.word,
        variant=variant,
        size=size,
        disabled=answering == question.step_id,
        on_click=on_answer(question.step_id, choice.value),
        data_testid=f"answer-{choice.value}",
    )


def question_card(
    question: rx.Var[Any],
    *,
    answering: rx.Var[str],
    on_answer: Any,
    on_comment: Any,
    on_edit: Any,
    form: ResultForm,
) -> rx.Component:
    """A question with what it is about, room for a remark, and its choices."""
    remark = f"remark-{question.step_id}"
    return ui.card(
        rx.el.div(
            rx.el.div(
                rx.el.h2(question.title),
                rx.el.p(
                    ui.link(question.workflow, href=f"/workflows/{question.workflow_id}"), " · ",
                    ui.link("Run ", question.run, href=f"/runs/{question.run_id}"), " · ",
                    ui.time_ago(at=question.asked_at), class_name="muted",
                ),
            ),
            ui.status_badge(status="waiting_human"),
            class_name="row between wrap",
        ),
        rx.cond(question.body, rx.el.p(question.body, style={"white_space": "pre-wrap"})),
        rx.cond(question.has_value, _value(question, on_edit)),
        rx.el.div(
            rx.el.div(
                rx.el.label("Remark (optional)", html_for=remark, class_name="sr-only"),
                ui.text_input(
                    id=remark,
                    placeholder="A remark for the record (optional)",
                    on_blur=lambda text: on_comment(question.step_id, text),
                ),
                class_name="grow",
            ),
            rx.cond(question.givable, _give(question, form)),
            answer_buttons(question, answering=answering, on_answer=on_answer),
            class_name="row wrap",
        ),
        rx.cond(
            form.step_id == question.step_id, _result_form(question, form, answering, on_answer)
        ),
        class_name="stack question-card",
        data_testid="question",
    )  # fmt: skip


def _give(question: rx.Var[Any], form: ResultForm) -> rx.Component:
    return ui.button(
        f"{RECOVERY['done'].word}…",
        on_click=form.on_open(question.step_id),
        aria_expanded=rx.cond(form.step_id == question.step_id, "true", "false"),
        data_testid="give-result",
    )


def _result_form(
    question: rx.Var[Any], form: ResultForm, answering: rx.Var[str], on_answer: Any
) -> rx.Component:
    field = f"result-{question.step_id}"
    return rx.el.div(
        rx.el.label("The result of the step: its output by port, as it would have been", html_for=field),
        ui.textarea(
            id=field, default_value=form.text, rows="5", class_name="mono", auto_focus=True,
            spell_check=False, on_blur=form.on_enter, data_testid="result-value",
        ),
        rx.el.div(
            ui.button(
                "Go on with this", variant="primary", disabled=answering == question.step_id,
                on_click=on_answer(question.step_id, "done"), data_testid="answer-done",
            ),
            class_name="row",
        ),
        class_name="field",
    )  # fmt: skip


def _value(question: rx.Var[Any], on_edit: Any) -> rx.Component:
    field = f"value-{question.step_id}"
    return rx.cond(
        question.editable,
        rx.el.div(
            rx.el.label(
                rx.cond(
                    question.recovery,
                    "Its input. What you change is used when you retry",
                    "You may change this before you answer",
                ),
                html_for=field,
            ),
            ui.textarea(
                id=field,
                default_value=question.value,
                rows="6",
                class_name=rx.cond(question.plain, "", "mono"),
                on_blur=lambda text: on_edit(question.step_id, text),
            ),
            class_name="field",
        ),
        ui.code_viewer(text=question.value, title="What it is about"),
    )
