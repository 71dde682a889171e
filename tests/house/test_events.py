"""Default deny for the pages' socket: every handler is in the reviewed table; and none holds up a tab."""

import ast
from pathlib import Path

from reflex_base.registry import RegistrationContext

from app.app import app
from app.state.socket.gate import OPENING, PUBLIC_HANDLERS, PUBLIC_PAGES, known_handlers
from app.state.socket.lanes import Lanes
from app.state.socket.tabs import TabStates
from tests.house.inventory import reviewed_handlers

STATES = Path(__file__).resolve().parents[2] / "app" / "state"


def short(name: str) -> str:
    """`WorkflowsState.load` for the name a page calls it by."""
    owner = RegistrationContext.get().event_handlers[name].states[0]
    return f"{owner.__name__}.{name.rpartition('.')[2]}"


def test_handlers_are_exactly_the_reviewed_ones():
    known, listed = set(map(short, known_handlers())), set(reviewed_handlers())
    assert known == listed, "tests/house/events.txt lists who may call each handler"


def test_only_handlers_reviewed_as_public_are_let_through_the_gate():
    who = reviewed_handlers()
    assert {short(name) for name in PUBLIC_HANDLERS} == {n for n in who if who[n] == "public"}
    assert {short(name) for name in OPENING} == {n for n in who if who[n] == "opening"}


def test_what_public_pages_run_when_they_open_is_public():
    pages = [options for _, options in RegistrationContext.get().decorated_pages]
    opened = {one["route"].strip("/"): one.get("on_load", ()) for one in pages}
    public = {short(name) for name in PUBLIC_HANDLERS}
    for route in PUBLIC_PAGES:
        assert {handler.fn.__qualname__ for handler in opened[route]} <= public


def test_what_the_framework_adds_to_each_state_is_refused():
    refused = RegistrationContext.get().event_handlers.keys() - known_handlers()
    added = {
        "setvar",
        "hydrate",
        "set_is_hydrated",
        "update_vars_internal",
        "handle_frontend_exception",
    }
    assert {name.rpartition(".")[2] for name in refused} == added


def test_who_is_a_word_we_know():
    words = {"opening", "public", "signed-in", "viewer", "member", "admin", "installation"}
    assert set(reviewed_handlers().values()) <= words


def test_events_run_in_lanes_and_states_stay_in_the_process():
    assert isinstance(app.state_manager, TabStates)
    assert Lanes._execute_event is not Lanes.__base__._execute_event


def _functions():
    for path in sorted(STATES.rglob("*.py")):
        for found in ast.walk(ast.parse(path.read_text())):
            if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(path.relative_to(STATES)), found


def _awaits_under_the_lock(function):
    for block in ast.walk(function):
        if isinstance(block, ast.AsyncWith) and ast.unparse(block.items[0].context_expr) == "self":
            yield from (
                one
                for line in block.body
                for one in ast.walk(line)
                if isinstance(one, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Yield)
            )


def test_no_handler_waits_while_it_holds_the_state():
    waiting = [
        f"{file} {one.name}" for file, one in _functions() if any(_awaits_under_the_lock(one))
    ]
    assert not waiting


def test_the_rule_finds_a_handler_that_waits():
    wrong = "async def watch(self):\n    async with self:\n        self.rows = await read()\n"
    assert list(_awaits_under_the_lock(ast.parse(wrong).body[0]))


def test_every_handler_is_async():
    marked = [
        f"{file} {one.name}"
        for file, one in _functions()
        if isinstance(one, ast.FunctionDef)
        and any("rx.event" in ast.unparse(m) for m in one.decorator_list)
    ]
    assert not marked
