"""Read about the signed-in person."""

from app.adapters.database import UnitOfWork
from app.models import User, Workspace
from app.services.access import Actor
from app.services.identity.views import MeView


async def me(uow: UnitOfWork, actor: Actor) -> MeView:
    """Return the signed-in person and the workspace they act in."""
    user = await uow.session.get_one(User, actor.user_id)
    workspace = await uow.session.get_one(Workspace, actor.workspace_id)
    return MeView(
        id=user.id,
        name=user.name,
        email=user.email,
        created_at=user.created_at,
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        role=actor.role,
    )
