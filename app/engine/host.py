"""What the program that embeds the engine must provide. Adapters fulfil these protocols."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from app.engine.events import Event, RunStatus, StepStatus
from app.engine.providers.base import ChatModel
from app.engine.sdk.context import (
    Answer,
    CodeResult,
    HttpReply,
    HttpRequest,
    Json,
    KeyValue,
    Question,
)

MAX_OUTPUT_BYTES = 10 << 20
"""The most that all values of a step may take up together as JSON, unless the run says otherwise."""

Pool = Literal["sandbox", "blocking", "http", "model", "local_model"]
"""What all workspaces share a limited number of: child processes that run programs or long computations, connections
to the outside and to model providers, and the models of this machine.
"""

Origin = Literal["copied", "pinned", "cached", "disabled", "given"]
"""Where a step's output comes from: an earlier run, the graph or the request, the cache, its input, or a person."""


@dataclass(frozen=True)
class StepRecord:
    """The state of one step. A later record of the same (run, path) replaces the earlier one.

    Args:
        id: Derived from run and path, so it stays when the step runs again.
        path: The node's id, with the loops around it: `loop[3]/inner`.
        alive: Output ports whose edges are alive; None means all. Needed to resume.
        input: Values at the input ports and the resolved configuration: {"ports": …, "config": …}.
        output: Values by output port; None until it succeeded. A failed step whose error is handled has some too.
        origin: Where the output comes from if the node was not executed; None: it was executed.
        error: {"code", "message", "field"?, "retryable"?}.
        warnings: Warnings of a step that succeeded all the same: {"code", "message"}.
        started_at: When it first began: between it and the end lie waiting, and executions of the run that ended.
    """

    id: str
    node_id: str
    path: str
    kind: str
    label: str
    status: StepStatus
    origin: Origin | None = None
    attempt: int = 1
    alive: tuple[str, ...] | None = None
    input: Json = None
    output: Json = None
    error: dict[str, Any] | None = None
    tokens: int = 0
    cost_microusd: int | None = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    warnings: tuple[dict[str, str], ...] = ()

    def but(self, **changes: Any) -> "StepRecord":  # noqa: ANN401 - as the fields say
        """The same record with other values; a fifth of the time of `dataclasses.replace`, which every
        step of every run needs several times.
        """
        other = object.__new__(StepRecord)
        other.__dict__.update(self.__dict__, **changes)
        return other


@dataclass(frozen=True)
class SpanRecord:
    """A piece of inner work of a step (`kind`: attempt, llm, tool, http, code, agent)."""

    id: str
    step_path: str
    parent_id: str | None
    kind: str
    name: str
    status: Literal["running", "succeeded", "failed", "canceled"]
    attributes: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class LlmCallRecord:
    """One model call, for the ledger. `cost_microusd` None means unpriced, not free.

    `is_estimated`: the server reported no usage, so the tokens were counted here.
    """

    id: str
    step_path: str
    span_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_microusd: int | None
    duration_ms: int
    at: datetime
    is_estimated: bool = False


@dataclass(frozen=True)
class ApprovalRecord:
    """A question to a person, open until it is answered."""

    id: str
    step_path: str
    node_id: str
    question: Question


@dataclass(frozen=True)
class WaitRecord:
    """What a step waits for without a person, open until it is delivered.

    Args:
        kind: A moment (`until`), a signal (`name`, at the latest `until`), the end of another run, the step's next
            try (`until`), or, while other iterations of a container are at work, a try (`until`) of the iteration
            `name`: a `turn`.
        lasts: `until` stands for a duration from now, not for a point in time: a clock that is put back moves it.
    """

    id: str
    step_path: str
    node_id: str
    kind: Literal["time", "signal", "run", "retry", "turn"]
    until: datetime | None = None
    name: str | None = None
    child_run_id: str | None = None
    lasts: bool = False

    @property
    def place(self) -> str:
        """The path of the step that goes on when it is delivered, or the prefix of the iteration that then begins."""
        return f"{self.step_path}[{self.name}]/" if self.kind == "turn" else self.step_path

    @property
    def delivery_kind(self) -> Literal["wait", "retry"]:
        """What kind of delivery ends the wait: before another try it is nothing but the time."""
        return "retry" if self.kind in ("retry", "turn") else "wait"


