"""Who acts, and what they may do in their workspace."""

from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy import Select, select
from sqlmodel import SQLModel

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import Denied

Role = Literal["owner", "admin", "member", "viewer"]
Row = TypeVar("Row", bound=SQLModel)
_RANK: dict[str, int] = {"viewer": 0, "member": 1, "admin": 2, "owner": 3}


@dataclass(frozen=True)
class Actor:
    """A signed-in person in one workspace, or the system acting for one.

    Args:
        is_installation_admin: They may also do what concerns all workspaces.
    """

    user_id: str
    workspace_id: str
    role: Role
    name: str = ""
    session_id: str = ""
    is_installation_admin: bool = False


def require(actor: Actor, role: Role) -> None:
    """Refuse an actor below the role. An unknown role is no role.

    Raises:
        Denied: The actor is not allowed.
    """
    if _RANK.get(actor.role, -1) < _RANK[role]:
        raise Denied(
            f"This needs the role {role} in the workspace; you are {actor.role}. Ask an owner."
        )


def require_installation_admin(actor: Actor) -> None:
    """Refuse whoever does not administer the installation: what is asked concerns all its workspaces.

    Raises:
        Denied: The actor does not, whatever they are in their workspace.
    """
    if not actor.is_installation_admin:
        raise Denied(
            "This concerns the whole installation, and you do not administer it. Ask the person who set it up."
        )


def system(workspace_id: str) -> Actor:
    """The product itself, acting in a workspace."""
    return Actor(user_id="system", workspace_id=workspace_id, role="owner", name="AgentLoom")


def scoped(table: type[Row], actor: Actor) -> Select[Row]:
    """Start a query on data of the actor's workspace; the only way to read such tables."""
    return select(table).where(table.workspace_id == actor.workspace_id)  # type: ignore[attr-defined]


async def named_row(uow: UnitOfWork, actor: Actor, table: type[Row], row_id: str) -> Row:
    """Read a row that another row of the actor's workspace names: it is there."""
    query = scoped(table, actor).where(table.id == row_id)  # type: ignore[attr-defined]
    return (await uow.session.execute(query)).scalar_one()
