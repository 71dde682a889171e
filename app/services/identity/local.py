"""Who acts on the command line: whoever may read the data directory owns the installation."""

from dataclasses import replace

from sqlalchemy import select, union
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.models import Member, Run, User, Workflow
from app.services.access import Actor, person
from app.services.identity.queries import COMMAND_LINE
from app.services.identity.registration import make_account


async def local_actor(uow: UnitOfWork, named: str = "") -> Actor:
    """Return the first owner, of the workflow or run if one is named, else of the installation, as its
    administrator.

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
        actor = person(user.id, member.workspace_id, "owner", user.name)
    else:
        actor = await make_account(uow, "Command line", COMMAND_LINE)
    return replace(actor, is_installation_admin=True)
