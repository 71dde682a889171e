"""Runs and all that is recorded about them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment

_DEAD = text("dead_at IS NOT NULL")


class Run(SQLModel, table=True):
    """One execution of a version. `epoch` fences writers; `lease_until` says until when one is alive.

    `attempts` counts deaths of its processes since a step of it was last finished, `crash_seq` is the number of its
    last event at the latest of them; `worked_s` is for how long processes have held it, by clocks that never jump.
    `control` is a wish to whoever works on it: cancel or pause. `priority` is 0 (high), 1 or 2 (low): smaller goes
    first. `concurrency_key` bounds runs at once that share it. `pins` are outputs by node id or step path that stand in
    for executing the step; `limits` bound time (s), steps, tokens and cost (micro-dollars). `parent_run_id` and
    `parent_path` name the step that waits for this run. `forked_from` names the run whose finished steps were copied,
    `fork_path` the step that was then executed anew (None: all of them). `dead_at`: given up after too many crashes,
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


class Span(SQLModel, table=True):
    """A piece of inner work of a step."""

    __tablename__ = "span"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    step_path: str
    parent_id: str | None = None
    kind: str = Field(max_length=20)
    name: str
    status: str = Field(max_length=20)
    attributes: dict[str, Any] = json_column(nullable=False)
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)


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


class Approval(SQLModel, table=True):
    """A question to a person; decided by compare-and-set on `status`: open, answered, canceled.

    `question` may hold `"recovery": true`: asked by the product about a step that failed or was cut off. `taken`: a
    life of the run has had the answer.
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


class Wait(SQLModel, table=True):
    """What a step waits for without a person: a time, a signal, the end of another run, its next try, or that of one of
    its turns (`name`).

    `lasts`: `until` is so long after `created_at`, and no moment of the calendar.
    `status` is open, done or canceled; a signal that came before anybody waited for it is `early`, without a path.
    `taken`: a life of the run has had the result.
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


class StepCache(SQLModel, table=True):
    """Outputs of steps that may be used again; `key` hashes what decides the output, per workspace."""

    __tablename__ = "step_cache"

    workspace_id: str = Field(primary_key=True, foreign_key="workspace.id", ondelete="CASCADE")
    key: str = Field(primary_key=True, max_length=64)
    output: Any = json_column()
    alive: list[str] | None = json_column()
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)


class LlmCall(SQLModel, table=True):
    """The ledger of model calls; `cost_microusd` null means unpriced.

    `is_estimated`: the server told no usage, so the tokens were counted here.
    """

    __tablename__ = "llm_call"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    step_path: str
    span_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cost_microusd: int | None = Field(default=None, sa_type=BigInteger)
    duration_ms: int = 0
    at: datetime = moment()
    is_estimated: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class Blob(SQLModel, table=True):
    """A part of a large value's JSON; rows hold `{"$blob": id, "size": bytes, "preview": …}` instead.

    `sha256` and `size_bytes` are those of the whole value.
    """

    __tablename__ = "blob"

    id: str = Field(primary_key=True)
    part: int = Field(default=0, primary_key=True, sa_column_kwargs={"server_default": "0"})
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str | None = Field(default=None, foreign_key="run.id", index=True, ondelete="CASCADE")
    sha256: str = Field(max_length=64)
    size_bytes: int
    data: bytes
    created_at: datetime = moment()