@dataclass(frozen=True)
class ConsumedRecord:
    """This execution of the run has consumed what was delivered for a step: it wakes nobody any more.

    Args:
        id: Of the question, or of the wait.
    """

    id: str
    of: Literal["approval", "wait"]


@dataclass(frozen=True)
class ChildRequest:
    """A run that a step starts and waits for.

    Args:
        run_id: The id it is to have. It follows from the step and its try: a repetition finds it there.
        parent_path: The step of the run `parent_run_id` that waits.
        depth: How many runs wait for the new one, nested.
    """

    run_id: str
    workspace_id: str
    workflow_id: str
    input: Json
    parent_run_id: str
    parent_path: str
    depth: int


@dataclass(frozen=True)
class RunPatch:
    """A change of the run's own row."""

    status: RunStatus | None = None
    output: Json = None
    error: dict[str, Any] | None = None
    tokens: int | None = None
    cost_microusd: int | None = None
    unpriced: bool | None = None
    warning_count: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


Fact = (
    StepRecord
    | SpanRecord
    | LlmCallRecord
    | ApprovalRecord
    | WaitRecord
    | ConsumedRecord
    | RunPatch
    | Event
)


class Journal(Protocol):
    """The durable memory of one run, held under its epoch. Facts are written in the order given."""

    async def record(self, *facts: Fact) -> None:
        """Write the facts in one transaction; return when they are committed, then publish the events.

        Raises:
            Fenced: Another worker owns the run now; nothing was written.
        """

    def post(self, *facts: Fact) -> "asyncio.Future[None]":
        """Write the facts at once, in order with those before; the future is done when they are committed, and
        fails like `record`.
        """

    def note(self, *facts: Fact) -> None:
        """Write soon, in order with the next record; may be lost in a crash.

        For what can be lost without harm: `running` rows, spans, the end of quick steps.
        """

    def stream(self, event: Event) -> None:
        """Publish an ephemeral event (tokens), joined for about 40 ms; never stored."""


class Models(Protocol):
    """Finds chat models and prices."""

    async def find(self, ref: str) -> ChatModel:
        """Return the model; an empty ref is the default one.

        Raises:
            ModelMissing: Not configured, or its weights are not here.
        """

    def cost_microusd(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int
    ) -> int | None:
        """Price of a call in millionths of a dollar; None when unknown, 0 for local models."""


@dataclass(frozen=True)
class CachedOutput:
    """A reusable output: values by port, and the ports that are alive (None: all)."""

    output: dict[str, Json]
    alive: tuple[str, ...] | None = None


class StepCache(Protocol):
    """Outputs of a workspace's steps, keyed by everything that determines them."""

    async def get(self, key: str) -> CachedOutput | None:
        """Return the output if it is kept and still fresh."""

    async def put(self, key: str, value: CachedOutput, seconds: float) -> None:
        """Keep an output; one larger than 64 KB may be dropped."""


class Host(Protocol):
    """The world of one run."""

    @property
    def journal(self) -> Journal:
        """The durable memory of the run."""

    @property
    def models(self) -> Models:
        """Chat models and their prices."""

    @property
    def memory(self) -> KeyValue:
        """Values kept between runs."""

    @property
    def cache(self) -> StepCache:
        """Outputs that may be used again."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""

    def new_id(self, noun: str) -> str:
        """A fresh id."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit vectors of 384 numbers."""

    async def http(self, request: HttpRequest) -> HttpReply:
        """Send an HTTP request through the egress guard."""

    async def python(self, source: str, inputs: Mapping[str, Json], timeout_s: float) -> CodeResult:
        """Run Python in the sandbox."""

    async def blocking(
        self, function: str, arguments: Mapping[str, Json], timeout_s: float | None
    ) -> Json:
        """Call `package.module:name` in a process that is killed at its time limit or when the run is canceled."""

    def place(self, pool: Pool, waits: Callable[[int], None]) -> AbstractAsyncContextManager[None]:
        """A place in a pool that all workspaces share; hold it during the call that it is for.

        Args:
            waits: Called when none is free, with how many requests of this workspace come first.
        """

    async def deliveries(self) -> Sequence["Delivery"]:
        """What has been delivered for waiting steps of the run and not been consumed yet.

        Raises:
            StorageDown: The database does not answer.
        """

    async def start_child(self, child: ChildRequest) -> None:
        """Store a run and start it; do nothing if there is one with this id.

        Raises:
            NotFound: There is no such workflow in the workspace.
            GraphInvalid, InvalidInput: It cannot run, or not with this input.
        """


