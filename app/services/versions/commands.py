"""Make versions from drafts, under the locks that keep two starts from making the same one."""

from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.clock import now
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from app.models import Workflow, WorkflowVersion, Workspace
from app.services.access import Actor, scoped
from app.services.versions.queries import hashed


async def locked_workspace(uow: UnitOfWork, workspace_id: str) -> Workspace:
    """Read a workspace and keep its counter of runs: starts come one after the other.

    Rows that point to it may be stored meanwhile. Else whoever stores steps of a run, and waits for the
    workspace, and whoever wants that run here, would wait for each other.
    """
    return await uow.session.get_one(
        Workspace, workspace_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def locked_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> Workflow:
    """Read a workflow, locked, so that two first runs of a graph do not both make its version.

    Raises:
        NotFound: There is none, or it was deleted.
    """
    query = scoped(Workflow, actor).where(
        col(Workflow.id) == workflow_id, col(Workflow.deleted_at).is_(None)
    )
    workflow = (await uow.session.execute(query.with_for_update())).scalar_one_or_none()
    if workflow is None:
        raise NotFound("There is no such workflow.")
    return workflow


async def version_of(uow: UnitOfWork, actor: Actor, workflow: Workflow) -> WorkflowVersion:
    """Return the version of a workflow's draft as it is now, made when there is none. The workflow is locked."""
    query = scoped(WorkflowVersion, actor).where(col(WorkflowVersion.workflow_id) == workflow.id)
    latest = (
        await uow.session.execute(query.order_by(col(WorkflowVersion.number).desc()).limit(1))
    ).scalar_one_or_none()
    digest = hashed(workflow.graph)[0]
    if latest is not None and latest.graph_hash == digest:
        return latest
    version = WorkflowVersion(
        id=new_id("version"),
        workspace_id=workflow.workspace_id,
        workflow_id=workflow.id,
        number=latest.number + 1 if latest else 1,
        graph=workflow.graph,
        graph_hash=digest,
        created_by=actor.user_id,
        created_at=now(),
    )
    uow.session.add(version)
    await uow.session.flush()
    return version
