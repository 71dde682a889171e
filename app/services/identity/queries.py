"""Read about the signed-in person."""

from typing import cast

from sqlalchemy import bindparam, literal_column, select
from sqlmodel import col

from app.adapters.sql.database import Database, UnitOfWork
from app.adapters.sql.statements import once
from app.kernel.clock import now
from app.models import Member, Session, User, Workspace
from app.models.types import UtcDateTime
from app.services.access import Actor, Role, person
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
        is_installation_admin=user.is_installation_admin,
    )


async def has_people(uow: UnitOfWork) -> bool:
    """Say whether anybody who can sign in has an account here; the command line's user cannot."""
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


_MEMBER = (
    select(
        col(User.name),
        col(Member.workspace_id),
        col(Member.role),
        col(User.is_installation_admin),
    )
    .join(Session, col(Session.user_id) == col(User.id))
    .join(Member, col(Member.user_id) == col(User.id))
    .where(
        col(Session.id) == bindparam("session_id"),
        col(User.id) == bindparam("user_id"),
        col(Session.revoked_at).is_(None),
        col(Session.expires_at) > bindparam("at", type_=UtcDateTime()),
        col(User.disabled_at).is_(None),
    )
    .order_by(col(Member.created_at), col(Member.id))
    .limit(literal_column("1"))
)
_FIRST = once(_MEMBER)
_NAMED = once(_MEMBER.where(col(Member.workspace_id) == bindparam("workspace_id")))


async def actor_of(
    database: Database, user_id: str, session_id: str, workspace_id: str | None
) -> Actor | None:
    """Find the person of a live session in the workspace they name, or in their first one; None if there is no such
    session or membership. Looked up for each request: a sign-out takes effect at once.
    """
    asked = {
        "user_id": user_id,
        "session_id": session_id,
        "at": now(),
        "workspace_id": workspace_id,
    }
    row = await database.look(_FIRST if workspace_id is None else _NAMED, asked)
    if row is None:
        return None
    return person(
        user_id,
        row[1],
        cast(Role, row[2]),
        row[0],
        session_id=session_id,
        is_installation_admin=bool(row[3]),
    )
