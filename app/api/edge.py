"""The outermost layer of the web process: request ids, security headers, last resort for errors."""

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import of_defect, of_error
from app.kernel import log
from app.kernel.errors import AppError, InvalidInput, TooLarge
from app.kernel.ids import new_id

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 10_000_000
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Edge:
    """Gives each request an id and each response its headers; nobody ever sees a stack trace."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its response back with more headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_id("request")
        token = log.context.set({**log.context.get(), "request_id": request_id})
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if f"{scope['path']}/".startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            refusal = _refusal(scope)
            answer = of_error(refusal) if refusal else self.app
            await answer(scope, receive, send_with_headers)
        except Exception:
            _log.exception("request failed", extra={"path": scope["path"]})
            if started:
                raise
            await of_defect()(scope, receive, send_with_headers)
        finally:
            log.context.reset(token)


def _refusal(scope: Scope) -> AppError | None:
    """What can be refused by the head of a request alone."""
    size = Headers(scope=scope).get("content-length", "")
    if size.isdecimal() and int(size) > MAX_BODY_BYTES:
        return TooLarge("The request is too large; at most 10 MB are allowed.")
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return InvalidInput("The address holds a null character. Remove it.")
    return None
