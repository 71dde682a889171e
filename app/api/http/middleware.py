"""The outermost layer of the web process, in front of everything that it serves: known hosts, request ids, security
headers, the last resort for errors.
"""

import logging
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.policy import Policies, Policy, host_of, is_known, is_own_origin
from app.api.http.problems import of_defect, of_error, problem
from app.kernel import log
from app.kernel.errors import Denied, InvalidInput, TooLarge
from app.kernel.ids import new_id
from app.kernel.settings import settings

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 10_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""No id and no name has one; and an address with a line break is none of ours to the patterns of the routes."""


class RequestMiddleware:
    """Gives each request an id and each response its headers, and refuses hosts that are not ours; nobody ever sees a
    stack trace.
    """

    def __init__(self, app: ASGIApp, policies: Policies | None = None) -> None:
        self.app = app
        self.policies = policies or Policies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and return its response with more headers."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_id("request")
        token = log.context.set({**log.context.get(), "request_id": request_id})
        policy = self.policies.of(scope["path"])
        started = ended = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started, ended
            if message["type"] == "http.response.start":
                started = True
                _complete(message, policy, request_id)
            elif message["type"] == "http.response.body":
                ended = not message.get("more_body", False)
            await send(message)

        try:
            answer = _refusal(scope, policy) or self.app
            await answer(scope, receive, send_with_headers)
        except Exception:
            _log.exception("request failed", extra={"path": scope["path"]})
            if ended:
                return  # the framework has answered with a problem, then re-raised
            if started:
                raise
            await of_defect()(scope, receive, send_with_headers)
        finally:
            log.context.reset(token)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, policy = new_id("request"), self.policies.of(scope["path"])
        token = log.context.set({**log.context.get(), "request_id": request_id})

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "websocket.http.response.start":
                _complete(message, policy, request_id)
            await send(message)

        try:
            answer = _wrong_host(scope, policy) or _foreign_page(scope) or self.app
            await answer(scope, receive, send_with_headers)
        finally:
            log.context.reset(token)


def _complete(message: Message, policy: Policy, request_id: str) -> None:
    """Add what the policy says and the response lacks; make sure that redirects lead only to this site."""
    headers = [
        (name, _within(value)) if name == b"location" else (name, value)
        for name, value in message.get("headers", ())
    ]
    present = {name for name, _ in headers}
    headers += [pair for pair in policy.raw if pair[0] not in present]
    headers.append((b"x-request-id", request_id.encode()))
    message["headers"] = headers


def _within(location: bytes) -> bytes:
    """A redirect address without scheme and host: neither the name we were called by nor the scheme of the proxy in
    front of us is known for sure. Leading slashes are collapsed to one, since `//name` leads to another host.
    """
    parts = urlsplit(location)
    rest = parts._replace(scheme=b"", netloc=b"", path=b"").geturl()
    return b"/" + parts.path.lstrip(b"/\\") + rest


def _foreign_page(scope: Scope) -> Response | None:
    """The response to a page of another site that opens a socket: browsers let any page do so."""
    origin = Headers(scope=scope).get("origin")
    if origin is None or is_own_origin(origin, host_of(scope)):
        return None
    return of_error(Denied("This socket was opened by another site and is refused."))


def _refusal(scope: Scope, policy: Policy) -> Response | None:
    """The refusal of a request, if its head alone is enough to refuse it."""
    if refusal := _wrong_host(scope, policy):
        return refusal
    size = Headers(scope=scope).get("content-length", "")
    if size.isdecimal() and int(size) > MAX_BODY_BYTES:
        return of_error(TooLarge("The request is too large; at most 10 MB are allowed."))
    if _CONTROL.search(scope["path"]) or b"%00" in scope["query_string"]:
        return of_error(InvalidInput("The address holds a control character. Remove it."))
    return None


def _wrong_host(scope: Scope, policy: Policy) -> Response | None:
    if policy.any_host or is_known(scope):
        return None
    return problem(
        421,
        "unknown_host",
        f"This installation does not answer to that host. Open {settings().origin}, or set AGENTLOOM_PUBLIC_URL "
        "to the address that people use.",
    )
