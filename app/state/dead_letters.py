"""The list of dead letters: search, pages, requeue, put away."""

from dataclasses import dataclass

import reflex as rx

from app.kernel.errors import AppError
from app.services.runs.dead_letters import DeadLetterView, discard, list_dead_letters, requeue
from app.services.runs.watch import changes
from app.services.runtime import runtime
from app.state.identity import actor
from app.state.words import iso

PAGE = 30


@dataclass(frozen=True)
class DeadRow:
    """A line of the list."""

    id: str
    number: str
    workflow: str
    crashes: str
    error: str
    dead_at: str


def dead_row(view: DeadLetterView) -> DeadRow:
    """Turn a dead letter into its line."""
    times = "time" if view.crashes == 1 else "times"
    return DeadRow(
        id=view.run.id,
        number=f"#{view.run.number}",
        workflow=view.run.workflow_name,
        crashes=f"{view.crashes} {times}",
        error=str((view.run.error or {}).get("message", "")),
        dead_at=iso(view.dead_at),
    )


class DeadLettersState(rx.State):
    """What the list shows, and which run is about to be requeued or put away."""

    search: str = ""
    rows: list[DeadRow] = []
    ready: bool = False
    error: str = ""
    has_next: bool = False
    has_previous: bool = False
    requeueing: str = ""
    discarding: str = ""
    chosen: str = ""
    _cursor: str = ""
    _next: str = ""
    _before: list[str] = []

    @rx.event
    async def load(self) -> None:
        """Read the page in sight."""
        acting = await actor(self)
        try:
            async with runtime().database.read() as uow:
                page = await list_dead_letters(
                    uow, acting, cursor=self._cursor or None, limit=PAGE, search=self.search or None
                )
        except AppError as error:
            self.error = error.message
            return
        self.rows = [dead_row(one) for one in page.items]
        self._next = page.next_cursor or ""
        self.has_next, self.has_previous = bool(self._next), bool(self._before)
        self.error, self.ready = "", True

    @rx.event(background=True)
    async def watch(self):  # noqa: ANN201 - an async generator of events
        """Read again whenever a run of the workspace changes, as long as the page is open."""
        async for _ in changes(runtime(), await actor(self)):
            yield DeadLettersState.load

    @rx.event
    async def look_for(self, text: str):  # noqa: ANN201 - an event
        """Search; starts again at the first page."""
        self.search, self._cursor, self._before = text, "", []
        return DeadLettersState.load

    @rx.event
    async def older(self):  # noqa: ANN201 - an event
        """Go to the next page."""
        self._before = [*self._before, self._cursor]
        self._cursor = self._next
        return DeadLettersState.load

    @rx.event
    async def newer(self):  # noqa: ANN201 - an event
        """Go back a page."""
        *self._before, self._cursor = self._before or [""]
        return DeadLettersState.load

    @rx.event
    async def ask_requeue(self, run_id: str, number: str) -> None:
        """Ask before a run is requeued."""
        self.requeueing, self.chosen = run_id, number

    @rx.event
    async def ask_discard(self, run_id: str, number: str) -> None:
        """Ask before a run is put away."""
        self.discarding, self.chosen = run_id, number

    @rx.event
    async def leave(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.requeueing = self.discarding = ""

    @rx.event
    async def requeue(self):  # noqa: ANN201 - events
        """Start a new run that goes on from there."""
        run_id, self.requeueing = self.requeueing, ""
        acting = await actor(self)
        async with runtime().database.work() as uow:
            made = await requeue(uow, acting, run_id)
        yield rx.toast.success(f"Run #{made.number} goes on from there.")
        yield DeadLettersState.load

    @rx.event
    async def discard(self):  # noqa: ANN201 - events
        """Put the run away."""
        run_id, self.discarding = self.discarding, ""
        acting = await actor(self)
        async with runtime().database.work() as uow:
            await discard(uow, acting, run_id)
        yield rx.toast.info(f"Run {self.chosen} was put away. It stays in the list of runs.")
        yield DeadLettersState.load
