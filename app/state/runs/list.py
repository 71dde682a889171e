"""The list of runs: filters, search, pages, live."""

from dataclasses import dataclass

import reflex as rx

from app.adapters.sql.database import UnitOfWork
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.runs.lifecycle import cancel_run, with_second_look
from app.services.runs.reading import RunView, list_runs
from app.services.workflows.queries import name_workflows
from app.state.formatting import NONE, count, iso, money, some
from app.state.identity import actor
from app.state.paging import PagedState
from app.state.socket.said import Said, Saying

PAGE = 30
_WORKFLOW_CHOICES = 100
_UNDER_WAY = frozenset({"pending", "running", "waiting", "paused"})


@dataclass(frozen=True)
class RunRow:
    """A line of the list."""

    id: str
    number: str
    workflow: str
    workflow_id: str
    version: str
    trigger: str
    status: str
    error: str
    warnings: str
    tokens: str
    cost: str
    queued_at: str
    started_at: str
    finished_at: str
    live: bool
    under_way: bool


def run_row(view: RunView) -> RunRow:
    """Turn a run into its line."""
    return RunRow(
        id=view.id,
        number=f"#{view.number}",
        workflow=view.workflow_name,
        workflow_id=view.workflow_id,
        version=f"v{view.version}",
        trigger=view.trigger,
        status=view.status,
        error=str((view.error or {}).get("message", "")),
        warnings=some(view.warning_count, "warning") if view.warning_count else "",
        tokens=count(view.tokens) if view.tokens else NONE,
        cost=money(view.cost_usd),
        queued_at=iso(view.queued_at),
        started_at=iso(view.started_at),
        finished_at=iso(view.finished_at),
        live=view.status == "running",
        under_way=view.status in _UNDER_WAY,
    )


class RunListState(PagedState, rx.State):
    """What the list shows."""

    status: str = "all"
    workflow: str = "all"
    workflows: list[tuple[str, str]] = []
    rows: list[RunRow] = []

    async def _read(self, uow: UnitOfWork, acting: Actor, cursor: str | None) -> str | None:
        page = await list_runs(
            uow, acting, cursor=cursor, limit=PAGE,
            search=self.search or None,
            status=None if self.status == "all" else self.status,
            workflow_id=None if self.workflow == "all" else self.workflow,
        )  # fmt: skip
        known = await name_workflows(uow, acting, _WORKFLOW_CHOICES)
        self.workflows = [("all", "All workflows"), *known]
        self.rows = [run_row(one) for one in page.items]
        return page.next_cursor

    @rx.event
    async def choose_status(self, status: str) -> Said:
        """Show runs of one status, or all."""
        self.status = status
        return self._from_the_start()

    @rx.event
    async def choose_workflow(self, workflow_id: str) -> Said:
        """Show runs of one workflow, or all."""
        self.workflow = workflow_id
        return self._from_the_start()

    @rx.event
    async def forget_filters(self) -> Said:
        """Show everything again."""
        self.search, self.status, self.workflow = "", "all", "all"
        return self._from_the_start()

    @rx.event
    async def cancel(self, run_id: str) -> Saying:
        """Cancel a run that is under way."""
        acting = await actor(self)
        run = await with_second_look(current_app().database, cancel_run, acting, run_id)
        yield rx.toast.info(f"Run #{run.number} is being canceled.")
        yield RunListState.load
