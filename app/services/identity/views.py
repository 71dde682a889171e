"""What callers see of people, and what they send to become one."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.schemas import SchemaOf
from app.services.access import Role


class RegisterRequest(BaseModel):
    """A new account. The use case checks lengths with readable messages; these limits only bound the work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(max_length=1_000, description="What others see.", examples=["Ada"])
    email: str = Field(max_length=1_000, description="To sign in.", examples=["ada@example.com"])
    password: str = Field(
        max_length=10_000,
        repr=False,
        description="At least 10 characters.",
        examples=["copper kettle 9"],
    )


class UserView(BaseModel):
    """A person, without anything secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    email: str
    created_at: datetime


class MeView(UserView):
    """The signed-in person and where they act."""

    workspace_id: str
    workspace_name: str
    role: Annotated[str, SchemaOf(Role)]
    is_installation_admin: bool


class SignedIn(BaseModel):
    """A fresh session. `access_token` is for the HttpOnly cookie or a bearer header."""

    model_config = ConfigDict(frozen=True)

    user: UserView
    workspace_id: str
    session_id: str
    access_token: str = Field(repr=False)
    csrf_token: str = Field(repr=False)
    expires_at: datetime
