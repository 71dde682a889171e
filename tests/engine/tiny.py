"""Tiny node types, and short words to build and run whole graphs of them."""

import asyncio
from dataclasses import replace
from typing import Any

from app.engine.graph.document import Graph, parse_graph
from app.engine.host import Control, Outcome, RunRequest, StepRecord
from app.engine.nodes.logic.for_each import for_each
from app.engine.nodes.logic.merge import merge
from app.engine.nodes.logic.run_workflow import run_workflow
from app.engine.nodes.logic.stop import stop
from app.engine.nodes.logic.wait import wait
from app.engine.nodes.logic.while_ import while_
from app.engine.nodes.tool.http import http
from app.engine.runtime import Plan, execute
from app.engine.runtime import compile as compile_graph
from app.engine.sdk import (
    AgentSpec,
    HttpRequest,
    Message,
    NodeConfig,
    NodeContext,
    NodeType,
    Ports,
    Question,
    Result,
    UpstreamFailed,
    UpstreamRefused,
    field,
    node,
    port,
)
from app.engine.testing import FakeHost


class Nothing(NodeConfig):
    pass


class In(Ports):
    input: Any = port(title="Input")


class Out(Ports):
    value: Any = port(title="Value")


async def ran(ctx: NodeContext) -> None:
    """Note that this step was really executed."""
    await ctx.memory.put("run", "ran", [*(await ctx.memory.get("run", "ran") or []), ctx.path])


class NoPorts(Ports):
    pass


@node(kind="test.start", title="Start", icon="play", trigger=True, quick=True)
async def start(config: Nothing, inputs: NoPorts, ctx: NodeContext) -> Out:
    """Give the run's input."""
    await ran(ctx)
    return Out(value=ctx.trigger)


class Echo(NodeConfig):
    value: Any = field("{{ input }}", title="Value")


@node(kind="test.echo", title="Echo", icon="x", quick=True, tool=True)
async def echo(config: Echo, inputs: In, ctx: NodeContext) -> Out:
    """Give the value of its form."""
    await ran(ctx)
    return Out(value=config.value)


class Noted(Ports):
    value: Any = port(title="Value")
    note: str = port("", title="Note", socket=False)


@node(kind="test.noted", title="Noted", icon="x", quick=True)
async def noted(config: Echo, inputs: In, ctx: NodeContext) -> Noted:
    """Give a value by its socket, and a note that has none."""
    return Noted(value=config.value, note="aside")


@node(kind="test.reply", title="Reply", icon="x", quick=True, responds=True)
async def reply(config: Echo, inputs: In, ctx: NodeContext) -> Out:
    """Answer the run."""
    return Out(value=config.value)


class TextIn(Ports):
    text: str = port(..., title="Text")


@node(kind="test.text", title="Text", icon="x", quick=True)
async def text(config: Nothing, inputs: TextIn, ctx: NodeContext) -> Out:
    """Give back a text that is required."""
    return Out(value=inputs.text)


class Condition(NodeConfig):
    when: Any = field("input", title="When", mode="expression")


class Pair(Ports):
    left: Any = port(title="Left")
    right: Any = port(title="Right")


@node(kind="test.pair", title="Pair", icon="x", quick=True)
async def pair(config: Echo, inputs: Pair, ctx: NodeContext) -> Out:
    """Give both inputs."""
    return Out(value=[inputs.left, inputs.right, config.value])


class Ways(Ports):
    yes: Any = port(title="Yes", branch=True)
    no: Any = port(title="No", branch=True)


async def _fork(config: Condition, inputs: In, ctx: NodeContext) -> Result:
    await ran(ctx)
    way = "yes" if config.when else "no"
    return Result({way: inputs.input}, frozenset({way}))


fork = replace(node(kind="test.fork", title="Fork", icon="x", quick=True)(_fork), outputs=Ways)


class ManyIn(Ports):
    input: list[Any] = port([], title="Input", many=True, type="any")


@node(kind="test.join", title="Join", icon="x", quick=True, merges=True)
async def join(config: Nothing, inputs: ManyIn, ctx: NodeContext) -> Out:
    """Gather."""
    await ran(ctx)
    return Out(value=inputs.input)


class Flaky(NodeConfig):
    fails: int = field(99, title="Fails", description="How many tries fail.")
    how: str = field("busy", title="How")


