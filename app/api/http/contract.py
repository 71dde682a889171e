"""The API's description for programs (OpenAPI): generated from the routes, completed with what applies to all."""

import asyncio
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from app.api.http.delivery import HEALTH, unless_known
from app.api.http.problems import PROBLEM_JSON, TITLES, ProblemDocument
from app.kernel.settings import settings

VERSION = "1"
_ABOUT = """Compose, run and watch workflows. Same rules and data as the web app.

Programs sign in with `POST /api/auth/login` and send what it returns as `Authorization: Bearer …`. Errors are
problem documents (RFC 9457) whose `code` is stable. Lists are pages: go on with `next_cursor` until it is null.
GET addresses answer HEAD, and all of them OPTIONS."""
_TAGS = {
    "auth": "Sign in and out, and who is signed in.",
    "workspaces": "Workspaces and their projects.",
    "templates": "Ready workflows to start from.",
    "node types": "What a graph is made of.",
    "workflows": "Drafts: read, change, check and run them.",
    "runs": "What was executed, step by step; watching it, and acting on it.",
    "approvals": "Questions of waiting runs, and their answers.",
    "models": "Language models, and the download of local ones.",
    "expressions": "Help while writing expressions.",
    "schedules": "Workflows that start by themselves.",
    "health": "For load balancers and supervisors.",
}
_ANY = (413, 421, 422, 500, 503)
"""What every address may answer: to a request that is too large, odd or for another host, and when a part is away."""

_SIGNED_IN = (401, 403, 404)
"""Nobody is signed in; their role does not reach; they named a workspace that is not theirs."""

_PAGE = re.compile(rb'Page[_\[](\w+?)(?:View)?[_\]]"')
"""Lists of views are named by what they hold: `RunPage`."""

contract = APIRouter()


@contract.get("/openapi.json", include_in_schema=False)
async def get_contract(request: Request) -> Response:
    """This description."""
    # the first time it takes most of a second: others are served meanwhile
    return unless_known(request, await asyncio.to_thread(_written, request.app))


@lru_cache(maxsize=1)
def _written(api: FastAPI) -> bytes:
    return orjson.dumps(api.openapi())


def describe(api: FastAPI) -> dict[str, Any]:
    """Describe all routes, with every status they return."""
    document = get_openapi(
        title="AgentLoom",
        version=VERSION,
        description=_ABOUT,
        routes=api.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        servers=[{"url": settings().origin, "description": "This installation."}],
    )
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= {**schema.pop("$defs"), "ProblemDocument": schema}
    for path, method, operation in operations(document):
        _complete(path, method, operation)
    named: dict[str, Any] = orjson.loads(_PAGE.sub(rb'\1Page"', orjson.dumps(document)))
    return named


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add the responses that follow from an operation's parameters. What a route declares itself stays."""
    responses = operation["responses"]
    statuses = {int(status) for status, said in responses.items() if _is_error(status, said)}
    statuses |= {*_ANY}
    if "security" in operation:
        statuses |= {*_SIGNED_IN}
    if method != "get":
        statuses.add(403)
    if not path.endswith(HEALTH):
        statuses.add(429)
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses.add(415)
        _leave_out_null(operation["requestBody"]["content"]["application/json"])
    told = {str(status): _problem(status) for status in sorted(statuses)}
    own = {status: said for status, said in responses.items() if not _is_error(status, said)}
    operation["responses"] = dict(sorted({**told, **own}.items()))


def _leave_out_null(media: dict[str, Any]) -> None:
    """Describe an optional body by its fields alone, so that generated clients can omit it."""
    given = [one for one in media["schema"].get("anyOf", ()) if one != {"type": "null"}]
    if len(given) == 1:
        media["schema"] = given[0]


def _is_error(status: str, said: dict[str, Any]) -> bool:
    """Whether a response is a problem document: every error without a body of its own."""
    schema = said.get("content", {}).get("application/json", {}).get("schema", {})
    unsaid = not schema or schema.get("$ref", "").endswith("/HTTPValidationError")
    return int(status) >= 400 and unsaid


def _problem(status: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": TITLES.get(status, "Something went wrong on our side"),
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
    if status in (429, 503):
        after = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
        said["headers"] = {"Retry-After": after}
    return said
