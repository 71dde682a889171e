"""The door of the pages' socket: who connects, from where, and how much they may send. It comes before anything is
loaded.
"""

import logging
import re
from collections import Counter
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.errors import AppError, NotFound, Unauthenticated
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.identity.address import behind_proxies
from app.services.identity.commands import actor_of_token
from app.services.throttle import Budgets, Rate, address_of
from app.state.identity import session_token

PATH = "/_event"
VISITOR = "agentloom.visitor"
"""Where the scope of a connection says who it belongs to."""

_POLICY, _TRY_LATER = 1008, 1013
_FRAME = re.compile(r"[123]|4[0-3]")
"""What a page sends: pings, pongs, its farewell; and of messages connect, disconnect, event and acknowledgement."""
_JOIN = "40"
_BYTES_PER_UNIT = 8_192

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Allowance:
    """What one person, or one address of people who are not signed in, may use at a time.

    A message costs one unit, and one more per 8 KB of it.
    """

    sockets: int
    longest: int
    rate: Rate


ANONYMOUS = Allowance(sockets=60, longest=16_000, rate=Rate(burst=200, per_s=20))
SIGNED_IN = Allowance(sockets=40, longest=1_000_000, rate=Rate(burst=600, per_s=60))
ARRIVALS = Rate(burst=300, per_s=30)
"""Connections from one address, whoever opens them."""


@dataclass(frozen=True)
class Visitor:
    """Who is at a socket."""

    address: str
    actor: Actor | None = None
    token: str = ""

    @property
    def session_id(self) -> str:
        """The session they are signed in with, or an empty text."""
        return self.actor.session_id if self.actor else ""

    @property
    def allowance(self) -> Allowance:
        """The limits of this visitor."""
        return SIGNED_IN if self.actor else ANONYMOUS

    @property
    def key(self) -> str:
        """The key shared by everyone who shares these limits."""
        return f"person {self.actor.user_id}" if self.actor else f"address {self.address}"


class Door:
    """Admits sockets of pages up to the limits, and records on each who is there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: Counter[str] = Counter()
        self._budgets = Budgets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests, and sockets that are admitted."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        visitor = await self._arrived(scope)
        if visitor is None or self._open[visitor.key] >= visitor.allowance.sockets:
            await receive()
            await send({"type": "websocket.close", "code": _TRY_LATER})
            return
        self._open[visitor.key] += 1
        try:
            scope[VISITOR] = visitor
            await self.app(scope, self._within(visitor, receive, send), send)
        finally:
            self._open[visitor.key] -= 1
            if not self._open[visitor.key]:
                del self._open[visitor.key]

    async def _arrived(self, scope: Scope) -> Visitor | None:
        """Identify the visitor; None when they connect too often, or cannot be identified right now."""
        headers = Headers(scope=scope)
        peer = (scope.get("client") or ("",))[0]
        address = address_of(behind_proxies(peer, headers.getlist("x-forwarded-for")))
        if self._budgets.spend(f"arrivals {address}", ARRIVALS):
            return None
        token = session_token(headers.get("cookie", ""))
        try:
            actor = await actor_of_token(current_app().database, token) if token else None
        except (Unauthenticated, NotFound):
            actor = None
        except AppError as error:
            _log.warning("a socket cannot be let in: %s", error.message)
            return None
        return Visitor(address, actor, token if actor else "")

    def _within(self, visitor: Visitor, receive: Receive, send: Send) -> Receive:
        """Pass messages on while they keep to the limits; the first that does not closes the socket."""
        joined = False

        async def checked() -> Message:
            nonlocal joined
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            fault = self._fault(visitor, message.get("text"), joined)
            joined = joined or (message.get("text") or "").startswith(_JOIN)
            if not fault:
                return message
            _log.warning("socket closed: %s", fault, extra={"visitor": visitor.key})
            await send({"type": "websocket.close", "code": _POLICY})
            return {"type": "websocket.disconnect", "code": _POLICY}

        return checked

    def _fault(self, visitor: Visitor, text: str | None, joined: bool) -> str:
        if text is None or not _FRAME.match(text):
            return "a message of a kind that pages do not send"
        if len(text) > visitor.allowance.longest:
            return "a message that is too long"
        if joined and text.startswith(_JOIN):
            return "a second tab on one socket"
        units = 1 + len(text) / _BYTES_PER_UNIT
        if self._budgets.spend(visitor.key, visitor.allowance.rate, units):
            return "too many messages"
        return ""
