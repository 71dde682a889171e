"""Fakes of the host and the run of a node type's examples, for tests of nodes and graphs."""

import asyncio
import hashlib
import importlib
import itertools
import math
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.engine.events import Event
from app.engine.expressions import Form, evaluate
from app.engine.graph.document import NodeRef
from app.engine.host import (
    ApprovalRecord,
    CachedOutput,
    ChildRequest,
    Delivery,
    Fact,
    Limits,
    LlmCallRecord,
    Pool,
    RunPatch,
    RunRequest,
    SpanRecord,
    StepRecord,
    WaitRecord,
)
from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.runtime.context import StepContext
from app.engine.runtime.execution import Execution, Level, Step
from app.engine.runtime.plan import Plan, PlanNode, Tool
from app.engine.runtime.prepare import prepare
from app.engine.runtime.scope import names_for
from app.engine.runtime.waiting import child_id
from app.engine.sdk import (
    Answer,
    CodeResult,
    Example,
    HttpReply,
    HttpRequest,
    InvalidInput,
    Json,
    NodeType,
    Ports,
    Result,
    ToolCall,
    ToolSpec,
    Usage,
)
from app.kernel.errors import Fenced, UpstreamFailed, ensure

World = Mapping[str, Any]
RunPython = Callable[[str, Mapping[str, Json], float], Awaitable[CodeResult]]
Blocking = Callable[[str, Mapping[str, Json], float | None], Awaitable[Json]]
Embed = Callable[[Sequence[str]], Awaitable[list[list[float]]]]


class FakeJournal:
    """A journal in memory. It refuses facts out of order, as the durable one would.

    Attributes:
        facts: Everything written, in order; `streamed` holds ephemeral events.
        commits: How often somebody waited for a commit.
        fenced_at: Refuse the commit with this number, counted from 1.
    """

    def __init__(self, next_seq: int = 1) -> None:
        self.facts: list[Fact] = []
        self.streamed: list[Event] = []
        self.commits = 0
        self.fenced_at: int | None = None
        self._next_seq = next_seq

    async def record(self, *facts: Fact) -> None:
        """Take facts as committed."""
        await self.post(*facts)

    def post(self, *facts: Fact) -> asyncio.Future[None]:
        """Take facts as committed."""
        self.commits += 1
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.fenced_at is not None and self.commits >= self.fenced_at:
            done.set_exception(Fenced())
        else:
            self.note(*facts)
            done.set_result(None)
        return done

    def note(self, *facts: Fact) -> None:
        """Take facts; events must follow each other without a gap."""
        ensure(self.fenced_at is None or self.commits < self.fenced_at, "A fenced run wrote.")
        for fact in facts:
            if isinstance(fact, Event):
                ensure(
                    fact.seq == self._next_seq,
                    f"Event {fact.seq} came when {self._next_seq} was due.",
                )
                self._next_seq += 1
        self.facts.extend(facts)

    def stream(self, event: Event) -> None:
        """Take an ephemeral event."""
        ensure(event.seq == 0, "An ephemeral event has no number.")
        self.streamed.append(event)

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        return self._next_seq

    @property
    def events(self) -> list[Event]:
        """All numbered events."""
        return [fact for fact in self.facts if isinstance(fact, Event)]

    @property
    def steps(self) -> dict[str, StepRecord]:
        """The last record of each step by path."""
        return {fact.path: fact for fact in self.facts if isinstance(fact, StepRecord)}

    @property
    def spans(self) -> dict[str, SpanRecord]:
        """The last record of each span by id."""
        return {fact.id: fact for fact in self.facts if isinstance(fact, SpanRecord)}

    @property
    def calls(self) -> list[LlmCallRecord]:
        """The ledger of model calls."""
        return [fact for fact in self.facts if isinstance(fact, LlmCallRecord)]

    @property
    def approvals(self) -> dict[str, ApprovalRecord]:
        """Questions by step path."""
        return {fact.step_path: fact for fact in self.facts if isinstance(fact, ApprovalRecord)}

    @property
    def waits(self) -> dict[str, WaitRecord]:
        """What steps, and iterations that were deferred, wait for, by path or prefix."""
        return {fact.place: fact for fact in self.facts if isinstance(fact, WaitRecord)}

    @property
    def patches(self) -> list[RunPatch]:
        """Changes of the run's own row."""
        return [fact for fact in self.facts if isinstance(fact, RunPatch)]


