"""Bodies of requests: bounded, parsed once, and checked before any endpoint sees them."""

import email.message
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from app.api.http.problems import of_error
from app.engine.graph.document import MAX_DEPTH, too_deep
from app.kernel import jsons
from app.kernel.errors import AppError, InvalidInput, TooLarge, UnsupportedMedia

_NULL = "\x00"


class Body(BaseModel):
    """Base of all request bodies: an unknown field is an error, not silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Parsed(Request):
    """A request whose JSON has been read and checked already."""

    def __init__(self, request: Request, raw: bytes, value: Any) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(request.scope, request.receive)
        self._raw = raw
        self._value = value

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:  # noqa: ANN401 - any JSON value
        return self._value


class CheckedRoute(APIRoute):
    """A route that reads its JSON body itself: no NaN, no null characters, at most 64 levels."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the check before FastAPI's own handling."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def checked(request: Request) -> Response:
            raw = await request.body()
            if not raw:
                return await handle(request)
            try:
                value = parse(raw, request.headers.get("content-type", ""))
            except AppError as error:
                return of_error(error)
            return await handle(_Parsed(request, raw, value))

        return checked


def router(prefix: str, tag: str) -> APIRouter:
    """Make a router whose bodies are checked."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=CheckedRoute)


def parse(raw: bytes, content_type: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read a JSON body.

    Raises:
        UnsupportedMedia: It is not declared as JSON.
        InvalidInput: It is not JSON, or holds a null character or a lone surrogate: the caller can fix that, so it is
            not replaced as elsewhere.
        TooLarge: It is nested deeper than 64 levels.
    """
    message = email.message.Message()
    message["content-type"] = content_type
    kind = message.get_content_type() if content_type else ""
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMedia(
            "Send the body as JSON, with the header Content-Type: application/json."
        )
    try:
        value = jsons.parsed(raw)
    except jsons.TooDeep as error:
        raise TooLarge(f"The body is nested deeper than {MAX_DEPTH} levels.") from error
    except jsons.NotJson as error:
        raise InvalidInput(f"The body is not valid JSON: {error}.") from error
    if place := too_deep(value):
        raise TooLarge(f"The body is nested deeper than {MAX_DEPTH} levels at {place}", place=place)
    if b"\\u0000" in raw and _has_null(value):
        raise InvalidInput("The body holds a null character (\\u0000). Remove it.")
    if jsons.size_of(value) is None:
        raise InvalidInput(
            "The body holds half of a surrogate pair (\\ud800 to \\udfff). Remove it."
        )
    return value


def _has_null(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    layer = [value]
    while layer:
        item = layer.pop()
        if isinstance(item, dict):
            layer.extend((*item, *item.values()))
        elif isinstance(item, list):
            layer.extend(item)
        elif isinstance(item, str) and _NULL in item:
            return True
    return False
