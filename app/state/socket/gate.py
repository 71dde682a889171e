"""The gate of the pages' socket: which events it accepts, from whom. What is not listed here is refused unread."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import reflex as rx
from reflex.app import EventNamespace
from reflex.event import Event, EventSpec
from reflex.state import OnLoadInternalState, State, StateUpdate
from reflex.utils.token_manager import LocalTokenManager
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import format_event_handler

from app.services.app_context import current_app
from app.state.identity import COOKIE, IdentityState
from app.state.socket.door import VISITOR, Visitor
from app.state.socket.lanes import OWN, Lanes
from app.state.socket.notices import to_sign_in
from app.state.socket.tabs import TabStates

PUBLIC_PAGES = frozenset({"login", "register"})
"""Pages that show something to people who are not signed in."""

PUBLIC_HANDLERS = frozenset({format_event_handler(IdentityState.event_handlers["welcome"])})

_HYDRATE = format_event_handler(State.event_handlers["hydrate_and_load"])
_ARRIVE = format_event_handler(OnLoadInternalState.event_handlers["on_load_internal"])
OPENING = frozenset({_HYDRATE, _ARRIVE})
"""What every page sends when it opens: they run the handlers of the page's address."""

_LONGEST_ADDRESS = 2_000
_MOST_AT_ONCE = 64
_FROM_THE_CLIENT = frozenset({"event", "ping", "client_error"})

_log = logging.getLogger(__name__)


def known_handlers() -> frozenset[str]:
    """Name every handler that a page may call: those we wrote, none that the framework adds."""
    registered = RegistrationContext.get().event_handlers
    own = {name for name, one in registered.items() if one.handler.fn.__module__.startswith(OWN)}
    return frozenset(own | OPENING)


@dataclass(eq=False)
class Guest:
    """Somebody at a socket, and the task that checks whether they may still be there."""

    visitor: Visitor
    watching: asyncio.Task[None] | None = None


