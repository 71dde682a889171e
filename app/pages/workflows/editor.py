"""The workflow editor."""

import reflex as rx

from app.components.canvas.canvas import workflow_editor
from app.layouts.page import page
from app.state.runs.live import RunState
from app.state.workflows.editor import EditorState


@page(
    "/workflows/[workflow_id]",
    "Workflow",
    layout="full",
    on_load=[EditorState.load, EditorState.follow, RunState.open_latest, RunState.watch],
)
def workflow_editor_page() -> rx.Component:
    """Build, run and watch one workflow."""
    return workflow_editor(
        workflow_id=EditorState.workflow_id,
        name=EditorState.name,
        run_id=RunState.shown,
        run_of=RunState.shown_of,
        answered=EditorState.answered,
        on_rename=EditorState.rename,
        on_start=EditorState.start,
        on_control=RunState.control,
        on_answer=RunState.answer,
    )
