"""Runs: executions of versions of workflows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment

_DEAD = text("dead_at IS NOT NULL")


class Run(SQLModel, table=True):
    """One execution of a version. `epoch` fences writers; `lease_until` says until when one is alive.

    `attempts` counts the crashes of its processes since it last finished a step; `crash_seq` is the number of its last
    event at the latest crash. `worked_s`: how long processes have held it, by monotonic clocks. `control` is a request
    to the process that executes it: cancel or pause. `priority` is 0 (high), 1 or 2 (low). Runs that share a
    `concurrency_key` are limited in how many execute at once. `pins` are outputs by node id or step path that replace
    executing the step; `limits` bound time (s), steps, tokens and cost (micro-dollars). `parent_run_id` and
    `parent_path` name the step that waits for this run. `forked_from` names the run whose finished steps were copied,
    `fork_path` the step that was then executed again (None: all of them). `dead_at`: given up after too many crashes,
    until `requeued_as` goes on from there. `warning_count`: of its finished steps.
    """

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("workspace_id", "idempotency_key"),
        Index("ix_run_recent", "workspace_id", "queued_at"),
        Index("ix_run_of_workflow", "workflow_id", "queued_at"),
        Index("ix_run_lease", "status", "lease_until"),
        Index("ix_run_turn", "status", "workspace_id", "priority", "queued_at"),
        Index("ix_run_dead", "workspace_id", "dead_at", sqlite_where=_DEAD, postgresql_where=_DEAD),
    )

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", ondelete="CASCADE")
    workflow_id: str = Field(foreign_key="workflow.id", ondelete="CASCADE")
    version_id: str = Field(foreign_key="workflow_version.id", ondelete="CASCADE")
    number: int
    status: str = Field(default="pending", max_length=20)
    trigger: str = Field(default="manual", max_length=40)
    started_by: str | None = None
    idempotency_key: str | None = Field(default=None, max_length=200)
    request_hash: str | None = Field(default=None, max_length=64)
    input: Any = json_column()
    output: Any = json_column()
    error: dict[str, Any] | None = json_column()
    tokens: int = 0
    cost_microusd: int = Field(default=0, sa_type=BigInteger)
    unpriced: bool = False
    control: str | None = Field(default=None, max_length=20)
    epoch: int = 0
    attempts: int = 0
    crash_seq: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    worked_s: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})
    worker: str | None = None
    lease_until: datetime | None = moment(nullable=True)
    queued_at: datetime = moment()
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)
    priority: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    concurrency_key: str | None = Field(default=None, max_length=200)
    limits: dict[str, Any] | None = json_column()
    pins: dict[str, Any] | None = json_column()
    parent_run_id: str | None = Field(default=None, index=True)
    parent_path: str | None = None
    depth: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    forked_from: str | None = Field(default=None, index=True)
    fork_path: str | None = None
    dead_at: datetime | None = moment(nullable=True)
    requeued_as: str | None = None
    warning_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