class FakeModel:
    """A model that answers from a script of texts, `{"tool": name, "arguments": {…}}` and errors.

    Attributes:
        requests: What it was asked, in order.
    """

    def __init__(
        self, script: Sequence[Any], provider: str = "fake", name: str = "scripted"
    ) -> None:
        self.info = ModelInfo(
            ref=f"{provider}/{name}", provider=provider, name=name, title="Scripted model"
        )
        self.requests: list[ChatRequest] = []
        self._script = iter(script)
        self._calls = itertools.count(1)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Give the next answer of the script; each word of question and answer is a token."""
        self.requests.append(request)
        said = next(self._script, None)
        if said is None:
            raise UpstreamFailed("The scripted model has no answer left.")
        if isinstance(said, BaseException):
            raise said
        if isinstance(said, Mapping):
            call = ToolCall(
                id=f"call_{next(self._calls)}",
                name=said["tool"],
                arguments=said.get("arguments", {}),
            )
            yield Delta(
                tool_calls=(call,),
                usage=Usage(input_tokens=10, output_tokens=5),
                finish_reason="tool_calls",
            )
            return
        for word in re.findall(r"\S+\s*|\s+", said):
            yield Delta(text=word)
        asked = sum(len(message.text.split()) for message in request.messages)
        yield Delta(
            usage=Usage(input_tokens=asked, output_tokens=len(said.split())),
            model=self.info.name,
            finish_reason="stop",
        )


class FakeModels:
    """A registry with one model, at a price in micro-dollars per token (None: unpriced)."""

    def __init__(self, model: FakeModel, price: int | None = 1) -> None:
        self.model = model
        self.price = price

    async def find(self, ref: str) -> FakeModel:
        """Return the model, whatever is asked for."""
        return self.model

    def cost_microusd(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int
    ) -> int | None:
        """Price of a call."""
        return None if self.price is None else (input_tokens + output_tokens) * self.price


class FakeMemory:
    """Values in memory; what the world gave at the start is there in every scope."""

    def __init__(self, start: Mapping[str, Json]) -> None:
        self._start = dict(start)
        self._values: dict[tuple[str, str], Json] = {}

    async def get(self, scope: str, key: str) -> Json:
        """Return the stored value, or None."""
        return self._values.get((scope, key), self._start.get(key))

    async def put(self, scope: str, key: str, value: Json) -> None:
        """Store a value."""
        self._values[scope, key] = value

    async def append(self, scope: str, key: str, value: Json, keep: int) -> list[Json]:
        """Add to the list under the key."""
        old = await self.get(scope, key)
        if not isinstance(old, list | None):
            raise InvalidInput(f"'{key}' holds no list to append to.", field="key")
        self._values[scope, key] = new = [*(old or []), value][-keep:]
        return new

    async def delete(self, scope: str, key: str) -> bool:
        """Forget the key; say whether it was there."""
        there = await self.get(scope, key) is not None
        self._values[scope, key] = None
        return there


class FakeCache:
    """Kept outputs by key, fresh for ever."""

    def __init__(self) -> None:
        self.kept: dict[str, CachedOutput] = {}

    async def get(self, key: str) -> CachedOutput | None:
        """Return what is kept."""
        return self.kept.get(key)

    async def put(self, key: str, value: CachedOutput, seconds: float) -> None:
        """Keep it."""
        self.kept[key] = value


Place = Callable[[Pool, Callable[[int], None]], AbstractAsyncContextManager[None]]


class FakeHost:
    """The world of a run, made of the `world` of an example.

    Args:
        world: `models` (script of the model), `price` (micro-dollars per token, None: unpriced),
            `http` ({url: reply} or replies in order, a reply being
            {status, headers, text}), `memory` ({key: value}), `answer` (a person's).
        python, embed, blocking, place: Real parts for these; without them code is refused, texts are
            alike that share words, blocking functions are called in place, and there is always a place.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        python: RunPython | None = None,
        embed: Embed | None = None,
        blocking: Blocking | None = None,
        place: Place | None = None,
    ) -> None:
        self.world = world or {}
        self.journal = FakeJournal()
        self.model = FakeModel(self.world.get("models", ()))
        self.models = FakeModels(self.model, self.world.get("price", 1))
        self.memory = FakeMemory(self.world.get("memory", {}))
        self.cache = FakeCache()
        self.requests: list[HttpRequest] = []
        self.children: dict[str, ChildRequest] = {}
        self.pending: list[Delivery] = []
        self._python, self._embed, self._blocking, self._place = python, embed, blocking, place
        self._ids, self._ticks = itertools.count(1), itertools.count()

    def now(self) -> datetime:
        """A clock that moves by a millisecond at each look."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=next(self._ticks))

    def new_id(self, noun: str) -> str:
        """A fresh id, counted."""
        return f"{noun}_{next(self._ids)}"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit vectors of 384 numbers."""
        return await self._embed(texts) if self._embed else [_bag_of_words(text) for text in texts]

    async def http(self, request: HttpRequest) -> HttpReply:
        """Answer a request from the world."""
        replies = self.world.get("http", {})
        found = (
            replies.get(request.url)
            if isinstance(replies, Mapping)
            else dict(enumerate(replies)).get(len(self.requests))
        )
        self.requests.append(request)
        if found is None:
            raise UpstreamFailed(f"Nobody answers at {request.url}.")
        if isinstance(found, BaseException):
            raise found
        return HttpReply(
            status=found.get("status", 200),
            headers=found.get("headers", {}),
            text=found.get("text", ""),
            url=found.get("url", request.url),
        )

    async def python(self, source: str, inputs: Mapping[str, Json], timeout_s: float) -> CodeResult:
        """Run Python in the sandbox that was given."""
        if self._python is None:
            raise UpstreamFailed("This test has no sandbox.")
        return await self._python(source, inputs, timeout_s)

    async def blocking(
        self, function: str, arguments: Mapping[str, Json], timeout_s: float | None
    ) -> Json:
        """Call the function: in the processes that were given, else right here."""
        if self._blocking is not None:
            return await self._blocking(function, arguments, timeout_s)
        module, _, name = function.partition(":")
        return getattr(importlib.import_module(module), name)(**arguments)

    def place(self, pool: Pool, waits: Callable[[int], None]) -> AbstractAsyncContextManager[None]:
        """A place: in the pools that were given, else there is always one."""
        return self._place(pool, waits) if self._place else nullcontext()

    async def deliveries(self) -> list[Delivery]:
        """What the test says has come; once."""
        pending, self.pending = self.pending, []
        return pending

    async def start_child(self, child: ChildRequest) -> None:
        """Take the run as started."""
        self.children[child.run_id] = child


