"""Schedules: when workflows start by themselves, and the record of each time."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.types import UtcDateTime, json_column, moment


class Schedule(SQLModel, table=True):
    """A cron rule in an IANA time zone. `missed` is skip or once: what becomes of times when nothing ran.

    `next_at` was worked out at `planned_at`; a clock that shows an earlier time has gone back since.
    """

    __tablename__ = "schedule"
    __table_args__ = (Index("ix_schedule_due", "enabled", "next_at"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    workflow_id: str = Field(foreign_key="workflow.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    cron: str = Field(max_length=200)
    timezone: str = Field(max_length=64)
    input: Any = json_column()
    enabled: bool = True
    missed: str = Field(default="once", max_length=10)
    next_at: datetime | None = moment(nullable=True)
    planned_at: datetime | None = moment(nullable=True)
    created_by: str | None = None
    created_at: datetime = moment()
    updated_at: datetime = moment()
    deleted_at: datetime | None = moment(nullable=True)


class ScheduleFire(SQLModel, table=True):
    """One time of a schedule; its key keeps two sweepers from starting two runs. `status`: fired, skipped, failed."""

    __tablename__ = "schedule_fire"

    schedule_id: str = Field(primary_key=True, foreign_key="schedule.id", ondelete="CASCADE")
    fire_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str | None = None
    status: str = Field(max_length=20)
    message: str | None = None
    at: datetime = moment()
