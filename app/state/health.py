"""The health of the installation, for the settings page."""

from dataclasses import dataclass

import reflex as rx

from app.services.app_context import current_app
from app.services.health import Readiness, readiness
from app.state.socket.lanes import reading
from app.state.socket.said import Saying


@dataclass(frozen=True)
class Part:
    """How a part of the installation answered."""

    name: str
    well: bool
    message: str


def parts_of(found: Readiness) -> list[Part]:
    """Turn what was found into lines."""
    return [
        Part(name.replace("_", " "), check.ok, check.message)
        for name, check in found.checks.items()
    ]


class HealthState(rx.State):
    """What answers; the same as `/readyz` tells everybody, so nobody is looked up, least of all in a database
    that may be away.
    """

    looked: bool = False
    looking: bool = False
    well: bool = False
    parts: list[Part] = []

    @rx.event
    @reading
    async def look(self) -> Saying:
        """Ask every part."""
        self.looking = True
        yield
        try:
            found = await readiness(current_app())
            self.looked, self.well, self.parts = True, found.ready, parts_of(found)
        finally:
            self.looking = False
