"""The routes of the API: as they are in the code, and as they were reviewed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.api.http.deps import signed_in

TABLE = Path(__file__).with_name("routes.txt")
HANDLERS = Path(__file__).with_name("events.txt")


@dataclass(frozen=True, order=True)
class Reviewed:
    """A line of the table: who may use a route, at least."""

    path: str
    verb: str
    who: str


def reviewed() -> list[Reviewed]:
    """Read the table."""
    lines = [line.split() for line in TABLE.read_text().splitlines()]
    return [
        Reviewed(path, verb, who) for verb, path, who in (x for x in lines if x and x[0] != "#")
    ]


def reviewed_handlers() -> dict[str, str]:
    """Read the table of the pages' event handlers: who may call each, at least."""
    lines = [line.split() for line in HANDLERS.read_text().splitlines()]
    pairs = [tuple(line) for line in lines if line and line[0] != "#"]
    assert len(pairs) == len({name for name, _ in pairs}), "a handler is listed twice"
    return dict(pairs)


def found(app: FastAPI) -> Iterator[tuple[str, str, BaseRoute]]:
    """List verb, path and route of everything the app answers; a route for every method has the verb ANY."""
    for path, route in _walk(app.routes, ""):
        for verb in sorted(route.methods or ("ANY",)):
            yield verb, path.replace(":path}", "}"), route


def _walk(routes: Iterable[BaseRoute], prefix: str) -> Iterator[tuple[str, BaseRoute]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield prefix + route.path, route
        else:
            yield from _walk(inner.routes, prefix + route.include_context.prefix)


def needs_sign_in(route: BaseRoute) -> bool:
    """Whether FastAPI finds out who is asking before the endpoint runs."""
    return isinstance(route, APIRoute) and any(
        dependency.call is signed_in for dependency in route.dependant.dependencies
    )
