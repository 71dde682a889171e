"""Schedules: the list, its switch, the form's dialog, history, delete with a way back."""

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs

import reflex as rx

from app.adapters.sql.database import UnitOfWork
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.triggers.commands import (
    ScheduleChange,
    change_schedule,
    delete_schedule,
    restore_schedule,
    run_schedule_now,
)
from app.services.triggers.queries import list_fires, list_schedules
from app.services.triggers.views import FireView, ScheduleSummary
from app.state.formatting import iso
from app.state.identity import actor
from app.state.paging import PagedState, deleted
from app.state.socket.said import Said, Saying

PAGE = 50
HISTORY = 50
_LOOK_S = 10.0
_PLAIN_ADDRESS = rx.call_script("history.replaceState(history.state, '', '/schedules')")


@dataclass(frozen=True)
class FireRow:
    """What became of a time: `status` is the run's while there is one."""

    at: str
    status: str
    message: str
    run: str
    run_id: str


@dataclass(frozen=True)
class ScheduleRow:
    """A line of the list."""

    id: str
    name: str
    workflow: str
    workflow_id: str
    workflow_deleted: bool
    words: str
    zone: str
    zone_known: bool
    enabled: bool
    next_at: str
    last: FireRow
    has_last: bool


def fire_row(view: FireView | None) -> FireRow:
    """Turn a time into its line; an empty one when there was none."""
    if view is None:
        return FireRow("", "", "", "", "")
    status = view.run_status or ("pending" if view.status == "fired" else view.status)
    return FireRow(
        at=iso(view.fire_at),
        status=status,
        message=view.message or "",
        run=f"Run #{view.run_number}" if view.run_number else "",
        run_id=view.run_id or "",
    )


def schedule_row(view: ScheduleSummary) -> ScheduleRow:
    """Turn a schedule into its line."""
    return ScheduleRow(
        id=view.id,
        name=view.name,
        workflow=view.workflow_name,
        workflow_id=view.workflow_id,
        workflow_deleted=view.workflow_deleted,
        words=view.words,
        zone=view.timezone,
        zone_known=view.zone_known,
        enabled=view.enabled,
        next_at=iso(view.next_at),
        last=fire_row(view.last_fire),
        has_last=view.last_fire is not None,
    )


class SchedulesState(PagedState, rx.State):
    """What the page shows. The form reads and writes over REST; here is which one is open."""

    rows: list[ScheduleRow] = []
    form_open: bool = False
    editing: str = ""
    workflow: str = ""
    deleting: str = ""
    deleting_name: str = ""
    history_of: str = ""
    history_name: str = ""
    history: list[FireRow] = []

    async def _read(self, uow: UnitOfWork, acting: Actor, cursor: str | None) -> str | None:
        page = await list_schedules(uow, acting, cursor=cursor, limit=PAGE, search=self.search)
        if self.history_of:
            found = await list_fires(uow, acting, self.history_of, limit=HISTORY)
            self.history = [fire_row(one) for one in found.items]
        self.rows = [schedule_row(one) for one in page.items]
        return page.next_cursor

    @rx.event
    async def arrive(self) -> None:
        """Begin anew; `?new=wfl_…` opens the form for that workflow."""
        await actor(self)
        self.editing = self.deleting = self.history_of = ""
        wanted = parse_qs(self.router.url.query, keep_blank_values=True).get("new")
        self.form_open, self.workflow = wanted is not None, (wanted or [""])[0]

    @rx.event(background=True)
    async def look_again(self) -> Saying:
        """Read again now and then: a time that was skipped or failed changes no run."""
        await actor(self)
        while True:
            await asyncio.sleep(_LOOK_S)
            yield SchedulesState.load

    @rx.event
    async def open_form(self, schedule_id: str = "") -> None:
        """Open the form: for this schedule, or for a new one."""
        self.editing, self.workflow, self.form_open = schedule_id, "", True

    @rx.event
    async def close_form(self, is_open: bool = False) -> Said:
        """Close the form; a later reload does not open it again."""
        self.form_open = is_open
        return _PLAIN_ADDRESS

    @rx.event
    async def saved(self, name: str) -> Saying:
        """Show what the form has stored."""
        await actor(self)
        said = f"“{name}” was {'changed' if self.editing else 'scheduled'}."
        self.form_open, self.editing, self.workflow = False, "", ""
        yield _PLAIN_ADDRESS
        yield rx.toast.success(said)
        yield SchedulesState.load

    @rx.event
    async def switch(self, schedule_id: str, on: bool) -> Said:
        """Switch a schedule on or off."""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            await change_schedule(uow, acting, schedule_id, ScheduleChange(enabled=on))
        return SchedulesState.load

    @rx.event
    async def run_now(self, schedule_id: str) -> Saying:
        """Start a run at once."""
        acting, app = await actor(self), current_app()
        async with app.database.work() as uow:
            run = await run_schedule_now(app, uow, acting, schedule_id)
        yield rx.toast.success(f"Run #{run.number} has started.")
        yield SchedulesState.load

    @rx.event
    async def open_history(self, schedule_id: str, name: str) -> Said:
        """Show what became of a schedule's times."""
        await actor(self)
        self.history_of, self.history_name, self.history = schedule_id, name, []
        return SchedulesState.load

    @rx.event
    async def close_history(self, is_open: bool = False) -> None:
        """Close the history."""
        if not is_open:
            self.history_of = ""

    @rx.event
    async def ask_delete(self, schedule_id: str, name: str) -> None:
        """Ask once more before a schedule is taken away."""
        self.deleting, self.deleting_name = schedule_id, name

    @rx.event
    async def stop_delete(self, is_open: bool = False) -> None:
        """Close that question."""
        if not is_open:
            self.deleting = ""

    @rx.event
    async def delete(self) -> Saying:
        """Take the schedule away that was asked about, and offer the way back."""
        # before anything is waited for: the question closes meanwhile, and forgets what it was about
        schedule_id, name, self.deleting = self.deleting, self.deleting_name, ""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            await delete_schedule(uow, acting, schedule_id)
        yield deleted(name, SchedulesState.restore(schedule_id))  # type: ignore[operator] # mypy takes a handler for its decorator
        yield SchedulesState.load

    @rx.event
    async def restore(self, schedule_id: str) -> Saying:
        """Bring a deleted schedule back."""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            schedule = await restore_schedule(uow, acting, schedule_id)
        yield rx.toast.success(f"“{schedule.name}” is back.")
        yield SchedulesState.load
