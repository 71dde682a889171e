"""Versions: immutable numbered graphs of workflows."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class WorkflowVersion(SQLModel, table=True):
    """An immutable snapshot; runs point here. `number` counts within the workflow."""

    __tablename__ = "workflow_version"
    __table_args__ = (UniqueConstraint("workflow_id", "number"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    workflow_id: str = Field(foreign_key="workflow.id", index=True, ondelete="CASCADE")
    number: int
    graph: dict[str, Any] = json_column(nullable=False)
    graph_hash: str = Field(max_length=64)
    created_by: str | None = None
    created_at: datetime = moment()
