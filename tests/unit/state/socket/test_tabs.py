"""A tab's state belongs to a session, and is kept for a while and no longer."""

from uuid import UUID

import pytest
from reflex.istate.manager.token import BaseStateToken
from reflex.state import State

from app.state.socket import tabs
from app.state.socket.tabs import TabStates


@pytest.fixture
async def states():
    return TabStates()


def of(token):
    return BaseStateToken(ident=token, cls=State)


async def changed(states, token):
    async with states.modify_state(of(token)) as state:
        state.is_hydrated = True


async def is_kept(states, token):
    return (await states.get_state(of(token))).is_hydrated


async def test_a_session_gets_its_tab_back_once_its_socket_is_gone(states):
    token = states.enter("made up", "ses_1")
    await changed(states, token)
    assert states.enter(token, "ses_1") != token  # a second tab names it too
    states.leave(token)
    assert states.enter(token, "ses_2") != token
    assert states.enter(token, "ses_1") == token
    assert await is_kept(states, token)


def test_tokens_are_random_to_the_last_bit():
    states = TabStates()
    found = [UUID(states.enter("x", "ses_1")).int for _ in range(200)]
    for bit in range(128):
        assert 0 < sum(one >> bit & 1 for one in found) < 200


async def test_nothing_is_kept_of_somebody_who_is_not_signed_in(states):
    token = states.enter("x", "")
    await changed(states, token)
    states.leave(token)
    assert not states.states
    assert not states.tabs
    assert states.enter(token, "") != token


async def test_what_outlives_its_tab_changes_nothing_that_is_kept(states):
    token = states.enter("x", "ses_1")
    states.forget(token)
    await changed(states, token)
    assert not states.states
    assert not states._states_locks


async def test_a_tab_is_kept_for_a_while(states, monkeypatch):
    monkeypatch.setattr(tabs, "KEPT_S", 0.01)
    token = states.enter("x", "ses_1")
    await changed(states, token)
    states.leave(token)
    assert token in states.tabs
    await tabs.asyncio.sleep(0.05)
    assert not states.tabs
    assert not states.states


async def test_tabs_without_sockets_are_few(states, monkeypatch):
    monkeypatch.setattr(tabs, "KEPT", 15)
    connected = states.enter("x", "ses_1")
    for number in range(30):
        states.leave(states.enter("x", f"ses_{number % 2}"))
    left = [tab.session_id for tab in states.tabs.values() if tab.parting]
    assert len(left) == 15
    assert max(left.count("ses_0"), left.count("ses_1")) <= tabs.KEPT_OF_SESSION
    assert connected in states.tabs


async def test_a_session_that_is_over_leaves_no_tab(states):
    mine, other = states.enter("x", "ses_1"), states.enter("x", "ses_2")
    await changed(states, mine)
    states.forget_session("ses_1")
    assert list(states.tabs) == [other]
    assert not states.states
