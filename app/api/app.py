"""The REST API: every endpoint under `/api`, health also beside it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.approvals import approvals, steps
from app.api.expressions import expressions
from app.api.health import health
from app.api.http import problems
from app.api.http.contract import VERSION, contract, describe
from app.api.http.delivery import HEALTH, Delivery
from app.api.http.fast_path import FastPath
from app.api.http.middleware import MAX_BODY_BYTES, RequestMiddleware
from app.api.http.policy import Policies
from app.api.identity import auth, me
from app.api.models import models
from app.api.node_types import node_types
from app.api.runs.dead_letters import dead_letters
from app.api.runs.runs import runs
from app.api.runs.values import values
from app.api.templates import templates
from app.api.triggers import schedules
from app.api.workflows import workflows
from app.api.workspaces import projects, workspaces

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def build() -> FastAPI:
    """Build the API. Reflex mounts its own app behind it."""
    api = _Api(
        title="AgentLoom",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.set_up(api)
    for router in (
        auth, me, workspaces, projects, templates, node_types, workflows, steps, values, approvals, dead_letters,
        models, expressions, schedules, health, contract,
    ):  # fmt: skip
        api.include_router(router, prefix="/api")
    api.include_router(runs, prefix="/api/runs")
    api.include_router(
        runs,
        prefix="/api/executions",
        deprecated=True,
        generate_unique_id_function=lambda route: f"{route.name}_of_execution",
    )
    api.include_router(health, include_in_schema=False)
    _refuse_the_rest(api, tuple(iter_route_contexts(api.routes)))
    api.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES)
    api.add_middleware(Delivery)
    return api


class _Api(FastAPI):
    """The app, with its own OpenAPI description."""

    def openapi(self) -> dict[str, Any]:
        """Describe the API; built once."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(self)
        return self.openapi_schema


def front(app: ASGIApp, policies: Policies | None = None) -> ASGIApp:
    """Put in front of a whole web app what comes before everything, also before what Reflex mounts."""
    return RequestMiddleware(FastPath(app), policies)


def _refuse_the_rest(api: FastAPI, known: Sequence[RouteContext]) -> None:
    """Answer unknown addresses under `/api`, and methods that no route accepts, here: the web app behind would show a
    page.
    """

    async def refuse(request: Request) -> Response:
        allowed = _methods_at(request.url.path, known)
        if not allowed:
            return problems.problem(404, "not_found", "There is nothing at this address.")
        more = ["HEAD", "OPTIONS"] if "GET" in allowed else ["OPTIONS"]
        headers = {"Allow": ", ".join([*allowed, *more])}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        detail = "This address does not take that method."
        return problems.problem(405, "method_not_allowed", detail, headers=headers)

    for path in ("/api", "/api/{path:path}", *HEALTH):
        api.router.routes.append(Route(path, _Any(refuse), include_in_schema=False))


class _Any:
    """An endpoint for every method, whatever its name."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)


def _methods_at(path: str, known: Sequence[RouteContext]) -> list[str]:
    """The methods an address accepts; `/schedules/preview` is not a schedule with that id."""
    here = [route for route in known if route.path_regex.match(path)]
    fewest = min((len(route.param_convertors) for route in here), default=0)
    found = {
        method
        for route in here
        if len(route.param_convertors) == fewest
        for method in route.methods or ()
    }
    return [method for method in _METHODS if method in found]
