"""For load balancers and supervisors: is the process alive, and can it take work?"""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.services.app_context import current_app
from app.services.health import Readiness, readiness


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


health = APIRouter(tags=["health"])


@health.get("/healthz")
async def healthz() -> Alive:
    """The process answers; says nothing about database and Redis."""
    return Alive()


@health.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(response: Response) -> Readiness:
    """Database and Redis answer; 503 when one of them does not."""
    found = await readiness(current_app())
    if not found.ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return found