class Gate(EventNamespace):
    """Accepts events of our handlers from signed-in people, and from others only what public pages need."""

    def __init__(self, namespace: str, app: rx.App, states: TabStates) -> None:
        super().__init__(namespace, app)
        self._token_manager = LocalTokenManager()  # type: ignore[no-untyped-call] # Reflex's
        self._states = states
        self._guests: dict[str, Guest] = {}

    async def trigger_event(self, event: Any, *args: Any) -> Any:  # noqa: ANN401 - what clients send
        """Pass on what pages send. Only the server reports that a socket connects or disconnects: a client may name any
        event.
        """
        sid = args[0]
        if event == "connect":
            genuine = args[1] is self.server.get_environ(sid, self.namespace)
        elif event == "disconnect":
            genuine = not self.server.manager.is_connected(sid, self.namespace)
        else:
            genuine = event in _FROM_THE_CLIENT and sid in self._guests
        return await super().trigger_event(event, *args) if genuine else None

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> bool | None:  # noqa: ANN401
        """Give the socket its own tab, and look after it while it lasts."""
        visitor = environ.get("asgi.scope", {}).get(VISITOR)
        if visitor is None:
            return False
        guest = self._guests[sid] = Guest(visitor)
        try:
            await super().on_connect(sid, environ, auth)
        except BaseException:
            self._part(sid, self.sid_to_token.get(sid))
            raise
        if sid not in self.sid_to_token:
            self._part(sid, None)
            return False
        if visitor.actor is not None:
            guest.watching = asyncio.create_task(self._watch(sid, guest))
        return None

    def on_disconnect(self, sid: str, *_: object) -> asyncio.Task[None] | None:
        """Release the socket."""
        token = self.sid_to_token.get(sid)
        done = super().on_disconnect(sid)
        self._part(sid, token)
        return done

    async def on_event(self, sid: str, data: Any) -> None:  # noqa: ANN401 - what clients send
        """Accept an event that is well formed, known and allowed."""
        guest, token = self._guests.get(sid), self.sid_to_token.get(sid)
        event = self._read(data)
        if guest is None or token is None or event is None:
            return
        if guest.visitor.actor is None and not self._is_public(event):
            await self._refuse(sid, event)
        elif self._lanes.under_way(token) < _MOST_AT_ONCE:
            await super().on_event(sid, event)

    async def on_client_error(self, sid: str, data: Any = None) -> None:  # noqa: ANN401 - what clients send
        """Log what broke in the page of a signed-in person."""
        guest = self._guests.get(sid)
        if guest is not None and guest.visitor.actor is not None:
            await super().on_client_error(sid, data)

    async def emit_update(self, update: StateUpdate, token: str) -> None:
        """Send to the tab's socket; if the tab has none, send nothing."""
        if token in self._token_manager.token_to_socket:
            await super().emit_update(update, token)

    async def link_token_to_sid(self, sid: str, token: str, *, update_state: bool = True) -> None:
        """Record which tab the socket shows, and tell the page when that is not the one it named."""
        entered = self._states.enter(token, self._guests[sid].visitor.session_id)
        await self._token_manager.link_token_to_sid(entered, sid)
        if entered != token:
            await self.emit("new_token", entered, to=sid)

    @cached_property
    def _known(self) -> frozenset[str]:
        return known_handlers()

    @property
    def _lanes(self) -> Lanes:
        lanes = self.app.event_processor
        assert isinstance(lanes, Lanes)
        return lanes

    def _build_static_router_data(self, sid: str, environ: dict[str, Any]) -> dict[str, Any]:
        """What handlers learn about the connection: who, and from where. No other cookie and no other header."""
        visitor = self._guests[sid].visitor
        found = super()._build_static_router_data(sid, environ)
        headers = {"origin": found["headers"].get("origin", "")}
        if visitor.token:
            headers["cookie"] = f"{COOKIE}={visitor.token}"
        return {**found, "headers": headers, "ip": visitor.address}

    def _read(self, data: Any) -> dict[str, Any] | None:  # noqa: ANN401 - what clients send
        """Return an event with its context; None when it is not one, or one that no page sends."""
        if not isinstance(data, Mapping):
            return None
        name, payload, place = (data.get(key) for key in ("name", "payload", "router_data"))
        if not isinstance(name, str) or name not in self._known:
            return None
        payload = payload if isinstance(payload, Mapping) else {}
        if name in OPENING:
            payload = {key: payload[key] for key in ("hashes",) if key in payload}
        place = place if isinstance(place, Mapping) else {}
        return {"name": name, "payload": dict(payload), "router_data": _place(place)}

    def _is_public(self, event: Mapping[str, Any]) -> bool:
        if event["name"] in OPENING:
            return self._route(event) in PUBLIC_PAGES
        return event["name"] in PUBLIC_HANDLERS

    def _route(self, event: Mapping[str, Any]) -> str | None:
        return self.app.router(event["router_data"]["pathname"])

    async def _refuse(self, sid: str, event: Mapping[str, Any]) -> None:
        """Redirect somebody who opens a page to the sign-in page; ignore anything else."""
        if event["name"] in OPENING and self._route(event) is not None:
            await self._say(sid, to_sign_in())

    async def _say(self, sid: str, said: EventSpec) -> None:
        update = StateUpdate(events=Event.from_event_type(said))
        await self.emit("event", update, to=sid)

    async def _watch(self, sid: str, guest: Guest) -> None:
        """Close the socket once its person may no longer be there."""
        visitor = guest.visitor
        assert visitor.actor is not None
        async with current_app().authority.watched(visitor.actor) as watch:
            await watch.ended.wait()
        guest.watching = None
        token = self.sid_to_token.get(sid)
        if token is not None:
            self._token_manager.token_to_socket.pop(token, None)  # nothing more reaches it
            self._lanes.end(token)
        _log.info("socket closed: %s", watch.reason, extra={"visitor": visitor.key})
        self._states.forget_session(visitor.session_id)
        await self._say(sid, to_sign_in())
        await self.server.disconnect(sid, self.namespace)

    def _part(self, sid: str, token: str | None) -> None:
        guest = self._guests.pop(sid, None)
        if guest is not None and guest.watching is not None:
            guest.watching.cancel()
        if token is not None:
            self._states.leave(token)
            if token not in self._states.tabs:
                self._lanes.end(token)


def _place(named: Mapping[str, Any]) -> dict[str, Any]:
    """The page's location: its path, and its query. The address is put together here, so that the two cannot differ."""
    path, whole, query = (named.get(key) for key in ("pathname", "asPath", "query"))
    path = (
        "/" + re.split(r"[?#]", path[:_LONGEST_ADDRESS])[0].lstrip("/")
        if isinstance(path, str)
        else "/"
    )
    search = whole.partition("?")[2] if isinstance(whole, str) else ""
    given = query if isinstance(query, Mapping) else {}
    return {
        "pathname": path,
        "asPath": f"{path}?{search}"[:_LONGEST_ADDRESS] if search else path,
        "query": {
            str(key)[:100]: value[:_LONGEST_ADDRESS]
            for key, value in list(given.items())[:50]
            if isinstance(value, str)
        },
    }
