"""How responses are delivered: head only, compressed, not modified since last time, and how long to cache them."""

import hashlib
from contextlib import suppress

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STABLE = ("/api/openapi.json", "/api/node-types", "/api/templates", "/api/values/")
"""Large, the same for a long time, and without anything that a stranger could put in to guess the rest by size."""

_WITH_HASH = "/assets/"
"""The build names every file there by its content."""

KNOWN = {"description": "You have it already: it goes by the ETag in `If-None-Match`."}

HEALTH = ("/healthz", "/readyz")


class Delivery:
    """Answers HEAD wherever there is GET, compresses what is stable, and sets caching headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.zipped = GZipMiddleware(app, minimum_size=1_000, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        app = self.zipped if path.startswith(_STABLE) else self.app
        if not is_ours(path):
            await app(scope, receive, _with_lifetime(path, send))
        elif scope["method"] == "HEAD":
            await _head(app, scope, receive, send)
        else:
            await app(scope, receive, send)


def is_ours(path: str) -> bool:
    """Whether the API answers this path, not the web app behind it."""
    return f"{path}/".startswith("/api/") or path in HEALTH


def _with_lifetime(path: str, send: Send) -> Send:
    async def send_with_lifetime(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = path.startswith(_WITH_HASH) and message["status"] in (200, 206, 304)
            MutableHeaders(scope=message).setdefault(
                "Cache-Control", "public, max-age=31536000, immutable" if kept else "no-cache"
            )
        await send(message)

    return send_with_lifetime


class _HeadSent(OSError):
    """Only the head was requested: whoever produces the body stops, as when a client has gone."""


async def _head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the head that GET would have."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})
        elif message.get("more_body"):
            raise _HeadSent

    with suppress(_HeadSent, ClientDisconnect):
        await app({**scope, "method": "GET"}, receive, send_head)


def unless_known(request: Request, data: bytes, media_type: str = "application/json") -> Response:
    """Answer with these bytes, or with 304 when the client has them already."""
    tag = f'W/"{hashlib.sha256(data).hexdigest()[:32]}"'
    if is_known(request, tag):
        return Response(status_code=304, headers=revalidated(tag))
    return Response(data, media_type=media_type, headers=revalidated(tag))


def is_known(request: Request, tag: str) -> bool:
    """Whether a client has what this tag identifies. Compressed or not makes no difference."""
    given = Headers(scope=request.scope).get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    return "*" in known or tag.removeprefix("W/") in known


def revalidated(tag: str) -> dict[str, str]:
    """Headers for what a browser may cache but must revalidate before reusing it."""
    return {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
