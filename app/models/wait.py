"""What steps wait for, other than people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, false
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Wait(SQLModel, table=True):
    """What a step waits for: a time, a signal, the end of another run, or the next attempt of it or of one of its
    iterations (`name`).

    `lasts`: `until` was worked out as a duration from `created_at`, not set as a calendar time.
    `status` is open, done or canceled; a signal received before any step waited for it is `early`, without a path.
    `taken`: the result was delivered to the run.
    """

    __tablename__ = "wait"
    __table_args__ = (Index("ix_wait_due", "status", "until"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    step_path: str = ""
    node_id: str = ""
    kind: str = Field(max_length=20)
    name: str | None = Field(default=None, max_length=100)
    until: datetime | None = moment(nullable=True)
    child_run_id: str | None = Field(default=None, index=True)
    status: str = Field(default="open", max_length=20)
    result: Any = json_column()
    taken: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    lasts: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = moment()
    done_at: datetime | None = moment(nullable=True)