@dataclass(frozen=True)
class Limits:
    """Limits of one run, checked before each step and each model call; the last one after each step."""

    timeout_s: float = 300.0
    max_steps: int = 10_000
    max_tokens: int | None = None
    max_cost_microusd: int | None = None
    max_output_bytes: int = MAX_OUTPUT_BYTES


@dataclass(frozen=True)
class RunRequest:
    """What the runtime needs to know of a run.

    Args:
        done: Final step records of earlier executions of the run, by path: these steps are not executed again.
        waiting: The other steps that have started, by path. Those that wait are left alone until there is something
            for them in `answers`, `recoveries` or `wait_results`; those that were cut off run again and keep their
            usage.
        answers: Decisions of people by step path, to questions that nodes asked.
        recoveries: Decisions about steps that failed or were cut off, by step path: `retry` (with `value` as the input,
            {"ports", "config"}, when it was edited), `done` (with `value` as the output), `skip` or `stop`. Only the
            answer to the latest such question of a path; none while that one is open.
        wait_results: What steps waited for, by step path: {"at"} (the time has come), {"payload"} or
            {"timed_out": true}, {"run_id", "status", "output", "error"} of the run a step called.
        retry_due: Paths of steps that failed and whose pause before the next try is over.
        deferred: Iterations that may not begin before a time, by prefix.
        pins: Outputs by port that replace the execution of a step, by step path or node id.
        by_hand: Started by a person who works on the graph: outputs pinned in the graph count, too.
        recall: Finds final records of steps inside of iterations, by path, that `done` leaves out: a loop may have
            more of them than fit into memory.
        may_recall: Paths of the containers in whose iterations there are such; None: it may be any.
        steps_before: How many steps earlier executions have executed; None: as many as `done` has.
        depth: How many runs wait for this one, nested.
        next_seq: Sequence number of the next event.
        elapsed_s: Time the run has already used up.
        started_at: When it first started; None: now.
        tokens, cost_microusd, unpriced, warning_count: Usage and warnings of earlier executions.
    """

    run_id: str
    workspace_id: str
    workflow_id: str
    input: Json
    vars: Mapping[str, Json] = field(default_factory=dict)
    done: Mapping[str, StepRecord] = field(default_factory=dict)
    waiting: Mapping[str, StepRecord] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    recoveries: Mapping[str, Answer] = field(default_factory=dict)
    wait_results: Mapping[str, Json] = field(default_factory=dict)
    retry_due: Collection[str] = ()
    deferred: Mapping[str, WaitRecord] = field(default_factory=dict)
    pins: Mapping[str, Json] = field(default_factory=dict)
    by_hand: bool = False
    recall: Callable[[Sequence[str]], Awaitable[Sequence[StepRecord]]] | None = None
    may_recall: Collection[str] | None = None
    steps_before: int | None = None
    depth: int = 0
    next_seq: int = 1
    limits: Limits = Limits()
    elapsed_s: float = 0.0
    started_at: datetime | None = None
    tokens: int = 0
    cost_microusd: int = 0
    unpriced: bool = False
    warning_count: int = 0


@dataclass(frozen=True)
class Delivery:
    """What was delivered for a step that waits, while other steps of its run are at work.

    Args:
        id: Of the question, or of the wait, that it is for.
        kind: Which of `answers`, `recoveries`, `wait_results` or `retry_due` of the request it belongs to; a `retry`
            may also end an entry of `deferred`.
        path: Of the step, or the prefix of an iteration that was deferred.
    """

    id: str
    kind: Literal["answer", "recovery", "wait", "retry"]
    path: str
    value: Any


@dataclass(frozen=True)
class Control:
    """Requests to a running execution; set from outside, in the event loop of the run.

    Args:
        listens: Set by the run: steps of it wait while others are at work, so it wants to know of deliveries.
        delivered: Something was delivered for one of these steps; `Host.deliveries` says what.
    """

    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    pausing: asyncio.Event = field(default_factory=asyncio.Event)
    listens: asyncio.Event = field(default_factory=asyncio.Event)
    delivered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Outcome:
    """How the runtime left a run: `waiting` if something must be delivered first, `paused` if it was asked to pause."""

    status: RunStatus
    output: Json = None
    error: dict[str, Any] | None = None
