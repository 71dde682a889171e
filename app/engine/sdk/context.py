"""The world as a running node sees it: everything outside goes through NodeContext."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from app.engine.sdk.messages import Completion, Message, ToolSpec, Usage

Json = Any  # a JSON value: None, bool, int, float, str, list, dict; checked at the borders


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Value):
    """What a person is asked while the run waits.

    Args:
        choices: Values of which one is picked; the first is the primary action.
        value: The JSON value under review; shown, and editable when `editable`.
        recovery: Asked by the engine about a step that failed or was cut off; nodes leave it alone.
    """

    kind: Literal["approval", "clarification", "form"] = "approval"
    title: str
    body: str = ""
    choices: tuple[str, ...] = ("approve", "reject")
    value: Json = None
    editable: bool = False
    recovery: bool = False


class Answer(_Value):
    """A person's decision. `value` is the edited value, or None when untouched."""

    choice: str
    comment: str = ""
    value: Json = None
    decided_by: str = ""


class Signal(_Value):
    """What a signal brought, or that none arrived in time."""

    payload: Json = None
    timed_out: bool = False


class HttpRequest(_Value):
    """A request of a workflow to the outside world. It always passes the egress guard.

    Args:
        query: Added to the query of the URL; several values repeat their name.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    url: str
    headers: Mapping[str, str] = {}
    query: Mapping[str, str | tuple[str, ...]] = {}
    body: bytes = b""
    timeout_s: float = 30.0
    max_bytes: int = 5_000_000


class HttpReply(_Value):
    """An answer from outside, all of it.

    Args:
        headers: By lower-case name: a string, or a list if the header was repeated; `set-cookie` is
            always a list.
        text: Decoded by its charset, without a byte order mark.
        remarks: Warnings about a reply that is usable all the same, by code.
    """

    status: int
    headers: Mapping[str, str | list[str]]
    text: str
    url: str
    remarks: Mapping[str, str] = {}

    def header(self, name: str) -> str:
        """The value of a header, the last one if it was repeated; empty if there is none."""
        for key, value in self.headers.items():
            if key.lower() == name:
                return value if isinstance(value, str) else value[-1] if value else ""
        return ""


class CodeResult(_Value):
    """What a sandboxed program gave back."""

    value: Json = None
    printed: str = ""


class AgentSpec(_Value):
    """A conversation in which a model may call the tools in the node's slots.

    Args:
        max_tokens: How long the model's answer in one turn may be.
    """

    model: str = ""
    instructions: str
    messages: tuple[Message, ...]
    max_turns: int = 6
    max_tokens: int | None = None
    schema_: Mapping[str, Any] | None = None


class AgentResult(_Value):
    """How an agent's conversation ended."""

    text: str
    data: Json = None
    messages: tuple[Message, ...] = ()
    usage: Usage = Usage()
    tools_called: tuple[str, ...] = ()


class KeyValue(Protocol):
    """Values kept between runs. A scope is `workflow` or `workspace`."""

    async def get(self, scope: str, key: str) -> Json:
        """Return the stored value, or None."""

    async def put(self, scope: str, key: str, value: Json) -> None:
        """Store a JSON value of at most 256 KB."""

    async def append(self, scope: str, key: str, value: Json, keep: int) -> list[Json]:
        """Add to the list under the key, keep its last `keep` entries and return them.

        Concurrent appends are never lost.

        Raises:
            InvalidInput: The key holds something other than a list, or the list became too large.
        """

    async def delete(self, scope: str, key: str) -> bool:
        """Forget the key; say whether it was there."""


class Span(Protocol):
    """An inner piece of work that the trace shows below its step."""

    def note(self, **facts: Json) -> None:
        """Add facts such as `input=`, `output=`, `status_code=` to the span."""


