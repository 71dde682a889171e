"""Who did what, append-only."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class AuditEntry(SQLModel, table=True):
    """A decision or change by an actor."""

    __tablename__ = "audit_entry"

    id: str = Field(primary_key=True)
    workspace_id: str | None = Field(default=None, index=True)
    actor_id: str
    action: str = Field(max_length=60)
    subject: str = Field(default="", max_length=100)
    details: dict[str, Any] = json_column(nullable=False)
    request_id: str = ""
    at: datetime = moment()
