"""What the lists have in common is theirs alone: one list's pages and events are no other's."""

import pytest
from wrapt import ObjectProxy

from app.state.runs.dead_letters import DeadLettersState
from app.state.runs.list import RunListState
from app.state.triggers import SchedulesState
from app.state.workflows.list import WorkflowsState
from tests.unit.state.conftest import fire, open_tab

LISTS = [WorkflowsState, RunListState, SchedulesState, DeadLettersState]


@pytest.mark.parametrize("state_class", LISTS)
async def test_a_list_reads_itself_again(app, token, state_class):
    tab = open_tab(state_class, token)
    for name, values in (("look_for", ("x",)), ("older", ()), ("newer", ())):
        assert await fire(tab, name, *values) == [state_class.load]


@pytest.mark.parametrize("state_class", LISTS)
async def test_a_list_that_is_open_follows_the_runs(app, token, state_class):
    """A background handler gets its state in a proxy."""
    watching = state_class.watch.fn(ObjectProxy(open_tab(state_class, token)))
    assert await anext(watching) == state_class.load
    await watching.aclose()


async def test_pages_of_one_list_are_not_those_of_another(app, token):
    runs = open_tab(RunListState, token)
    letters = runs.parent_state.get_substate(DeadLettersState.get_full_name().split("."))
    await fire(runs, "look_for", "invoices")
    await fire(runs, "older")
    await fire(letters, "load")
    assert (letters.search, letters.page_number, letters.has_previous) == ("", 1, False)