class NodeContext(Protocol):
    """Everything a node may use of the outside world."""

    @property
    def run_id(self) -> str:
        """Id of the run."""

    @property
    def workspace_id(self) -> str:
        """Id of the workspace."""

    @property
    def workflow_id(self) -> str:
        """Id of the workflow."""

    @property
    def node_id(self) -> str:
        """Id of the node in its graph."""

    @property
    def label(self) -> str:
        """What people call the node."""

    @property
    def path(self) -> str:
        """Where the step is: the node's id with the loops around it, `loop[3]/inner`."""

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""

    @property
    def step_key(self) -> str:
        """An idempotency key, the same in every try: send it with calls that must not count twice."""

    @property
    def max_output_bytes(self) -> int:
        """The most that all values of the step may take up together as JSON."""

    @property
    def trigger(self) -> Json:
        """What started the run."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""

    def emit_text(self, delta: str) -> None:
        """Stream text into the node and the run drawer, best effort: only the output is authoritative."""

    def log(self, message: str, **fields: Json) -> None:
        """Write a line into the step's log."""

    def warn(self, code: str, message: str) -> None:
        """Add a warning to a step that succeeds all the same, such as about an empty answer.

        It is shown on the step and counted on the run. The same warning counts once.
        """

    def span(self, kind: str, name: str, **facts: Json) -> AbstractAsyncContextManager[Span]:
        """Open a child span of the step: kinds `llm`, `tool`, `http`, `code`, `agent`."""

    def evaluate(self, expression: str, **names: Json) -> Json:
        """Evaluate an expression (no braces) in the step's scope, with extra names."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        model: str = "",
        schema: Mapping[str, Any] | None = None,
        tools: Sequence[ToolSpec] = (),
        temperature: float | None = None,
        max_tokens: int | None = None,
        stream: bool = True,
        name: str = "chat",
    ) -> Completion:
        """Call a chat model; an empty `model` means the default one. Usage, cost and a span are recorded.

        While the provider is busy or unreachable the call is tried three times in all. An answer that is empty, or
        cut off but usable, adds a warning.

        Args:
            max_tokens: Bounds the answer; the form's field for it must be called `max_tokens`.

        Raises:
            InvalidInput: A message of the user is empty.
            ModelMissing, ModelUnpriced: No model can serve this, or none with a known price while the cost is limited.
            UpstreamFailed, UpstreamRefused: The provider's error, redacted.
            AnswerCut: The answer was cut off at its maximum length and is unusable; the message names the field.
            OutputInvalid: A schema was given and the answer does not fit it after one repair.
        """

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector of 384 numbers per text, computed on this machine."""

    async def http(self, request: HttpRequest) -> HttpReply:
        """Send an HTTP request through the egress guard.

        Raises:
            UpstreamRefused: The address is not allowed.
            UpstreamFailed: No answer, or the answer broke a limit.
        """

    async def python(
        self, source: str, inputs: Mapping[str, Json], *, timeout_s: float = 5.0
    ) -> CodeResult:
        """Run Python in the sandbox; its last expression, or `result`, is the value.

        Raises:
            CodeFailed: The program raised or hit a limit; the message has its line.
        """

    async def blocking(
        self, function: str, arguments: Mapping[str, Json], *, timeout_s: float | None = None
    ) -> Json:
        """Call a function of a node type that blocks or computes for a long time, in a child process.

        Unlike a thread, the process is killed at the step's time limit and when the run is cancelled.
        Only for pure functions of JSON values.

        Args:
            function: `app.engine.nodes.<package>.<module>:<name>`; it takes the arguments by name.

        Raises:
            StepTimedOut: It took longer than `timeout_s`.
            AppError: What it raised; StepError for any other exception.
        """

    @property
    def memory(self) -> KeyValue:
        """Values kept between runs."""

    async def ask(self, question: Question) -> Answer:
        """Return a person's answer; the first time this ends the step as `waiting_human`.

        Call it before any effect: the node starts again from its top when the answer is there.
        """

    async def wait_until(self, moment: datetime) -> None:
        """Wait, even for days; the first time this ends the step as `waiting`.

        Up to a second is simply slept. Call it before any effect, and only one wait per node: the node
        starts again from its top when the time has come.
        """

    async def wait(self, seconds: float) -> None:
        """Wait for a duration: a clock that is put back meanwhile does not make it longer."""

    async def wait_for_signal(self, name: str, until: datetime | None = None) -> Signal:
        """Return what a signal of this name brought to the run; the first time the step waits.

        As with `wait_until`, the node starts again from its top. Without `until` it waits for ever. `until`
        counts as a duration from now.
        """

    async def run_workflow(self, workflow_id: str, given: Json) -> Json:
        """Run another workflow and return its output; the step waits for it without holding a worker.

        Raises:
            ChildFailed: It failed or was canceled; the message names its run and its error.
            NotFound: There is no such workflow in this workspace.
            InvalidInput: Its trigger does not take this input, or too many runs wait for each other.
        """

    @property
    def body_size(self) -> int:
        """How many nodes the body of this container has."""

    async def run_body(
        self, index: int, names: Mapping[str, Json], *, attempt: int | None = None
    ) -> Json:
        """Run the container's body once; `names` (item, index) are added to its scope.

        Iterations must begin in the order of their numbers. An iteration that failed may be tried again as a
        further attempt, with steps of its own.

        Args:
            attempt: None: the first attempt that had not failed when a person chose to retry the container. With
                a number, an earlier failure of that attempt is raised again, with `context["recalled"]`.

        Returns:
            The value of the body's last node; a dict by node id when there are several.

        Raises:
            Paused: A step in it waits, and nothing else in it can go on.
        """

    async def defer(self, index: int, seconds: float, *, attempt: int = 1) -> None:
        """Let time pass before an iteration of the body, or another try of it.

        Up to six seconds are slept in place, and are over when the run goes on in another process or pauses. A
        longer pause is durable: `run_body` raises Paused for this iteration until it is over, which `woken` tells;
        meanwhile other iterations may run, and a run that has none holds no worker.

        Raises:
            Paused: The run is to pause: do not catch it.
        """

    async def woken(self, index: int, *, attempt: int = 1) -> None:
        """Return once something was delivered for an iteration that waits: run it again, to go on.

        Only containers that run several iterations at once need this. When all iterations have ended or are
        paused, the container raises Paused; later it starts again as a whole.
        """

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools in this node's slots."""

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> Json:
        """Run the node in a tool slot with these arguments and return its output."""

    async def agent(self, spec: AgentSpec) -> AgentResult:
        """Hold a conversation in which the model may call the tools of this node."""
