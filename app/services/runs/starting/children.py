"""Runs that steps of other runs start and wait for."""

from sqlmodel import col

from app.adapters.sql.blobs import put_blobs
from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.values import pack
from app.engine.events import TERMINAL_RUN
from app.engine.host import ChildRequest
from app.engine.runtime.inputs import check_input
from app.kernel.clock import now
from app.kernel.errors import NotFound
from app.models import Run, Workspace
from app.services.access import on_behalf_of, scoped, system
from app.services.app_context import AppContext
from app.services.runs.lifecycle.claimed_run import locked_run, queue_after_commit
from app.services.runs.starting.limits import placing
from app.services.versions.versions import (
    locked_workflow,
    locked_workspace,
    plan_to_execute,
    version_of,
)


async def start_child(app: AppContext, child: ChildRequest) -> None:
    """Store the run that a step calls, and queue it; one that is there already stays as it is.

    It runs the other workflow as it is now, as the person who started the run that calls.

    Raises:
        NotFound: There is no such workflow in the workspace.
        GraphInvalid, NeedsMigration: It cannot run.
        InvalidInput: Not with this input.
    """
    async with app.database.work() as uow:
        workspace = await locked_workspace(uow, child.workspace_id)
        stored = scoped(Run, system(child.workspace_id)).where(col(Run.id) == child.run_id)
        if await uow.session.scalar(stored.with_only_columns(col(Run.id))) is None:
            await _store(uow, child, workspace)


async def _store(uow: UnitOfWork, child: ChildRequest, workspace: Workspace) -> None:
    parent = await locked_run(uow, system(child.workspace_id), child.parent_run_id)
    if parent.status in TERMINAL_RUN:
        return  # whoever asks does not hold the run any more, and is about to hear of it
    actor = on_behalf_of(parent.started_by, child.workspace_id)
    try:
        workflow = await locked_workflow(uow, actor, child.workflow_id)
    except NotFound as error:
        raise NotFound(f"There is no workflow '{child.workflow_id}' to call.") from error
    version = await version_of(uow, actor, workflow)
    check_input(plan_to_execute(version.graph).input_schema, child.input)
    workspace.run_count += 1
    stored, blobs = pack(child.input, child.run_id, child.workspace_id)
    place = placing(workflow.run_settings, child.input)
    run = Run(
        **{
            **place,
            "id": child.run_id,
            "workspace_id": child.workspace_id,
            "workflow_id": workflow.id,
            "version_id": version.id,
            "number": workspace.run_count,
            "trigger": "workflow",
            "started_by": parent.started_by,
            "input": stored,
            "queued_at": now(),
            "priority": min(parent.priority, place["priority"]),
            "parent_run_id": child.parent_run_id,
            "parent_path": child.parent_path,
            "depth": child.depth,
        }
    )
    uow.session.add(run)
    await uow.session.flush()  # the run's row first: its blobs point to it
    await put_blobs(uow.session, blobs)
    queue_after_commit(uow, run)
