"""Use a template."""

from sqlalchemy import update
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.models import Template
from app.services import audit
from app.services.access import Actor
from app.services.identity.commands import actor_in
from app.services.templates.queries import load_template
from app.services.workflows.commands import create_workflow
from app.services.workflows.views import WorkflowView


async def use_template(
    uow: UnitOfWork, actor: Actor, template_id: str, workspace_id: str | None = None
) -> WorkflowView:
    """Create one's own workflow from a template, with its example input.

    Raises:
        NotFound: There is no such template, or no such workspace of the actor.
        Denied: The actor has read access only.
    """
    actor = await actor_in(uow, actor, workspace_id)
    template = await load_template(uow, template_id)
    workflow = await create_workflow(
        uow,
        actor,
        template.title,
        template.graph,
        template_id=template.id,
        example_input=template.example_input,
    )
    await uow.session.execute(
        update(Template)
        .where(col(Template.id) == template_id)
        .values(uses=col(Template.uses) + 1)
        .execution_options(synchronize_session=False)
    )
    audit.record(uow, actor, "template.use", template_id, workflow_id=workflow.id)
    return workflow
