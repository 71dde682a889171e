"""Every handler is callable by any client: one that reaches data asks first who is there."""

import ast
from pathlib import Path

import pytest
import reflex as rx
from reflex.route import get_route_args
from sqlalchemy import update

from app.kernel.errors import Denied, Unauthenticated
from app.models import Member
from app.state.approvals import ApprovalsState
from app.state.home import HomeState
from app.state.models.list import ModelsState
from app.state.runs.dead_letters import DeadLettersState
from app.state.runs.list import RunListState
from app.state.runs.live import RunState
from app.state.runs.trace import RunTraceState
from app.state.shell import ShellState
from app.state.templates import GalleryState, TemplateState
from app.state.triggers import SchedulesState
from app.state.workflows.editor import EditorState
from app.state.workflows.list import WorkflowsState
from tests.house.inventory import reviewed_handlers
from tests.unit.state.conftest import fire, open_tab, said, sign_up

STATES = Path(__file__).resolve().parents[3] / "app" / "state"
WHO_ASK = ("actor(self", "authenticate(")
GUARDS = {"guard", "welcome"}
TOLD_TO_EVERYBODY = {"look"}  # the health of the installation
CALLS = [
    (HomeState, "load", ()),
    (GalleryState, "load", ()),
    (GalleryState, "use", ("ticket-triage",)),
    (TemplateState, "load", ()),
    (WorkflowsState, "load", ()),
    (WorkflowsState, "create", ()),
    (WorkflowsState, "rename", ({"name": "x"},)),
    (WorkflowsState, "delete", ("wfl_1", "x")),
    (WorkflowsState, "restore", ("wfl_1",)),
    (RunListState, "load", ()),
    (RunListState, "watch", ()),
    (RunListState, "cancel", ("run_1",)),
    (DeadLettersState, "load", ()),
    (DeadLettersState, "requeue", ()),
    (DeadLettersState, "discard", ()),
    (SchedulesState, "load", ()),
    (SchedulesState, "arrive", ()),
    (SchedulesState, "switch", ("sch_1", True)),
    (SchedulesState, "run_now", ("sch_1",)),
    (SchedulesState, "open_history", ("sch_1", "x")),
    (SchedulesState, "saved", ("x",)),
    (SchedulesState, "delete", ()),
    (SchedulesState, "restore", ("sch_1",)),
    (ApprovalsState, "load", ()),
    (ApprovalsState, "answer", ("stp_1", "approve")),
    (ModelsState, "load", ()),
    (ModelsState, "pull", ("smollm2-135m",)),
    (ModelsState, "stop", ("smollm2-135m",)),
    (EditorState, "load", ()),
    (EditorState, "rename", ("x",)),
    (EditorState, "start", ({"input": None, "key": "k" * 8},)),
    (RunState, "control", ({"run_id": "run_1", "action": "pause"},)),
    (RunState, "answer", ({"step_id": "stp_1", "choice": "approve"},)),
    (RunTraceState, "load", ()),
    (RunTraceState, "run_again", ()),
    (ShellState, "refresh", ()),
    (ShellState, "act", ("new-workflow",)),
]


def _handlers():
    for path in STATES.rglob("*.py"):
        for found in ast.walk(ast.parse(path.read_text())):
            if isinstance(found, ast.AsyncFunctionDef) and any(
                "rx.event" in ast.unparse(mark) for mark in found.decorator_list
            ):
                yield path.name, found


def test_handlers_that_reach_the_runtime_look_up_the_actor():
    careless = [
        f"{file} {handler.name}"
        for file, handler in _handlers()
        if handler.name not in GUARDS | TOLD_TO_EVERYBODY
        and "current_app()" in (text := ast.unparse(handler))
        and not any(mark in text for mark in WHO_ASK)
    ]
    assert not careless


@pytest.mark.parametrize(
    ("state_class", "name", "values"), CALLS, ids=[f"{c[0].__name__}.{c[1]}" for c in CALLS]
)
async def test_nobody_can_call_a_handler_signed_out(app, state_class, name, values):
    with pytest.raises(Unauthenticated):
        await fire(open_tab(state_class), name, *values)


def _changing():
    who = reviewed_handlers()
    changing = {name for name, role in who.items() if role in ("member", "admin")}
    calls = {f"{state.__name__}.{name}": (state, name, values) for state, name, values in CALLS}
    assert changing <= calls.keys(), "a handler that changes something is not called here"
    return [calls[name] for name in sorted(changing)]


async def test_a_viewer_cannot_call_a_handler_that_changes_something(app):
    rx.State.setup_dynamic_args(
        get_route_args("/[workflow_id]/[run_id]")
    )  # what pages' addresses name
    token = await sign_up(app, "Vera")
    async with app.database.work() as uow:
        await uow.session.execute(update(Member).values(role="viewer"))
    for state_class, name, values in _changing():
        tab = open_tab(state_class, token)
        try:
            events = await fire(tab, name, *values)
        except Denied:
            continue
        assert "This needs the role" in said([*events, tab.dict()]), (
            f"{state_class.__name__}.{name}"
        )
    await fire(open_tab(WorkflowsState, token), "load")  # what only reads, works
