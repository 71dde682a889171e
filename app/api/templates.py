"""The gallery of ready workflows."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.delivery import KNOWN, unless_known
from app.api.http.deps import Id, Search, Signed
from app.services.app_context import current_app
from app.services.page import Page
from app.services.templates import commands, queries
from app.services.templates.views import TemplateSummary, TemplateView

templates = router("/templates", "templates")


class UseTemplate(Body):
    """Where the new workflow goes; without it, to the workspace you act in."""

    workspace_id: str | None = Field(
        None, max_length=100, description="Another workspace of yours."
    )


class UsedTemplate(Body):
    """The new workflow."""

    workflow_id: str


@templates.get("", response_model=Page[TemplateSummary], responses={304: KNOWN})
async def list_templates(
    who: Signed,
    request: Request,
    search: Search = None,
    category: Annotated[
        str | None, Query(max_length=200, description="Only this category.")
    ] = None,
    keyless: Annotated[bool, Query(description="Only those that work without any key.")] = False,
) -> Response:
    """All templates; `keyless` keeps those that work without any key."""
    async with current_app().database.read() as uow:
        found = await queries.list_templates(uow, search=search, category=category, keyless=keyless)
    return unless_known(request, Page[TemplateSummary](items=found).model_dump_json().encode())


@templates.get("/{template_id}", response_model=TemplateView, responses={304: KNOWN})
async def get_template(template_id: Id, who: Signed, request: Request) -> Response:
    """A template with its graph and example input."""
    async with current_app().database.read() as uow:
        found = await queries.get_template(uow, template_id)
    return unless_known(request, found.model_dump_json().encode())


@templates.post("/{template_id}/use", status_code=201)
async def use_template(
    template_id: Id, who: Signed, body: UseTemplate | None = None
) -> UsedTemplate:
    """Create your own workflow from a template."""
    async with current_app().database.work() as uow:
        made = await commands.use_template(
            uow, who, template_id, body.workspace_id if body else None
        )
    return UsedTemplate(workflow_id=made.id)
