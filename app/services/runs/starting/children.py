"""Runs that steps of other runs start and wait for."""

from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.events import TERMINAL_RUN
from app.engine.host import ChildRequest
from app.kernel.errors import NotFound
from app.models import Run
from app.services.access import on_behalf_of, scoped, system
from app.services.app_context import AppContext
from app.services.runs.lifecycle import locked_run, queue_after_commit
from app.services.runs.starting.create import NewRun, create_run
from app.services.runs.starting.limits import PlacementRequest
from app.services.versions import locked_workflow, locked_workspace, plan_to_execute, version_of


async def start_child(app: AppContext, child: ChildRequest) -> None:
    """Store the run that a step calls, and queue it; one that already exists stays as it is.

    It runs the other workflow's current draft, on behalf of the person who started the calling run.

    Raises:
        NotFound: There is no such workflow in the workspace.
        GraphInvalid, NeedsMigration: It cannot run.
        InvalidInput: It cannot run with this input.
    """
    async with app.database.work() as uow:
        await locked_workspace(uow, child.workspace_id)
        stored = scoped(Run, system(child.workspace_id)).where(col(Run.id) == child.run_id)
        if await uow.session.scalar(stored.with_only_columns(col(Run.id))) is None:
            await _create(uow, child)


async def _create(uow: UnitOfWork, child: ChildRequest) -> None:
    parent = await locked_run(uow, system(child.workspace_id), child.parent_run_id)
    if parent.status in TERMINAL_RUN:
        return  # the caller no longer holds the run, and is about to learn of it
    actor = on_behalf_of(parent.started_by, child.workspace_id)
    try:
        workflow = await locked_workflow(uow, actor, child.workflow_id)
    except NotFound as error:
        raise NotFound(f"There is no workflow '{child.workflow_id}' to call.") from error
    version = await version_of(uow, actor, workflow)
    new = NewRun(
        id=child.run_id,
        workspace_id=child.workspace_id,
        workflow_id=workflow.id,
        version_id=version.id,
        plan=plan_to_execute(version.graph),
        trigger="workflow",
        started_by=parent.started_by,
        input=child.input,
        placement=PlacementRequest(workflow.run_settings, no_later_than=parent.priority),
        called_by=child,
    )
    queue_after_commit(uow, await create_run(uow, new))
