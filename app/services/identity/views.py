"""What callers see of people, and what they send to become one."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class RegisterRequest(BaseModel):
    """A new account. The use case checks lengths with sentences; these only bound the work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(max_length=1_000)
    email: str = Field(max_length=1_000)
    password: str = Field(max_length=10_000, repr=False)


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
    role: str
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
