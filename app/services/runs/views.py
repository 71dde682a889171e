"""What callers see of runs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunView(_View):
    """A run. `version` is the number of the workflow's version; `cost_usd` None means unpriced."""

    id: str
    number: int
    workflow_id: str
    workflow_name: str
    version: int
    status: str
    trigger: str
    input: Any
    output: Any
    error: dict[str, Any] | None
    tokens: int
    cost_usd: float | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class StepView(_View):
    """A step of a run. `alive` names the output ports that lived on; None means all."""

    id: str
    run_id: str
    node_id: str
    path: str
    kind: str
    label: str
    status: str
    attempt: int
    input: Any
    output: Any
    error: dict[str, Any] | None
    tokens: int
    cost_usd: float | None
    started_at: datetime | None
    finished_at: datetime | None
    alive: tuple[str, ...] | None = None


class SpanView(_View):
    """A span below a step. `attributes` hold model, prompt, completion, tokens, status_code, …"""

    id: str
    step_path: str
    parent_id: str | None
    kind: str
    name: str
    status: str
    attributes: dict[str, Any]
    started_at: datetime | None
    finished_at: datetime | None


class ApprovalView(_View):
    """A question of a waiting run."""

    id: str
    run_id: str
    run_number: int
    workflow_id: str
    workflow_name: str
    step_id: str
    node_id: str
    kind: str
    title: str
    body: str
    choices: tuple[str, ...]
    value: Any
    editable: bool
    status: str
    created_at: datetime


class TraceView(_View):
    """All of a run at one moment; `seq` is the last event it contains. `graph` is the version that ran."""

    run: RunView
    steps: tuple[StepView, ...]
    spans: tuple[SpanView, ...]
    approvals: tuple[ApprovalView, ...]
    graph: dict[str, Any]
    seq: int
