"""Who acts, what they may do in their workspace, and the queries that stay inside it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeVar

from sqlalchemy import Select, select
from sqlmodel import SQLModel

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import Denied

Role = Literal["owner", "admin", "member", "viewer"]
ActorKind = Literal["person", "key", "system", "trigger"]
Row = TypeVar("Row", bound=SQLModel)

SYSTEM_ID = "system"
"""The user id under which the product itself acts, as stored in `run.started_by` and in the audit log."""


class Permission(StrEnum):
    """What an actor may be allowed to do. `PERMISSIONS_OF` maps roles to permissions."""

    WORKSPACE_READ = "workspace:read"
    PROJECT_EDIT = "project:edit"
    WORKFLOW_READ = "workflow:read"
    WORKFLOW_EDIT = "workflow:edit"
    RUN_READ = "run:read"
    RUN_START = "run:start"
    RUN_CONTROL = "run:control"
    APPROVAL_READ = "approval:read"
    APPROVAL_ANSWER = "approval:answer"
    TRIGGER_READ = "trigger:read"
    TRIGGER_EDIT = "trigger:edit"
    MODEL_READ = "model:read"
    MODEL_MANAGE = "model:manage"


INSTALLATION = frozenset({Permission.MODEL_MANAGE})
"""What concerns all workspaces: for whoever administers the installation, whatever their role."""

_VIEWER = frozenset(
    {
        Permission.WORKSPACE_READ,
        Permission.WORKFLOW_READ,
        Permission.RUN_READ,
        Permission.APPROVAL_READ,
        Permission.TRIGGER_READ,
        Permission.MODEL_READ,
    }
)
_MEMBER = _VIEWER | {
    Permission.PROJECT_EDIT,
    Permission.WORKFLOW_EDIT,
    Permission.RUN_START,
    Permission.RUN_CONTROL,
    Permission.APPROVAL_ANSWER,
    Permission.TRIGGER_EDIT,
}
PERMISSIONS_OF: dict[Role, frozenset[Permission]] = {
    "viewer": _VIEWER,
    "member": _MEMBER,
    "admin": _MEMBER,
    "owner": _MEMBER,
}
"""The permissions of each role, the least one first."""


@dataclass(frozen=True)
class Actor:
    """Who acts in one workspace. Only the functions of this module create one.

    Args:
        kind: A signed-in person, a program's key, the product itself, or a trigger that starts a run.
        is_installation_admin: They may also do what affects all workspaces.
    """

    user_id: str
    workspace_id: str
    role: Role
    name: str = ""
    session_id: str = ""
    is_installation_admin: bool = False
    kind: ActorKind = "person"


def person(
    user_id: str,
    workspace_id: str,
    role: Role,
    name: str = "",
    *,
    session_id: str = "",
    is_installation_admin: bool = False,
) -> Actor:
    """A member of a workspace. An unknown role grants no permissions."""
    return Actor(user_id, workspace_id, role, name, session_id, is_installation_admin)


def system(workspace_id: str) -> Actor:
    """The product itself, acting in a workspace."""
    return Actor(SYSTEM_ID, workspace_id, "owner", "AgentLoom", kind="system")


def trigger(workspace_id: str) -> Actor:
    """What starts runs automatically, such as a schedule."""
    return Actor(SYSTEM_ID, workspace_id, "owner", "AgentLoom", kind="trigger")


def on_behalf_of(user_id: str | None, workspace_id: str) -> Actor:
    """Whoever started a run, for the runs that it starts in turn: with a member's permissions."""
    if user_id is None or user_id == SYSTEM_ID:
        return Actor(SYSTEM_ID, workspace_id, "member", kind="system")
    return Actor(user_id, workspace_id, "member")


def require(actor: Actor, permission: Permission) -> None:
    """Refuse an actor without a permission. An unknown role has none.

    Raises:
        Denied: The actor is not allowed.
    """
    if permission in INSTALLATION:
        if not actor.is_installation_admin:
            raise Denied(
                "This concerns the whole installation, and you do not administer it. "
                "Ask the person who set it up."
            )
    elif permission not in PERMISSIONS_OF.get(actor.role, ()):
        least = next(role for role, given in PERMISSIONS_OF.items() if permission in given)
        raise Denied(
            f"This needs the role {least} in the workspace; you are {actor.role}. Ask an owner."
        )


def scoped(table: type[Row], actor: Actor) -> Select[Row]:
    """Start a query on data of the actor's workspace; the only way to read such tables."""
    return select(table).where(table.workspace_id == actor.workspace_id)  # type: ignore[attr-defined]


async def named_row(uow: UnitOfWork, actor: Actor, table: type[Row], row_id: str) -> Row:
    """Read a row that another row of the actor's workspace refers to, so it must exist."""
    query = scoped(table, actor).where(table.id == row_id)  # type: ignore[attr-defined]
    return (await uow.session.execute(query)).scalar_one()
