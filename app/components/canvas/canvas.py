"""The workflow editor as a Reflex component: one React tree that loads, edits and shows it."""

from typing import Any

import reflex as rx

from app.components.assets import library

DEPENDENCIES = [
    "@xyflow/react@12.12.1",
    "lucide-react@1.26.0",
    "cmdk@1.1.1",
    "@uiw/react-codemirror@4.25.12",
    "@codemirror/lang-python@6.2.1",
    "@codemirror/lang-json@6.0.2",
    "@codemirror/language@6.13.1",
    "@lezer/highlight@1.2.5",
]


class WorkflowEditor(rx.NoSSRComponent):
    """Palette, canvas, inspector and run drawer of one workflow.

    It reads and saves the workflow over REST and reads the run from the live store; what a person
    decides about runs comes out as events whose messages are in `protocol.py`.
    """

    library = library("canvas/editor.jsx")
    tag = "WorkflowEditor"
    lib_dependencies: list[str] = DEPENDENCIES

    workflow_id: rx.Var[str]
    name: rx.Var[str]
    run_id: rx.Var[str]
    run_of: rx.Var[str]
    answered: rx.Var[dict[str, Any]]

    on_rename: rx.EventHandler[lambda name: [name]]
    on_start: rx.EventHandler[lambda message: [message]]
    on_control: rx.EventHandler[lambda message: [message]]
    on_answer: rx.EventHandler[lambda message: [message]]


workflow_editor = WorkflowEditor.create
