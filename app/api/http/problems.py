"""Every failure as an RFC 9457 problem document that carries the request's id."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from app.kernel import log
from app.kernel.errors import (
    AppError,
    Denied,
    InvalidInput,
    NotFound,
    TooLarge,
    TooMuch,
    Unauthenticated,
    UnsupportedMedia,
)

PROBLEM_JSON = "application/problem+json"
_log = logging.getLogger(__name__)
_RESERVED = frozenset({"type", "title", "status", "detail", "code", "request_id"})
TITLES = {
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    421: "Unknown host",
    422: "Invalid input",
    429: "Too many requests",
    503: "Not available",
}
_CODES = {
    401: Unauthenticated.code,
    403: Denied.code,
    404: NotFound.code,
    405: "method_not_allowed",
    413: TooLarge.code,
    415: UnsupportedMedia.code,
    422: InvalidInput.code,
    429: TooMuch.code,
}
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is too large; at most 10 MB are allowed.",
}

_RETRY_AFTER_S = {429: 10, 503: 5}
"""When to come again where nobody knows better."""


class FaultView(BaseModel):
    """One invalid value of a request."""

    in_: str = Field(alias="in", description="`body`, `query`, `path`, `header` or `cookie`.")
    place: str = Field(description="Path of the value, such as `nodes.3.kind`.")
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457: what went wrong, as a sentence for people and a code for programs.

    Some codes bring more members: `revision` (revision_conflict), `problems` (graph_invalid),
    `field`, `retry_after_s`.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What happened and what to do.")
    code: str = Field(description="Stable; for programs.", examples=["not_found"])
    request_id: str = Field(description="To quote when you ask; also in the server's log.")
    errors: list[FaultView] | None = Field(
        None, description="Each value that will not do; of invalid_input only."
    )


def problem(
    status: int,
    code: str,
    detail: str,
    context: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Write a problem document; members of `context` are added beside the standard ones."""
    sent = dict(headers or {})
    if status in _RETRY_AFTER_S:
        sent.setdefault("Retry-After", str(_RETRY_AFTER_S[status]))
    body = {
        "type": code,
        "title": TITLES.get(status, "Something went wrong"),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": log.context.get().get("request_id", ""),
        **{key: value for key, value in (context or {}).items() if key not in _RESERVED},
    }
    return JSONResponse(body, status, sent, media_type=PROBLEM_JSON)


def of_error(error: AppError) -> JSONResponse:
    """The answer to an expected failure."""
    headers = {}
    if "retry_after_s" in error.context:
        headers["Retry-After"] = str(error.context["retry_after_s"])
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status >= 500:
        _log.error("request failed", extra={"code": error.code}, exc_info=error)
    return problem(error.status, error.code, error.message, error.context, headers)


def of_defect() -> JSONResponse:
    """The answer when we broke a promise: no details, only the id to ask about."""
    detail = "Something went wrong on our side. Nothing is lost; quote the request id when you ask."
    return problem(500, "defect", detail)


async def _app_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return of_error(error)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = _SENTENCES.get(error.status_code, str(error.detail))
    code = _CODES.get(error.status_code, "error")
    return problem(error.status_code, code, detail, headers=error.headers)


async def _defect(_: Request, __: Exception) -> JSONResponse:
    return of_defect()


async def _unfit(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {
            "in": str(fault["loc"][0]) if fault["loc"] else "body",
            "place": ".".join(str(part) for part in fault["loc"][1:]),
            "message": _sentence(fault),
        }
        for fault in error.errors()[:20]
    ]
    first = faults[0]
    where = f"`{first['place']}`" if first["place"] else f"The {first['in']}"
    return problem(
        422,
        InvalidInput.code,
        f"{where}: {first['message']}",
        {"field": first["place"], "errors": faults},
    )


def _sentence(fault: Mapping[str, Any]) -> str:
    """A pydantic message in words for the sender; the value is not repeated."""
    if fault["type"] == "extra_forbidden":
        return "There is no such field."
    if fault["type"] == "missing":
        return "This field is required."
    return str(fault["msg"]).removeprefix("Value error, ") + "."


def set_up(api: FastAPI) -> None:
    """Answer every failure of the endpoints with a problem document."""
    api.add_exception_handler(AppError, _app_error)
    api.add_exception_handler(Exception, _defect)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(RequestValidationError, _unfit)
