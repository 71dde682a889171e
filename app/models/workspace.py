"""Tenants and who belongs to them."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.types import moment


class Workspace(SQLModel, table=True):
    """A tenant. `run_count` numbers its runs: #1, #2, … `max_running`: how many at once; None: as the server says."""

    __tablename__ = "workspace"

    id: str = Field(primary_key=True)
    name: str = Field(max_length=200)
    created_at: datetime = moment()
    run_count: int = 0
    max_running: int | None = None


class Member(SQLModel, table=True):
    """A person's place in a workspace; `role` is owner, admin, member or viewer."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("workspace_id", "user_id"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    user_id: str = Field(foreign_key="user_account.id", index=True, ondelete="CASCADE")
    role: str = Field(max_length=20)
    created_at: datetime = moment()
