"""Read and check workflows."""

from sqlmodel import col

from app.adapters.database import UnitOfWork
from app.engine.graph.checks.models import ModelsHere
from app.engine.graph.document import parse_graph
from app.models import Project, Run, Workflow
from app.services.access import Actor, require, scoped
from app.services.page import Page, newest_first, write_cursor
from app.services.workflows.checks import compile_view
from app.services.workflows.rows import load_workflow, summary_view, workflow_view
from app.services.workflows.views import CompileView, WorkflowSummary, WorkflowView


async def list_workflows(
    uow: UnitOfWork,
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 50,
    search: str | None = None,
    project_id: str | None = None,
) -> Page[WorkflowSummary]:
    """List workflows, the last changed first. `search` looks in the names."""
    require(actor, "viewer")
    latest = (
        scoped(Run, actor)
        .where(col(Run.workflow_id) == col(Workflow.id))
        .order_by(col(Run.queued_at).desc(), col(Run.id).desc())
        .limit(1)
        .correlate(Workflow)
    )
    query = (
        scoped(Workflow, actor)
        .join(Project, col(Project.id) == col(Workflow.project_id))
        .where(col(Workflow.deleted_at).is_(None))
        .add_columns(
            col(Project.name),
            latest.with_only_columns(col(Run.status)).scalar_subquery(),
            latest.with_only_columns(col(Run.queued_at)).scalar_subquery(),
        )
    )
    if search and search.strip():
        query = query.where(col(Workflow.name).icontains(search.strip(), autoescape=True))
    if project_id:
        query = query.where(col(Workflow.project_id) == project_id)
    query = newest_first(query, col(Workflow.updated_at), col(Workflow.id), cursor, limit)
    rows = (await uow.session.execute(query)).all()
    items = tuple(
        summary_view(workflow, project, {"status": status, "at": at})
        for workflow, project, status, at in rows[:limit]
    )
    more = len(rows) > limit
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].updated_at.isoformat(), items[-1].id) if more else None,
    )


async def get_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> WorkflowView:
    """Return a workflow with its draft.

    Raises:
        NotFound: There is none, or it is another workspace's.
    """
    require(actor, "viewer")
    return workflow_view(*await load_workflow(uow, actor, workflow_id))


async def compile_workflow(
    uow: UnitOfWork, actor: Actor, workflow_id: str, models: ModelsHere | None = None
) -> CompileView:
    """Say whether the draft can run, and if not, what to mend; `models` are those known to be here.

    Raises:
        NotFound: There is none, or it is another workspace's.
    """
    require(actor, "viewer")
    workflow, _ = await load_workflow(uow, actor, workflow_id)
    return compile_view(parse_graph(workflow.graph), workflow.id, models)
