"""The NodeContext of a node: all it does outside itself passes through here and is recorded."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from app.engine.expressions import evaluate
from app.engine.graph.paths import iteration_prefix
from app.engine.payloads import address, error_of, masked, preview
from app.engine.providers.base import ChatRequest
from app.engine.runtime import agents, waiting
from app.engine.runtime.completion import Call, complete
from app.engine.runtime.execution import Step
from app.engine.runtime.interrupts import Asked
from app.engine.runtime.plan import PlanNode
from app.engine.runtime.queueing import place
from app.engine.runtime.retry import LONG_S
from app.engine.runtime.spans import OpenSpan, current_span, open_span
from app.engine.sdk import (
    AgentResult,
    AgentSpec,
    Answer,
    CodeResult,
    Completion,
    HttpReply,
    HttpRequest,
    Json,
    KeyValue,
    Message,
    Question,
    Signal,
    ToolSpec,
)
from app.kernel.errors import AppError, InvalidInput, StepError, ensure
from app.kernel.ids import derived_id

RunBody = Callable[[int, Mapping[str, Json], int], Awaitable[Json]]
RunTool = Callable[[PlanNode, Mapping[str, Json]], Awaitable[Json]]


class StepContext:
    """What one attempt of a step may use; a tool called in it has its own, with the same step.

    Args:
        names: What expressions may use.
        run_body: Runs the node's body, when it has one.
        run_tool: Runs a node from one of its tool slots.
    """

    def __init__(
        self,
        step: Step,
        node: PlanNode,
        names: Mapping[str, Json],
        run_body: RunBody,
        run_tool: RunTool,
    ) -> None:
        self._step = step
        self._node = node
        self._names = names
        self._run_body = run_body
        self._run_tool = run_tool
        self._iterations: set[asyncio.Task[Any]] = set()
        self._until = time.monotonic() + node.ref.settings.timeout_s

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self._step.execution.request.run_id

    @property
    def workspace_id(self) -> str:
        """Id of the workspace."""
        return self._step.execution.request.workspace_id

    @property
    def workflow_id(self) -> str:
        """Id of the workflow."""
        return self._step.execution.request.workflow_id

    @property
    def node_id(self) -> str:
        """Id of the node in its graph."""
        return self._node.id

    @property
    def label(self) -> str:
        """What people call the node."""
        return self._node.label

    @property
    def path(self) -> str:
        """Where the step is: the node's id with the loops around it."""
        return self._step.record.path

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        return self._step.record.attempt

    @property
    def step_key(self) -> str:
        """An idempotency key, the same in every try."""
        return self._step.key

    @property
    def max_output_bytes(self) -> int:
        """The maximum size of all values of the step together as JSON."""
        return self._step.execution.request.limits.max_output_bytes

    @property
    def trigger(self) -> Json:
        """What started the run."""
        self._step.is_impure = True
        return self._names["trigger"]

    @property
    def memory(self) -> KeyValue:
        """Values kept between runs."""
        self._step.is_impure = True
        return self._step.execution.host.memory

    @property
    def body_size(self) -> int:
        """How many nodes the body of this container has."""
        return len(self._node.body.nodes) if self._node.body else 0

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools in this node's slots."""
        return tuple(tool.spec for tool in self._node.tools)

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._step.execution.host.now()

    def emit_text(self, delta: str) -> None:
        """Stream text into the node and the run drawer."""
        self._step.execution.recorder.text(delta, self._step.record, current_span())

    def log(self, message: str, **fields: Json) -> None:
        """Write a line into the step's log."""
        line = {"message": masked(message), "fields": masked(fields)}
        self._step.execution.recorder.note_event(
            "step.log", line, self._step.record, current_span()
        )

    def warn(self, code: str, message: str) -> None:
        """Add a warning to a step that succeeds nevertheless."""
        self._step.warn(code, masked(message))

    def span(self, kind: str, name: str, **facts: Json) -> AbstractAsyncContextManager[OpenSpan]:
        """Open a child span of the step."""
        return open_span(self._step, kind, name, **facts)

    def evaluate(self, expression: str, **names: Json) -> Json:
        """Evaluate an expression in the step's scope, with extra names."""
        self._step.is_impure = True
        return evaluate(expression, {**self._names, **names})

    async def complete(  # noqa: PLR0913 - as the protocol says
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
        """Call a chat model; usage, cost and a span are recorded."""
        request = ChatRequest(tuple(messages), tuple(tools), schema, temperature, max_tokens)
        emit = self.emit_text if stream else None
        return await complete(Call(self._step, self._node, model, request, name, emit, self._until))

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector of 384 numbers per text."""
        return await self._step.execution.host.embed(texts)

    async def http(self, request: HttpRequest) -> HttpReply:
        """Send an HTTP request through the egress guard, as a span."""
        url = address(request.url)
        async with self.span(
            "http", f"{request.method} {url}", method=request.method, url=url
        ) as span:
            async with place(self._step, "http", span):
                reply = await self._step.execution.host.http(request)
            span.note(status_code=reply.status, bytes=len(reply.text), final_url=address(reply.url))
        return reply

    async def python(
        self, source: str, inputs: Mapping[str, Json], *, timeout_s: float = 5.0
    ) -> CodeResult:
        """Run Python in the sandbox, as a span."""
        async with self.span("code", "python", source=source) as span:
            async with place(self._step, "sandbox", span):
                result = await self._step.execution.host.python(source, inputs, timeout_s)
            span.note(printed=result.printed, result=preview(result.value))
        return result

    async def blocking(
        self, function: str, arguments: Mapping[str, Json], *, timeout_s: float | None = None
    ) -> Json:
        """Call a function of a node type in a child process, as a span."""
        name = function.rpartition(":")[2].strip("_")
        async with (
            self.span("code", name, function=function) as span,
            place(self._step, "blocking", span),
        ):
            return await self._step.execution.host.blocking(function, arguments, timeout_s)

    async def ask(self, question: Question) -> Answer:
        """Return a person's answer; the first time this ends the step as `waiting_human`."""
        self._step.is_impure = True
        answer = self._step.execution.deliveries.answers.get(self.path)
        if answer is None:
            raise Asked(derived_id("approval", self.run_id, self.path), question, self.path)
        return answer

    async def wait_until(self, moment: datetime) -> None:
        """Wait until a moment; more than a second ends the step as `waiting`, once."""
        await waiting.until(self._step, moment)

    async def wait(self, seconds: float) -> None:
        """Wait for a duration; more than a second ends the step as `waiting`, once."""
        await waiting.until(self._step, self.now() + timedelta(seconds=seconds), lasts=True)

    async def wait_for_signal(self, name: str, until: datetime | None = None) -> Signal:
        """Return what the signal brought; the first time this ends the step as `waiting`."""
        self._step.is_impure = True
        return waiting.for_signal(self._step, name, until)

    async def run_workflow(self, workflow_id: str, given: Json) -> Json:
        """Return the output of another workflow; the first time this ends the step as `waiting`."""
        self._step.is_impure = True
        return await waiting.for_workflow(self._step, workflow_id, given)

    async def run_body(
        self, index: int, names: Mapping[str, Json], *, attempt: int | None = None
    ) -> Json:
        """Run the container's body once, with more names for its expressions."""
        task = asyncio.current_task()
        ensure(task is not None, "A body runs in a task.")
        if task is not None:
            self._iterations.add(task)
        if attempt is not None:
            return await self._run_body(index, names, attempt)
        for earlier in range(1, self.attempt):
            try:
                return await self._run_body(index, names, earlier)
            except StepError as error:
                if not error.context.get("recalled"):
                    raise
        return await self._run_body(index, names, self.attempt)

    async def defer(self, index: int, seconds: float, *, attempt: int = 1) -> None:
        """Let time pass before an iteration: sleep if it is short, store a wait if it is long."""
        if seconds > LONG_S:
            waiting.defer(self._step, index, attempt, seconds)
        else:
            await self._step.execution.sleep(seconds)

    async def woken(self, index: int, *, attempt: int = 1) -> None:
        """Return once something was delivered for a waiting iteration of the body."""
        await self._step.execution.woken(iteration_prefix(self.path, index, attempt))

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> Json:
        """Run the node in a tool slot with these arguments and return its output."""
        found = next((known for known in self._node.tools if known.spec.name == tool), None)
        if found is None:
            known = ", ".join(f"'{spec.name}'" for spec in self.tools) or "none"
            raise InvalidInput(f"There is no tool '{tool}'. Known: {known}.")
        recorder, record = self._step.execution.recorder, self._step.record
        async with self.span("tool", tool, arguments=dict(arguments)) as span:
            details = {"tool": tool, "arguments": masked(dict(arguments))}
            recorder.note_event("tool.request", details, record, span.record.id)
            try:
                result = await self._run_tool(found.node, arguments)
            except AppError as error:
                details = {"tool": tool, "error": error_of(error)}
                recorder.note_event("tool.response", details, record, span.record.id)
                raise
            span.note(result=result)
            details = {"tool": tool, "preview": preview(result)}
            recorder.note_event("tool.response", details, record, span.record.id)
        return result

    async def agent(self, spec: AgentSpec) -> AgentResult:
        """Hold a conversation in which the model may call the tools of this node."""
        recorder, record = self._step.execution.recorder, self._step.record
        async with self.span(
            "agent", self.label, model=spec.model, instructions=spec.instructions
        ) as span:
            asked = {"tools": [tool.name for tool in self.tools], "max_turns": spec.max_turns}
            recorder.note_event("agent.request", asked, record, span.record.id)
            result = await agents.converse(self, spec)
            span.note(output=result.text, tools_called=list(result.tools_called))
            answered = {"preview": preview(result.text), "tools_called": list(result.tools_called)}
            recorder.note_event("agent.response", answered, record, span.record.id)
        return result

    async def close(self) -> None:
        """Cancel iterations of the body that the node left running when it failed."""
        if not self._iterations:
            return
        left = [
            task
            for task in self._iterations
            if task is not asyncio.current_task() and not task.done()
        ]
        for task in left:
            task.cancel()
        await self._step.execution.await_all(left)
