"""The inbox of questions that runs ask people."""

import reflex as rx

from app.components import lists, ui
from app.layouts.page import page
from app.state.approvals import ApprovalsState


@page("/approvals", "Approvals", on_load=[ApprovalsState.watch])
def approvals() -> rx.Component:
    """Open questions, to be answered here."""
    return rx.fragment(
        ui.page_header("Approvals", ui.palette_button()),
        ui.page_body(
            rx.el.div(
                ui.search_field(
                    ApprovalsState.search,
                    ApprovalsState.look_for,
                    placeholder="Search questions",
                ),
                class_name="toolbar",
            ),
            ui.loaded(
                ready=ApprovalsState.ready,
                error=ApprovalsState.error,
                on_retry=ApprovalsState.load,
                skeleton=ui.skeleton_lines(3, height=120),
                content=rx.cond(ApprovalsState.questions.length() > 0, _cards(), _nothing()),
            ),
            narrow=True,
        ),
    )


def _cards() -> rx.Component:
    return rx.el.div(
        rx.foreach(
            ApprovalsState.questions,
            lambda one: lists.question_card(
                one,
                answering=ApprovalsState.answering,
                on_answer=ApprovalsState.answer,
                on_comment=ApprovalsState.comment,
                on_edit=ApprovalsState.edit,
                form=lists.ResultForm(
                    step_id=ApprovalsState.giving,
                    text=ApprovalsState.result,
                    on_open=ApprovalsState.give,
                    on_enter=ApprovalsState.enter,
                ),
            ),
        ),
        class_name="stack",
    )


def _nothing() -> rx.Component:
    found_none = ui.no_match(
        "No question contains these words", "Show all questions", ApprovalsState.look_for("")
    )
    none_open = ui.empty_state(
        "inbox",
        "Nothing waits for you",
        "When a workflow reaches an approval step, its run waits and the question appears here.",
        ui.link_button("See all runs", href="/runs", icon="activity"),
    )
    return ui.card(rx.cond(ApprovalsState.search, found_none, none_open), pad=False)
