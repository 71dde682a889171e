"""The gallery of ready workflows."""

from pydantic import Field

from app.api.bodies import Body, router
from app.api.deps import Id, Search, Signed
from app.services.page import Page
from app.services.runtime import runtime
from app.services.templates import commands, queries
from app.services.templates.views import TemplateSummary, TemplateView

templates = router("/templates", "templates")


class UseTemplate(Body):
    """Where the new workflow goes; without it, to the workspace you act in."""

    workspace_id: str | None = Field(None, max_length=100)


class UsedTemplate(Body):
    """The new workflow."""

    workflow_id: str


@templates.get("")
async def list_templates(
    who: Signed, search: Search = None, category: Search = None, keyless: bool = False
) -> Page[TemplateSummary]:
    """All templates; `keyless` keeps those that work without any key."""
    async with runtime().database.read() as uow:
        found = await queries.list_templates(uow, search=search, category=category, keyless=keyless)
    return Page(items=found)


@templates.get("/{template_id}")
async def get_template(template_id: Id, who: Signed) -> TemplateView:
    """A template with its graph and example input."""
    async with runtime().database.read() as uow:
        return await queries.get_template(uow, template_id)


@templates.post("/{template_id}/use", status_code=201)
async def use_template(
    template_id: Id, who: Signed, body: UseTemplate | None = None
) -> UsedTemplate:
    """Make a workflow of your own from a template."""
    async with runtime().database.work() as uow:
        made = await commands.use_template(
            uow, who, template_id, body.workspace_id if body else None
        )
    return UsedTemplate(workflow_id=made.id)
