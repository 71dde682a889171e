"""Steps of runs, and outputs of steps that may be used again."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Step(SQLModel, table=True):
    """Execution of one node in a run; the journal from which a run resumes.

    `origin` says where the output is from when the node was not executed: copied, pinned, cached, disabled or given.
    `warnings` are remarks on a step that went well: `[{"code", "message"}]`.
    """

    __tablename__ = "step"
    __table_args__ = (UniqueConstraint("run_id", "path"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", ondelete="CASCADE")
    node_id: str
    path: str
    kind: str
    label: str
    status: str = Field(max_length=20)
    origin: str | None = Field(default=None, max_length=20)
    attempt: int = 1
    alive: list[str] | None = json_column()
    input: Any = json_column()
    output: Any = json_column()
    error: dict[str, Any] | None = json_column()
    tokens: int = 0
    cost_microusd: int | None = Field(default=0, sa_type=BigInteger)
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)
    warnings: list[dict[str, str]] | None = json_column()


class StepCache(SQLModel, table=True):
    """Outputs of steps that may be used again; `key` hashes what decides the output, per workspace."""

    __tablename__ = "step_cache"

    workspace_id: str = Field(primary_key=True, foreign_key="workspace.id", ondelete="CASCADE")
    key: str = Field(primary_key=True, max_length=64)
    output: Any = json_column()
    alive: list[str] | None = json_column()
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)
