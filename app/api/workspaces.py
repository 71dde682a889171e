"""Workspaces and projects."""

from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.deps import Signed
from app.services.app_context import current_app
from app.services.page import Page
from app.services.workspaces import commands, queries
from app.services.workspaces.views import ProjectView, WorkspaceView

workspaces = router("/workspaces", "workspaces")
projects = router("/projects", "workspaces")


class NewProject(Body):
    """A project to create."""

    name: str = Field(max_length=1_000, description="What people call it.", examples=["Mail"])


@workspaces.get("")
async def list_workspaces(who: Signed) -> Page[WorkspaceView]:
    """The workspaces you belong to."""
    async with current_app().database.read() as uow:
        return Page(items=await queries.list_workspaces(uow, who))


@projects.get("")
async def list_projects(who: Signed) -> Page[ProjectView]:
    """The projects of the workspace."""
    async with current_app().database.read() as uow:
        return Page(items=await queries.list_projects(uow, who))


@projects.post("", status_code=201)
async def create_project(body: NewProject, who: Signed) -> ProjectView:
    """Add a project."""
    async with current_app().database.work() as uow:
        return await commands.create_project(uow, who, body.name)
