"""The list of workflows: search, order, new, rename, delete with a way back."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import InvalidInput
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.templates.queries import list_templates
from app.services.workflows.commands import (
    create_workflow,
    delete_workflow,
    rename_workflow,
    restore_workflow,
)
from app.services.workflows.queries import Sorting, WorkflowSort, list_workflows
from app.services.workflows.views import WorkflowSummary
from app.state.formatting import iso
from app.state.identity import actor
from app.state.paging import PagedState, deleted
from app.state.socket.said import Said, Saying

PAGE = 100
NEW_NAME = "Untitled workflow"


@dataclass(frozen=True)
class WorkflowRow:
    """A line of the list. `template` is empty when it has the workflow's own name."""

    id: str
    name: str
    project: str
    status: str
    nodes: int
    template: str
    updated_at: str
    last_run: str
    last_run_at: str


def workflow_row(view: WorkflowSummary, titles: dict[str, str]) -> WorkflowRow:
    """Turn a workflow into its line; `titles` names templates by id."""
    title = titles.get(view.template_id or "", "")
    return WorkflowRow(
        id=view.id,
        name=view.name,
        project=view.project_name,
        status=view.status,
        nodes=view.node_count,
        template="" if title == view.name else title,
        updated_at=iso(view.updated_at),
        last_run=view.last_run_status or "",
        last_run_at=iso(view.last_run_at),
    )


class WorkflowsState(PagedState, rx.State):
    """What the list shows, in which order."""

    rows: list[WorkflowRow] = []
    sort_by: WorkflowSort = "updated_at"
    descending: bool = True
    creating: bool = False
    renaming: str = ""
    new_name: str = ""
    name_error: str = ""

    async def _read(self, uow: UnitOfWork, acting: Actor, cursor: str | None) -> str | None:
        page = await list_workflows(
            uow, acting, cursor=cursor, limit=PAGE, search=self.search,
            sorting=Sorting(self.sort_by, self.descending),
        )  # fmt: skip
        titles = {one.id: one.title for one in await list_templates(uow)}
        self.rows = [workflow_row(one, titles) for one in page.items]
        return page.next_cursor

    @rx.event
    async def sort(self, key: WorkflowSort) -> Said:
        """Order by a column, from the first page on; a second time the other way round."""
        self.descending = not self.descending if self.sort_by == key else key.endswith("_at")
        self.sort_by = key
        return self._from_the_start()

    @rx.event
    async def create(self) -> Saying:
        """Make a blank workflow and open it."""
        acting = await actor(self)
        self.creating = True
        yield
        try:
            async with current_app().database.work() as uow:
                workflow = await create_workflow(uow, acting, NEW_NAME)
        finally:
            self.creating = False
        yield rx.redirect(f"/workflows/{workflow.id}")

    @rx.event
    async def start_rename(self, workflow_id: str, name: str) -> None:
        """Ask for a new name."""
        self.renaming, self.new_name, self.name_error = workflow_id, name, ""

    @rx.event
    async def stop_rename(self, is_open: bool = False) -> None:
        """Close the question for a new name."""
        if not is_open:
            self.renaming = ""

    @rx.event
    async def rename(self, form: dict[str, Any]) -> Said:
        """Give the workflow the name that was entered; one that will not do stays to be mended."""
        acting = await actor(self)
        try:
            async with current_app().database.work() as uow:
                await rename_workflow(uow, acting, self.renaming, str(form.get("name", "")))
        except InvalidInput as error:
            self.name_error = error.message
            return None
        self.renaming = ""
        return WorkflowsState.load

    @rx.event
    async def delete(self, workflow_id: str, name: str) -> Saying:
        """Take a workflow away, and offer the way back."""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            await delete_workflow(uow, acting, workflow_id)
        yield deleted(name, WorkflowsState.restore(workflow_id))  # type: ignore[operator] # mypy takes a handler for its decorator
        yield WorkflowsState.load

    @rx.event
    async def restore(self, workflow_id: str) -> Saying:
        """Bring a deleted workflow back."""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            workflow = await restore_workflow(uow, acting, workflow_id)
        yield rx.toast.success(f"“{workflow.name}” is back.")
        yield WorkflowsState.load