@dataclass(frozen=True)
class Ran:
    """What an example did.

    Args:
        alive: Output ports that live on; None: all.
    """

    values: dict[str, Json]
    alive: frozenset[str] | None
    host: FakeHost = field(repr=False)


async def run_example(
    node_type: NodeType,
    example: Example,
    *,
    python: RunPython | None = None,
    embed: Embed | None = None,
) -> Ran:
    """Run a node type's function as an example says; expressions of its form are resolved.

    Besides what FakeHost knows, its world may hold `trigger` (the run's input), `vars`, `nodes`
    (outputs by node id), `args`, `attempt`, `wait_result` (a signal, or that it timed out), `child` (how the
    workflow ended that it calls), `body` (an expression over `item` and `index`: what the
    container's body gives) and `tools` ({name: result}).

    Raises:
        Exception: Whatever the node raises.
    """
    world = example.world or {}
    host = FakeHost(world, python=python, embed=embed)
    node = lone_node(
        node_type, example.config.model_dump(mode="json"), tools=world.get("tools", {})
    )
    answer = world.get("answer")
    request = RunRequest(
        run_id="run_example",
        workspace_id="wsp_example",
        workflow_id="wfl_example",
        input=world.get("trigger"),
        vars=world.get("vars", {}),
        answers={node.id: Answer.model_validate(answer)} if answer else {},
        wait_results=_wait_results(node.id, world),
        limits=Limits(timeout_s=30),
    )
    plan = Plan("example", {node.id: node}, (node.id,), (node.id,), ())
    level = Level(Execution(plan, request, host), plan, outputs=dict(world.get("nodes", {})))
    step = Step(level, node)
    step.record = replace(step.record, attempt=world.get("attempt", 1))
    values = example.inputs.model_dump(mode="json")
    names = {**names_for(level, node, values, None), "args": world.get("args", {})}
    context = _ExampleContext(step, node, names, world)
    prepared = prepare(node, values, names)
    result = await node_type.run(prepared.config, prepared.inputs, context)
    if isinstance(result, Ports):
        return Ran(result.model_dump(mode="json"), None, host)
    ensure(isinstance(result, Result), f"{node_type.kind} gave back {type(result).__name__}")
    return Ran(dict(result.values), result.alive, host)


