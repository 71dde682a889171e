"""Make versions from drafts, under the locks that keep two starts from making the same one."""

from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.clock import now
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from app.models import MAIN, Draft, Workflow, WorkflowVersion, Workspace
from app.services.access import Actor, scoped
from app.services.versions.queries import hashed


async def locked_workspace(uow: UnitOfWork, workspace_id: str) -> Workspace:
    """Read a workspace and hold its run counter: starts are serialized.

    Rows that point to it may be stored meanwhile. Otherwise a transaction that stores steps of a run and waits for the
    workspace, and one here that wants that run, would deadlock.
    """
    return await uow.session.get_one(
        Workspace, workspace_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def locked_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> Workflow:
    """Read a workflow, locked: its drafts and versions stay as they are until the transaction ends.

    Two first runs of a graph would otherwise both make its version. A caller that also needs the workspace's counter
    locks that first.

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
    """Return the version of a workflow's current draft, made if there is none. The workflow is locked."""
    query = (
        scoped(Draft, actor)
        .outerjoin(WorkflowVersion, col(WorkflowVersion.workflow_id) == col(Draft.workflow_id))
        .add_columns(WorkflowVersion)
        .where(col(Draft.workflow_id) == workflow.id, col(Draft.branch) == MAIN)
        .order_by(col(WorkflowVersion.number).desc())
        .limit(1)
    )
    draft: Draft
    latest: WorkflowVersion | None
    draft, latest = (await uow.session.execute(query)).one()
    digest = hashed(draft.graph)[0]
    if latest is not None and latest.graph_hash == digest:
        return latest
    version = WorkflowVersion(
        id=new_id("version"),
        workspace_id=workflow.workspace_id,
        workflow_id=workflow.id,
        number=latest.number + 1 if latest else 1,
        graph=draft.graph,
        graph_hash=digest,
        created_by=actor.user_id,
        created_at=now(),
    )
    uow.session.add(version)
    await uow.session.flush()
    return version
