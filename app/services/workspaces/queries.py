"""Read workspaces and projects."""

from sqlalchemy import select
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.models import Member, Project, Workspace
from app.services.access import Actor, Permission, require, scoped
from app.services.workspaces.views import ProjectView, WorkspaceView


async def list_workspaces(uow: UnitOfWork, actor: Actor) -> tuple[WorkspaceView, ...]:
    """List the workspaces a person belongs to, in the order they joined."""
    rows = await uow.session.execute(
        select(Workspace, Member)
        .join(Member, col(Member.workspace_id) == Workspace.id)
        .where(col(Member.user_id) == actor.user_id)
        .order_by(col(Member.created_at), col(Member.id))
    )
    return tuple(
        WorkspaceView(
            id=workspace.id,
            name=workspace.name,
            role=member.role,
            created_at=workspace.created_at,
        )
        for workspace, member in rows
    )


async def list_projects(uow: UnitOfWork, actor: Actor) -> tuple[ProjectView, ...]:
    """List the projects of the workspace, oldest first."""
    require(actor, Permission.WORKSPACE_READ)
    rows = await uow.session.scalars(
        scoped(Project, actor).order_by(col(Project.created_at), col(Project.id))
    )
    return tuple(
        ProjectView(id=project.id, name=project.name, created_at=project.created_at)
        for project in rows
    )
