"""Change workspaces and projects."""

from app.adapters.sql.database import UnitOfWork
from app.kernel.clock import now
from app.kernel.errors import InvalidInput
from app.kernel.ids import new_id
from app.models import Project
from app.services import audit
from app.services.access import Actor, Permission, require
from app.services.workspaces.views import ProjectView


async def create_project(uow: UnitOfWork, actor: Actor, name: str) -> ProjectView:
    """Add a project to the workspace.

    Raises:
        InvalidInput: The name is empty or longer than 200 characters.
    """
    require(actor, Permission.PROJECT_EDIT)
    clean = " ".join(name.split())
    if not 1 <= len(clean) <= 200:
        raise InvalidInput("Give the project a name of 1 to 200 characters.", field="name")
    project = Project(
        id=new_id("project"), workspace_id=actor.workspace_id, name=clean, created_at=now()
    )
    uow.session.add(project)
    await uow.session.flush()
    audit.record(uow, actor, "project.create", project.id)
    return ProjectView(id=project.id, name=project.name, created_at=project.created_at)
