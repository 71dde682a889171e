"""Read about the signed-in person."""

from sqlalchemy import select
from sqlmodel import col

from app.adapters.database import UnitOfWork
from app.kernel.clock import now
from app.models import Session, User, Workspace
from app.services.access import Actor
from app.services.identity.views import MeView

COMMAND_LINE = "local@agentloom.invalid"
"""The owner of what the command line makes where nobody has signed up."""


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


async def has_people(uow: UnitOfWork) -> bool:
    """Say whether anybody has an account here who can sign in; the command line's cannot."""
    query = select(col(User.id)).where(col(User.email) != COMMAND_LINE).limit(1)
    return await uow.session.scalar(query) is not None


async def session_user(uow: UnitOfWork, session_id: str, user_id: str) -> User | None:
    """Return the person of a session that is neither revoked nor over; None otherwise."""
    user: User | None = await uow.session.scalar(
        select(User)
        .join(Session, col(Session.user_id) == User.id)
        .where(
            col(Session.id) == session_id,
            col(User.id) == user_id,
            col(Session.revoked_at).is_(None),
            col(Session.expires_at) > now(),
            col(User.disabled_at).is_(None),
        )
    )
    return user


async def session_is_alive(uow: UnitOfWork, actor: Actor) -> bool:
    """Say whether an actor who was signed in a while ago still is."""
    return await session_user(uow, actor.session_id, actor.user_id) is not None
