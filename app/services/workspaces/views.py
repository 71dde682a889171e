"""What callers see of workspaces and projects."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from app.kernel.schemas import SchemaOf
from app.services.access import Role


class WorkspaceView(BaseModel):
    """A workspace and the caller's role in it."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    role: Annotated[str, SchemaOf(Role)]
    created_at: datetime


class ProjectView(BaseModel):
    """A folder of workflows."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    created_at: datetime
