"""The REST API: every endpoint under `/api`, health also beside it."""

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp

from app.api import problems
from app.api.approvals import approvals
from app.api.auth import auth, me
from app.api.dead_letters import dead_letters
from app.api.edge import MAX_BODY_BYTES, Edge
from app.api.expressions import expressions
from app.api.health import health
from app.api.lane import Lane
from app.api.models import models
from app.api.node_types import node_types
from app.api.policy import Policies
from app.api.runs import runs
from app.api.schedules import schedules
from app.api.steps import steps
from app.api.templates import templates
from app.api.values import values
from app.api.workflows import workflows
from app.api.workspaces import projects, workspaces

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def build() -> FastAPI:
    """Build the API. Reflex mounts its own app behind it."""
    api = FastAPI(
        title="AgentLoom",
        description="Compose, run and watch workflows. Same rules and data as the web app.",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.set_up(api)
    for router in (
        auth, me, workspaces, projects, templates, node_types, workflows, steps, values, approvals, dead_letters,
        models, expressions, schedules, health,
    ):  # fmt: skip
        api.include_router(router, prefix="/api")
    api.include_router(runs, prefix="/api/runs")
    api.include_router(runs, prefix="/api/executions")
    api.include_router(health, include_in_schema=False)
    _refuse_the_rest(api, tuple(api.routes))
    api.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES)
    return api


def front(app: ASGIApp, policies: Policies | None = None) -> ASGIApp:
    """Put before a whole web app what stands before everything, also before what Reflex mounts."""
    return Edge(Lane(app), policies)


def _refuse_the_rest(api: FastAPI, known: Sequence[BaseRoute]) -> None:
    """Answer unknown addresses under `/api` here: the web app behind would show a page."""

    async def refuse(request: Request) -> JSONResponse:
        allowed = [method for method in _METHODS if _is_known(request, method, known)]
        if allowed:
            detail = "This address does not take that method."
            headers = {"Allow": ", ".join(allowed)}
            return problems.problem(405, "method_not_allowed", detail, headers=headers)
        return problems.problem(404, "not_found", "There is nothing at this address.")

    for path in ("/api", "/api/{path:path}"):
        api.add_route(path, refuse, methods=list(_METHODS), include_in_schema=False)


def _is_known(request: Request, method: str, known: Sequence[BaseRoute]) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in known)