def _wait_results(path: str, world: World) -> dict[str, Json]:
    """What the example says has come: a signal or the time, or how a called workflow ended."""
    if "child" in world:
        return {path: {"run_id": child_id("run_example", path, 1), **world["child"]}}
    return {path: world["wait_result"]} if "wait_result" in world else {}


def lone_node(
    node_type: NodeType, config: Mapping[str, Any], *, tools: Mapping[str, Json] | None = None
) -> PlanNode:
    """Make a node of its own, without edges; `tools` are the results of fake tools in its slots."""
    body = Plan("body", {}, (), (), ()) if node_type.container else None
    return PlanNode(
        ref=NodeRef(id="node", kind=node_type.kind, config=config),
        type=node_type,
        inputs=node_type.input_ports(),
        outputs=tuple(port.name for port in node_type.output_ports(config)),
        into=(),
        out=(),
        config=config,
        form=Form(config, node_type.config_schema()),
        tools=tuple(_fake_tool(name, node_type) for name in tools or {}),
        body=body,
    )


def _fake_tool(name: str, node_type: NodeType) -> Tool:
    anything = {"type": "object", "properties": {}}
    ref = NodeRef(id=re.sub(r"\W", "_", name.lower()), kind=node_type.kind)
    return Tool(
        ToolSpec(name=name, parameters=anything),
        PlanNode(ref, node_type, (), (), (), (), {}, Form({}, {})),
    )


class _ExampleContext(StepContext):
    """The real context, but body and tools come from the example's world."""

    def __init__(self, step: Step, node: PlanNode, names: Mapping[str, Json], world: World) -> None:
        async def run_body(index: int, more: Mapping[str, Json], attempt: int) -> Json:
            return evaluate(world["body"], {**names, "index": index, "attempt": attempt, **more})

        async def run_tool(tool: PlanNode, arguments: Mapping[str, Json]) -> Json:
            found = next(
                name for name in world["tools"] if re.sub(r"\W", "_", name.lower()) == tool.id
            )
            result = world["tools"][found]
            if isinstance(result, BaseException):
                raise result
            return result

        super().__init__(step, node, names, run_body, run_tool)
        self._has_body = "body" in world

    @property
    def body_size(self) -> int:
        """One node when the world has a body."""
        return int(self._has_body)


def _bag_of_words(text: str) -> list[float]:
    """A unit vector that is near that of a text with the same words."""
    vector = [0.0] * 384
    for word in re.findall(r"\w+", text.lower()):
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) % 384] += 1.0
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length else [1.0, *vector[1:]]
