"""The tabs' states: in this process only, each owned by a session.

A tab's state is a view that its page rebuilds, so it needs no store: none of it is written to disk or Redis, and
nothing there is read. A tab that reconnects to another process starts afresh.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from reflex.istate.manager.memory import StateManagerMemory
from reflex.istate.manager.token import TOKEN_TYPE, StateToken

KEPT_S = 600.0
"""How long the state of a tab outlives its socket, for the page that connects again."""
KEPT_OF_SESSION = 10
KEPT = 500
"""How many of them at most: of one session, and in all."""


@dataclass(eq=False)
class Tab:
    """The owner of a tab; `parting` ends it when nobody comes back."""

    session_id: str
    parting: asyncio.TimerHandle | None = None


@dataclass
class TabStates(StateManagerMemory):
    """Keeps the state of each open tab, and for a while that of a tab whose socket was lost."""

    tabs: dict[str, Tab] = field(default_factory=dict)

    def enter(self, token: str, session_id: str) -> str:
        """Return the token of a tab that connects: the one it names if it may have it, else a new one.

        A token is valid when this process gave it to the same session and no socket has it now. Any other token,
        another's or made up, opens nothing.
        """
        tab = self.tabs.get(token)
        if tab is not None and tab.parting is not None and tab.session_id == session_id != "":
            tab.parting.cancel()
            tab.parting = None
            return token
        fresh = str(UUID(bytes=secrets.token_bytes(16)))
        self.tabs[fresh] = Tab(session_id)
        return fresh

    def leave(self, token: str) -> None:
        """Keep the state of a tab without a socket for a while; that of somebody who is not signed in is dropped at
        once.
        """
        tab = self.tabs.pop(token, None)
        if tab is None:
            return
        self.tabs[token] = tab  # the one that left last comes last
        if not tab.session_id:
            self.forget(token)
            return
        tab.parting = asyncio.get_running_loop().call_later(KEPT_S, self.forget, token)
        left = [name for name, one in self.tabs.items() if one.parting is not None]
        own = [name for name in left if self.tabs[name].session_id == tab.session_id]
        for name in {*left[:-KEPT], *own[:-KEPT_OF_SESSION]}:
            self.forget(name)

    def forget(self, token: str) -> None:
        """Drop a tab and its state."""
        tab = self.tabs.pop(token, None)
        if tab is not None and tab.parting is not None:
            tab.parting.cancel()
        self.states.pop(token, None)
        self._states_locks.pop(token, None)

    def forget_session(self, session_id: str) -> None:
        """Drop every tab of a session that is over."""
        for token in [name for name, tab in self.tabs.items() if tab.session_id == session_id]:
            self.forget(token)

    def _get_or_create_state(self, token: StateToken[TOKEN_TYPE]) -> TOKEN_TYPE:
        found = super()._get_or_create_state(token)
        if token.cache_key not in self.tabs:
            del self.states[
                token.cache_key
            ]  # an event that outlives its tab: nobody keeps what it does
        return found

    async def _get_state_lock(self, token: StateToken[Any]) -> asyncio.Lock:
        known = token.lock_key in self.tabs
        return await super()._get_state_lock(token) if known else asyncio.Lock()

    def _track_token(self, token: StateToken[Any]) -> None:
        """Do nothing: a state goes with its tab."""

    def _ensure_expiration_task(self) -> None:
        """Do nothing, for the same reason."""
