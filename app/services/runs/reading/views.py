"""What callers see of runs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.engine.events import RunStatus, StepStatus
from app.engine.graph.document import GraphJson
from app.engine.host import Origin
from app.kernel.schemas import SchemaOf

RunStatusName = Annotated[str, SchemaOf(RunStatus)]
StepStatusName = Annotated[str, SchemaOf(StepStatus)]
Trigger = Annotated[str, SchemaOf(Literal["manual", "api", "schedule", "workflow", "cli"])]
ApprovalStatus = Annotated[str, SchemaOf(Literal["open", "answered", "canceled"])]
SpanStatus = Annotated[str, SchemaOf(Literal["running", "succeeded", "failed", "canceled"])]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class RunView(_View):
    """A run. `version` is the number of the workflow's version; `cost_usd` None means unpriced.

    `notice` tells the person who started it what delays it, if anything does. `forked_from` is the run whose finished
    steps it took over, `fork_path` the step that was executed again (null: what had not finished). `parent_run_id` is
    the run that waits for this one. `priority` is 0 (high), 1 or 2 (low). `dead_at`: given up after too many crashes,
    until `requeued_as` continues it. `responded`: the output is available although the run continues. `warning_count`:
    remarks on steps that succeeded.
    """

    id: str
    number: int
    workflow_id: str
    workflow_name: str
    version: int
    status: RunStatusName
    trigger: Trigger
    input: Any
    output: Any
    error: dict[str, Any] | None
    tokens: int
    cost_usd: float | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    notice: str | None = None
    priority: int = 1
    forked_from: str | None = None
    fork_path: str | None = None
    parent_run_id: str | None = None
    parent_path: str | None = None
    dead_at: datetime | None = None
    requeued_as: str | None = None
    responded: bool = False
    warning_count: int = 0


class WarningView(_View):
    """A remark on a step that succeeded, such as an empty answer or failed items of a loop."""

    code: str
    message: str


class StepView(_View):
    """A step of a run. `alive` names the output ports that are alive; null means all.

    `origin` says where the output came from when the node was not executed: copied (from another run), pinned, cached,
    disabled, or given (by a person). Only set on a step that is read by itself: `child_run_id` is the run it called
    last, `waited_s` how long it waited for a person, a time, a signal or a run (null: it did not); a container waits
    while everything open in it does.
    """

    id: str
    run_id: str
    node_id: str
    path: str
    kind: str
    label: str
    status: StepStatusName
    attempt: int
    input: Any
    output: Any
    error: dict[str, Any] | None
    tokens: int
    cost_usd: float | None
    started_at: datetime | None
    finished_at: datetime | None
    alive: tuple[str, ...] | None = None
    origin: Annotated[str, SchemaOf(Origin)] | None = None
    child_run_id: str | None = None
    waited_s: float | None = None
    warnings: tuple[WarningView, ...] = ()


class SpanView(_View):
    """A span below a step. `attributes` hold model, prompt, completion, tokens, status_code, …"""

    id: str
    step_path: str
    parent_id: str | None
    kind: str
    name: str
    status: SpanStatus
    attributes: dict[str, Any]
    started_at: datetime | None
    finished_at: datetime | None


class CallerView(_View):
    """A run that waits for another one, and its step that does."""

    run_id: str
    run_number: int
    workflow_id: str
    workflow_name: str
    path: str


class ApprovalView(_View):
    """A question of a waiting run. `recovery`: about a step that failed or was cut off.

    `parents` are the runs that wait for its run, the nearest first.
    """

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
    status: ApprovalStatus
    created_at: datetime
    recovery: bool = False
    parents: tuple[CallerView, ...] = ()


class WaitView(_View):
    """What a step waits for without a person: `for` is time, signal, run, retry (its next try) or turn (the next try of
    the item `name` of a loop, counted from 0: `3.2` is the second).

    Shape: `{"step_path", "for", "until", "name", "run_id"}`, as in the event `step.waiting`.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    step_path: str
    for_: Annotated[str, SchemaOf(Literal["time", "signal", "run", "retry", "turn"])] = Field(
        alias="for"
    )
    until: datetime | None
    name: str | None
    run_id: str | None


class LoopView(_View):
    """Progress of a loop, in tries of its iterations: `running` ones are active or wait."""

    path: str
    turns: int
    succeeded: int
    failed: int
    running: int


class TraceView(_View):
    """A snapshot of a run; `seq` is the last event it contains. `graph` is the version that ran.

    It holds at most 1,000 steps inside iterations, open and failed ones first; `hidden` is how many more there are.
    `loops` sums up all iterations.
    """

    run: RunView
    steps: tuple[StepView, ...]
    spans: tuple[SpanView, ...]
    approvals: tuple[ApprovalView, ...]
    waits: tuple[WaitView, ...]
    graph: GraphJson
    seq: int
    loops: tuple[LoopView, ...] = ()
    hidden: int = 0


class HourView(_View):
    """One hour of the home chart."""

    at: datetime
    runs: int
    succeeded: int
    failed: int
    cost_usd: float


class WorkflowHealth(_View):
    """A workflow that failed, or cost most, in the last 24 hours."""

    workflow_id: str
    name: str
    runs: int
    failed: int
    cost_usd: float
    last_error: str | None = None
    last_run_id: str | None = None


class ActivityView(_View):
    """Current activity: active or queued runs, open questions, number of workflows."""

    live: int
    waiting: int
    workflows: int


class WorkflowTokens(_View):
    """Tokens a workflow used in each of the last 24 hours, oldest first."""

    workflow_id: str
    name: str
    hours: tuple[int, ...]


class OverviewView(_View):
    """The numbers of the home page. Rates and times are of the last 24 hours; None when nothing
    ended.

    `runs_before` and `success_rate_before` are of the 24 hours before those. `is_partial`: there were more runs than
    are summed up; all numbers of these 24 hours are of the newest ones.
    """

    active: int
    runs: int
    succeeded: int
    failed: int
    success_rate: float | None
    runs_before: int
    success_rate_before: float | None
    median_seconds: float | None
    p95_seconds: float | None
    tokens: int
    cost_usd: float
    hours: tuple[HourView, ...]
    tokens_by_workflow: tuple[WorkflowTokens, ...]
    waiting: tuple[ApprovalView, ...]
    failing: tuple[WorkflowHealth, ...]
    most_expensive: tuple[WorkflowHealth, ...]
    recent: tuple[RunView, ...]
    is_partial: bool = False
