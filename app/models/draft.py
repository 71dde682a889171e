"""Drafts: the editable graphs of workflows."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment

MAIN = "main"
"""The branch that every workflow has."""


class Draft(SQLModel, table=True):
    """The editable graph of a workflow on one of its branches. `revision` counts its saves.

    `edits_seen` holds the last edit of each open editor, `{client: [seq, revision]}`: a repeat is not applied twice.
    """

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("workflow_id", "branch"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    workflow_id: str = Field(foreign_key="workflow.id", ondelete="CASCADE")
    branch: str = Field(default=MAIN, max_length=100)
    graph: dict[str, Any] = json_column(nullable=False)
    revision: int = 1
    edits_seen: dict[str, Any] | None = json_column()
    created_at: datetime = moment()
    updated_at: datetime = moment()