@node(kind="test.flaky", title="Flaky", icon="x")
async def flaky(config: Flaky, inputs: In, ctx: NodeContext) -> Out:
    """Fail the first tries."""
    await ran(ctx)
    if ctx.attempt <= config.fails:
        if config.how == "busy":
            raise UpstreamFailed("The service is busy.", retry_after_s=0)
        if config.how == "refused":
            raise UpstreamRefused("The key sk-abcdefghijklmnopqrstuvwxyz is wrong.")
        raise ValueError("a bug with sk-abcdefghijklmnopqrstuvwxyz")
    return Out(value=inputs.input)


class Remark(NodeConfig):
    remarks: list[str] = field(title="Remarks", mode="literal", default_factory=list)
    fails: bool = field(False, title="Fails")


@node(kind="test.remark", title="Remark", icon="x")
async def remark(config: Remark, inputs: In, ctx: NodeContext) -> Out:
    """Say something about a step that goes well."""
    for message in config.remarks:
        ctx.warn("test", message)
    if config.fails:
        raise UpstreamRefused("No.")
    return Out(value=inputs.input)


class Meet(NodeConfig):
    others: list[str] = field(title="Others", mode="literal", default_factory=list)


async def _meet(config: Meet, inputs: In, ctx: NodeContext) -> Out:
    await ran(ctx)
    await ctx.memory.put("met", ctx.node_id, True)
    for other in config.others:
        while not await ctx.memory.get("met", other):
            await asyncio.sleep(0.001)
    return Out(value=ctx.node_id)


meet = node(kind="test.meet", title="Meet", icon="x")(_meet)
effect = node(kind="test.effect", title="Effect", icon="x", effects="external", tool=True)(_meet)
peek = node(
    kind="test.peek", title="Peek", icon="x", effects="external", reads_only=lambda config: True
)(_meet)


async def _refused(config: Meet, inputs: In, ctx: NodeContext) -> Out:
    await _meet(config, inputs, ctx)
    raise UpstreamFailed("The service was busy.")


refused = node(kind="test.refused", title="Refused", icon="x", effects="external")(_refused)


@node(kind="test.ask", title="Ask", icon="x", effects="pauses")
async def ask(config: Echo, inputs: In, ctx: NodeContext) -> Out:
    """Ask a person about the value."""
    await ran(ctx)
    answer = await ctx.ask(Question(title="Good?", value=config.value))
    return Out(value=f"{config.value}: {answer.choice}")


@node(kind="test.careless", title="Careless", icon="x", container=True)
async def careless(config: Nothing, inputs: In, ctx: NodeContext) -> Out:
    """Run the body for all items at once, and leave the rest running when one fails."""
    turns = [ctx.run_body(i, {"item": item, "index": i}) for i, item in enumerate(inputs.input)]
    return Out(value=await asyncio.gather(*turns))


class Block(NodeConfig):
    function: str = field("tests.fakes.blocks:sleep_in_c", title="Function")
    arguments: dict[str, Any] = field(title="Arguments", default_factory=lambda: {"seconds": 999})


@node(kind="test.block", title="Block", icon="x")
async def block(config: Block, inputs: In, ctx: NodeContext) -> Out:
    """Work in a way that no thread could be freed from."""
    return Out(value=await ctx.blocking(config.function, config.arguments))


@node(kind="test.cut", title="Cut off", icon="x")
async def cut(config: Nothing, inputs: In, ctx: NodeContext) -> Out:
    """End as a library does that lets its own cancellation out."""
    raise asyncio.CancelledError


@node(kind="test.fetch", title="Fetch", icon="x")
async def fetch(config: Echo, inputs: In, ctx: NodeContext) -> Out:
    """Ask the outside."""
    reply = await ctx.http(HttpRequest(url=config.value))
    return Out(value=reply.text)


class Say(NodeConfig):
    prompt: str = field("{{ input }}", title="Prompt")
    schema_: dict[str, Any] | None = field(None, title="Shape", mode="literal")


@node(kind="test.say", title="Say", icon="x", uses_model=True)
async def say(config: Say, inputs: In, ctx: NodeContext) -> Out:
    """Let the model speak."""
    await ran(ctx)
    completion = await ctx.complete(
        [Message(role="user", text=config.prompt)], schema=config.schema_
    )
    return Out(value=completion.text if completion.data is None else completion.data)


@node(kind="test.quiet", title="Quiet", icon="x", uses_model=True)
async def quiet(config: Say, inputs: In, ctx: NodeContext) -> Out:
    """Let the model speak, and leave no trace in the memory."""
    return Out(value=(await ctx.complete([Message(role="user", text=config.prompt)])).text)


