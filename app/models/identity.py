"""People and their sign-in sessions."""

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field, SQLModel

from app.models.types import moment


class User(SQLModel, table=True):
    """A person. `email` is stored in lower case. `is_installation_admin`: may do what concerns all workspaces."""

    __tablename__ = "user_account"

    id: str = Field(primary_key=True)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(max_length=200)
    password_hash: str
    created_at: datetime = moment()
    disabled_at: datetime | None = moment(nullable=True)
    is_installation_admin: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class Session(SQLModel, table=True):
    """A sign-in. Revoking the row ends it everywhere at once."""

    __tablename__ = "session"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user_account.id", index=True, ondelete="CASCADE")
    created_at: datetime = moment()
    expires_at: datetime = moment()
    revoked_at: datetime | None = moment(nullable=True)
    user_agent: str = Field(default="", max_length=300)
