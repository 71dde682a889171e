"""Rate limits on costly operations per person, address and workspace; generous, against runaway programs.

Counted in this process, without asking anything else, so that starting a run stays as fast as it is.
"""

import math
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from fastapi import Request
from starlette.types import Scope

from app.api.http.client import client_address
from app.api.http.deps import Signed
from app.kernel.errors import RateLimited
from app.kernel.settings import Settings, settings
from app.services.access import Actor
from app.services.throttle import Budgets, Places, Rate, address_of

_SHARED = 3
"""What several people have in common, a workspace or an address, may do so many times as much as one of them."""


@dataclass(frozen=True)
class Doing:
    """An operation that is counted."""

    name: str
    per_minute: Callable[[Settings], int]


RUNS = Doing("runs", lambda given: given.runs_per_minute)
CHECKS = Doing("checks", lambda given: given.checks_per_minute)
PREVIEWS = Doing("previews", lambda given: given.previews_per_minute)

_budgets = Budgets()
_places = Places()


def spend(doing: Doing, who: Actor, scope: Scope) -> None:
    """Count one operation.

    Raises:
        RateLimited: The person, or their workspace or address, did it too often in the last minute.
    """
    count = doing.per_minute(settings())
    if not count:
        return
    for key, most in _keys(who, scope, count):
        rate = Rate(most, most / 60)
        if left_s := _budgets.spend(f"{doing.name} {key}", rate):
            seconds = math.ceil(left_s)
            raise RateLimited(
                f"Too many {doing.name} for now. Try again in {seconds} s.", retry_after_s=seconds
            )


def limited(doing: Doing) -> Callable[[Request, Actor], Coroutine[None, None, None]]:
    """The dependency of a route that is counted."""

    async def counted(request: Request, who: Signed) -> None:
        spend(doing, who, request.scope)

    return counted


def place(who: Actor, scope: Scope) -> AbstractContextManager[None]:
    """Hold a slot for a long-lived response.

    Raises:
        RateLimited: The person, or their workspace or address, has too many.
    """
    count = settings().streams or math.inf
    message = "Too many streams and downloads are open at once. Close some and try again."
    return _places.hold(_keys(who, scope, count), message)


def _keys(who: Actor, scope: Scope, count: float) -> Iterator[tuple[str, float]]:
    yield f"person {who.user_id}", count
    yield f"workspace {who.workspace_id}", count * _SHARED
    yield f"address {address_of(client_address(scope))}", count * _SHARED
