"""Load workflows of a workspace, and turn rows into views."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.catalog import catalog
from app.engine.graph.upgrades import upgraded
from app.kernel.errors import NotFound
from app.models import MAIN, Draft, Project, Workflow
from app.services.access import Actor, scoped
from app.services.workflows.views import WorkflowSummary, WorkflowView


async def load_workflow(
    uow: UnitOfWork, actor: Actor, workflow_id: str, *, deleted: bool = False, lock: bool = False
) -> tuple[Workflow, Draft, str]:
    """Return a workflow of the actor's workspace with its draft and its project's name.

    Args:
        deleted: Look among the deleted ones instead.
        lock: Keep others from changing workflow and draft until the transaction ends (SQLite locks anyway). Both rows
            are locked, the workflow's first: PostgreSQL would otherwise return the draft as it was before it waited.

    Raises:
        NotFound: There is none, it is deleted, or it belongs to another workspace.
    """
    gone = col(Workflow.deleted_at)
    query = (
        scoped(Workflow, actor)
        .join(Draft, (col(Draft.workflow_id) == col(Workflow.id)) & (col(Draft.branch) == MAIN))
        .join(Project, col(Project.id) == col(Workflow.project_id))
        .add_columns(Draft, col(Project.name))
        .where(col(Workflow.id) == workflow_id, gone.is_not(None) if deleted else gone.is_(None))
    )
    if lock:
        query = query.with_for_update(of=(Workflow, Draft))
    found = (await uow.session.execute(query)).one_or_none()
    if found is None:
        raise NotFound("There is no such workflow.")
    workflow, draft, project_name = found
    return workflow, draft, project_name


def workflow_view(workflow: Workflow, draft: Draft, project_name: str) -> WorkflowView:
    """A workflow as callers see it."""
    return WorkflowView(
        id=workflow.id,
        name=workflow.name,
        project_id=workflow.project_id,
        project_name=project_name,
        status=workflow.status,
        revision=draft.revision,
        graph=upgraded(draft.graph, catalog()),
        template_id=workflow.template_id,
        example_input=workflow.example_input,
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
    )


def summary_view(line: Mapping[str, Any]) -> WorkflowSummary:
    """A line of a list as callers see it."""
    facts = {name: line[name] for name in WorkflowSummary.model_fields if name in line}
    return WorkflowSummary(**{**facts, "kinds": tuple(sorted(line["kinds"] or ()))})
