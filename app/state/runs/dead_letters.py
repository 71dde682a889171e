"""The list of dead letters: search, pages, requeue, put away."""

from dataclasses import dataclass

import reflex as rx

from app.adapters.sql.database import UnitOfWork
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.runs.recovery import (
    DeadLetterView,
    discard,
    list_dead_letters,
    requeue,
)
from app.state.formatting import iso
from app.state.identity import actor
from app.state.paging import PagedState
from app.state.socket.said import Saying

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


class DeadLettersState(PagedState, rx.State):
    """What the list shows, and which run is about to be requeued or put away."""

    rows: list[DeadRow] = []
    requeueing: str = ""
    discarding: str = ""
    chosen: str = ""

    async def _read(self, uow: UnitOfWork, acting: Actor, cursor: str | None) -> str | None:
        page = await list_dead_letters(
            uow, acting, cursor=cursor, limit=PAGE, search=self.search or None
        )
        self.rows = [dead_row(one) for one in page.items]
        return page.next_cursor

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
    async def requeue(self) -> Saying:
        """Start a new run that goes on from there."""
        run_id, self.requeueing = self.requeueing, ""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            made = await requeue(uow, acting, run_id)
        yield rx.toast.success(f"Run #{made.number} goes on from there.")
        yield DeadLettersState.load

    @rx.event
    async def discard(self) -> Saying:
        """Put the run away."""
        run_id, self.discarding = self.discarding, ""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            await discard(uow, acting, run_id)
        yield rx.toast.info(f"Run {self.chosen} was put away. It stays in the list of runs.")
        yield DeadLettersState.load
