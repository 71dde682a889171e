"""The fast path for the request that programs send most: starting a run with a bearer token.

It sits in front of the whole web app and reads and checks what the framework would, with the same functions. Anything
out of the ordinary is left to the framework, which also says what is wrong with it.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.bodies import parse
from app.api.http.limits import RUNS, spend
from app.api.http.problems import of_error
from app.api.workflows import NewRun, run_and_answer
from app.kernel.errors import AppError
from app.services.app_context import current_app
from app.services.identity.commands import actor_of_token

_PATH = re.compile(r"/api/workflows/([^/]{1,100})/runs")
_LONGEST = 1_000_000
"""Bodies up to this many bytes are read here."""


class FastPath:
    """Answers plain requests for runs, and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on with the body that was read."""
        path = _PATH.fullmatch(scope["path"]) if scope.get("method") == "POST" else None
        if path is None or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        token = _token(headers)
        length = headers.get(b"content-length", "")
        if not token or not length.isdecimal() or not 0 < int(length) <= _LONGEST:
            await self.app(scope, receive, send)
            return
        body = await _body(receive)
        new = _new_run(body, headers) if body is not None else None
        if new is None:
            await self.app(scope, _again(body or b"", receive), send)
            return

        answer = await _answer(scope, path[1], new, token, headers)
        await answer(scope, receive, send)


def _token(headers: Mapping[bytes, str]) -> str:
    """The bearer token; empty when there is none, or when another header is not for us to judge, such as that of a page
    of another site.
    """
    kind, _, token = headers.get(b"authorization", "").partition(" ")
    key, workspace = headers.get(b"idempotency-key", "k"), headers.get(b"x-workspace-id", "")
    plain = kind.lower() == "bearer" and 0 < len(key) <= 200 and len(workspace) <= 100
    return token.strip() if plain and b"origin" not in headers else ""


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Replay the body that was read."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


def _new_run(body: bytes, headers: Mapping[bytes, str]) -> NewRun | None:
    try:
        value: Any = parse(body, headers.get(b"content-type", ""))
        return NewRun.model_validate(value)
    except (AppError, ValidationError):
        return None


async def _answer(
    scope: Scope, workflow_id: str, new: NewRun, token: str, headers: Mapping[bytes, str]
) -> Response:
    try:
        app = current_app()
        who = await actor_of_token(app.database, token, headers.get(b"x-workspace-id"))
        spend(RUNS, who, scope)
        return await run_and_answer(who, workflow_id, new, headers.get(b"idempotency-key"))
    except AppError as error:
        return of_error(error)
