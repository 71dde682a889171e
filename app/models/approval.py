"""Questions to people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, false
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Approval(SQLModel, table=True):
    """A question to a person; decided by compare-and-set on `status`: open, answered, canceled.

    `question` may hold `"recovery": true`: asked by the product about a step that failed or was cut off. `taken`: the
    answer was delivered to the run.
    """

    __tablename__ = "approval"
    __table_args__ = (Index("ix_approval_open", "workspace_id", "status"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    step_id: str = Field(index=True)
    step_path: str
    node_id: str
    kind: str = Field(max_length=20)
    question: dict[str, Any] = json_column(nullable=False)
    status: str = Field(default="open", max_length=20)
    answer: dict[str, Any] | None = json_column()
    decided_by: str | None = None
    taken: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = moment()
    decided_at: datetime | None = moment(nullable=True)
