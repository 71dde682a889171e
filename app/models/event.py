"""What happened in runs, append-only."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class RunEvent(SQLModel, table=True):
    """An append-only fact about a run; `seq` counts from 1 without gaps."""

    __tablename__ = "run_event"

    run_id: str = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    seq: int = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    type: str = Field(max_length=40)
    node_id: str | None = None
    path: str | None = None
    span_id: str | None = None
    payload: dict[str, Any] = json_column(nullable=False)
    at: datetime = moment()
