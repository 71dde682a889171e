"""The inner work of steps."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Span(SQLModel, table=True):
    """A piece of inner work of a step."""

    __tablename__ = "span"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    step_path: str
    parent_id: str | None = None
    kind: str = Field(max_length=20)
    name: str
    status: str = Field(max_length=20)
    attributes: dict[str, Any] = json_column(nullable=False)
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)
