"""Workflows: an editable draft, and immutable numbered versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Workflow(SQLModel, table=True):
    """What a person owns. `graph` is the draft, `revision` counts its saves.

    `run_settings` apply to its runs: {"timeout_s", "max_steps", "max_tokens", "max_cost_usd", "priority",
    "concurrency", "concurrency_key"}; what is missing has a default.

    `edits_seen` holds the last edit of each open editor, `{client: [seq, revision]}`: a repeat is not applied twice.
    """

    __tablename__ = "workflow"
    __table_args__ = (Index("ix_workflow_recent", "workspace_id", "updated_at"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    project_id: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    status: str = Field(default="draft", max_length=20)
    graph: dict[str, Any] = json_column(nullable=False)
    revision: int = 1
    edits_seen: dict[str, Any] | None = json_column()
    template_id: str | None = None
    example_input: Any = json_column()
    run_settings: dict[str, Any] | None = json_column()
    created_by: str | None = None
    created_at: datetime = moment()
    updated_at: datetime = moment()
    deleted_at: datetime | None = moment(nullable=True)


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
