"""What every list has that is searched and read page by page, and follows the runs of the workspace."""

import reflex as rx
from reflex.event import EventSpec

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import AppError
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.runs.reading import changes
from app.state.identity import actor
from app.state.socket.lanes import reading
from app.state.socket.said import Said, Saying

_UNDO_MS = 12_000


def deleted(name: str, restore: EventSpec) -> EventSpec:
    """Say that something was deleted, and offer the way back."""
    undo = {"label": "Undo", "on_click": restore}
    said: EventSpec = rx.toast.success(
        f"Deleted “{name}”. Its runs stay readable.", action=undo, duration=_UNDO_MS
    )
    return said


class PagedState(rx.State, mixin=True):
    """Mixin of a list: each state that takes it has these vars and handlers as its own."""

    search: str = ""
    ready: bool = False
    error: str = ""
    has_next: bool = False
    has_previous: bool = False
    page_number: int = 1
    _cursor: str = ""
    _next: str = ""
    _before: list[str] = []

    async def _read(self, uow: UnitOfWork, acting: Actor, cursor: str | None) -> str | None:
        """Read and show the page that begins at the cursor; return the cursor of the next one."""
        raise NotImplementedError

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the page in sight."""
        acting = await actor(self)
        try:
            async with current_app().database.read() as uow:
                self._next = await self._read(uow, acting, self._cursor or None) or ""
        except AppError as error:
            self.error = error.message
            return
        self.has_next, self.has_previous = bool(self._next), bool(self._before)
        self.page_number, self.error, self.ready = len(self._before) + 1, "", True

    @rx.event(background=True)
    async def watch(self) -> Saying:
        """Read again whenever a run of the workspace changes, as long as the page is open."""
        async for _ in changes(current_app(), await actor(self)):
            yield self.__class__.load

    @rx.event
    async def look_for(self, text: str) -> Said:
        """Search; starts again at the first page."""
        self.search = text
        return self._from_the_start()

    @rx.event
    async def older(self) -> Said:
        """Go to the next page."""
        self._before = [*self._before, self._cursor]
        self._cursor = self._next
        return self.__class__.load

    @rx.event
    async def newer(self) -> Said:
        """Go back a page."""
        *self._before, self._cursor = self._before or [""]
        return self.__class__.load

    def _from_the_start(self) -> Said:
        self._cursor, self._before = "", []
        return self.__class__.load
