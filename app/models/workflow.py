"""Workflows: what people own."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Workflow(SQLModel, table=True):
    """What a person owns: a name and settings; its graph is in drafts and versions.

    The row is the lock of them: whoever writes a draft or makes a version holds it, taken after the workspace's
    counter and before the draft's row.

    `run_settings` apply to its runs: {"timeout_s", "max_steps", "max_tokens", "max_cost_usd", "priority",
    "concurrency", "concurrency_key"}; what is missing has a default.
    """

    __tablename__ = "workflow"
    __table_args__ = (Index("ix_workflow_recent", "workspace_id", "updated_at"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    project_id: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    status: str = Field(default="draft", max_length=20)
    template_id: str | None = None
    example_input: Any = json_column()
    run_settings: dict[str, Any] | None = json_column()
    created_by: str | None = None
    created_at: datetime = moment()
    updated_at: datetime = moment()
    deleted_at: datetime | None = moment(nullable=True)
