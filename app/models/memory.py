"""Values that workflows keep between runs."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class MemoryValue(SQLModel, table=True):
    """A value under (workspace, scope, key); `scope` is `workspace` or a workflow's id."""

    __tablename__ = "memory_value"

    workspace_id: str = Field(primary_key=True, foreign_key="workspace.id", ondelete="CASCADE")
    scope: str = Field(primary_key=True, max_length=40)
    key: str = Field(primary_key=True, max_length=200)
    value: Any = json_column()
    updated_at: datetime = moment()