class Task(NodeConfig):
    task: str = field("{{ input }}", title="Task")
    max_turns: int = field(4, title="Turns")
    max_tokens: int | None = field(None, title="Tokens per turn")
    schema_: dict[str, Any] | None = field(None, title="Shape", mode="literal")


class AgentIn(Ports):
    input: Any = port(title="Input")
    tools: list[Any] = port([], title="Tools", type="tool", many=True)


class AgentOut(Ports):
    text: str = port(..., title="Text")
    data: Any = port(title="Data", socket=False)
    called: list[str] = port([], title="Called", socket=False)


@node(kind="test.agent", title="Agent", icon="x", uses_model=True, tool=True)
async def agent(config: Task, inputs: AgentIn, ctx: NodeContext) -> AgentOut:
    """Hold a conversation."""
    result = await ctx.agent(
        AgentSpec(
            instructions="Help.",
            messages=(Message(role="user", text=config.task),),
            max_turns=config.max_turns,
            max_tokens=config.max_tokens,
            schema_=config.schema_,
        )
    )
    return AgentOut(text=result.text, data=result.data, called=list(result.tools_called))


class Catalog:
    """The tiny node types, found like those of the product."""

    def __init__(self, *types: NodeType) -> None:
        self._types = {node_type.kind: node_type for node_type in types}

    def get(self, kind: str) -> NodeType | None:
        return self._types.get(kind)

    def all(self) -> tuple[NodeType, ...]:
        return tuple(self._types.values())


CATALOG = Catalog(
    start, echo, pair, reply, text, fork, join, flaky, remark, meet, effect, peek, refused, cut, fetch,
    ask, say, quiet, block, noted, http, agent, careless, for_each, while_, merge, stop, wait, run_workflow,
)  # fmt: skip


def graph(*nodes: dict[str, Any], edges: str = "") -> Graph:
    """Build a graph: edges are `source[.port]>target[.port]`, the only port when none is named."""
    kinds = {n["id"]: CATALOG.get(n["kind"]) for n in nodes}
    wires = []
    for number, wire in enumerate(edges.split()):
        source, target = wire.split(">")
        source, _, source_port = source.partition(".")
        target, _, target_port = target.partition(".")
        wires.append(
            {
                "id": f"e{number}",
                "source": source,
                "source_port": source_port or "value",
                "target": target,
                "target_port": target_port or kinds[target].input_ports()[0].name,
            }
        )
    return parse_graph({"schema": 1, "nodes": list(nodes), "edges": wires})


def box(
    node_id: str, kind: str = "echo", parent: str | None = None, settings: Any = None, **config: Any
) -> dict[str, Any]:
    """One node of a graph."""
    full = kind if "." in kind else f"test.{kind}"
    return {
        "id": node_id,
        "kind": full,
        "config": config,
        "settings": settings or {},
        "parent": parent,
    }


def plan_of(*nodes: dict[str, Any], edges: str = "") -> Plan:
    return compile_graph(graph(*nodes, edges=edges), CATALOG)


async def run(
    plan: Plan,
    host: FakeHost,
    given: Any = None,
    *,
    cancelled: asyncio.Event | None = None,
    **more: Any,
) -> Outcome:
    """Run a plan on a fake host."""
    request = RunRequest(
        run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=given, **more
    )
    return await execute(plan, request, host, control=Control(cancelled) if cancelled else None)


async def go_on(
    plan: Plan, before: FakeHost, host: FakeHost, given: Any = None, **more: Any
) -> Outcome:
    """Run a plan from where an earlier life stopped, with what that life had made durable."""
    steps = before.journal.steps.values()
    done = {s.path: s for s in steps if s.status in ("succeeded", "failed", "skipped")}
    waiting = {s.path: s for s in steps if s.path not in done}
    host.journal = type(host.journal)(before.journal.next_seq)
    return await run(
        plan, host, given, done=done, waiting=waiting, next_seq=before.journal.next_seq, **more
    )


def statuses(host: FakeHost) -> dict[str, str]:
    return {path: step.status for path, step in host.journal.steps.items()}


def output(host: FakeHost, path: str) -> Any:
    step: StepRecord = host.journal.steps[path]
    return step.output["value"]


async def executed(host: FakeHost) -> list[str]:
    return await host.memory.get("run", "ran") or []
