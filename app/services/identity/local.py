"""Who acts on the command line: whoever may read the data directory owns the installation."""

import secrets

from sqlalchemy import select, union
from sqlmodel import col

from app.adapters.database import UnitOfWork
from app.models import Member, Run, User, Workflow
from app.services.access import Actor
from app.services.identity.commands import register
from app.services.identity.queries import COMMAND_LINE
from app.services.identity.views import RegisterRequest


async def local_actor(uow: UnitOfWork, named: str = "") -> Actor:
    """Return the first owner, of the workflow or run if one is named, else of the installation.

    A fresh installation gets an owner who cannot sign in.
    """
    home = union(
        select(col(Workflow.workspace_id)).where(col(Workflow.id) == named),
        select(col(Run.workspace_id)).where(col(Run.id) == named),
    )
    workspace_id = (await uow.session.execute(home)).scalar_one_or_none()
    query = (
        select(Member, User)
        .join(User, col(User.id) == col(Member.user_id))
        .where(col(Member.role) == "owner")
        .order_by(col(Member.created_at))
        .limit(1)
    )
    if workspace_id is not None:
        query = query.where(col(Member.workspace_id) == workspace_id)
    found = (await uow.session.execute(query)).first()
    if found is not None:
        member, user = found
        return Actor(user.id, member.workspace_id, "owner", user.name)
    request = RegisterRequest(
        name="Command line", email=COMMAND_LINE, password=secrets.token_urlsafe(24)
    )
    made = await register(uow, request, "127.0.0.1")
    return Actor(made.user.id, made.workspace_id, "owner", made.user.name)
