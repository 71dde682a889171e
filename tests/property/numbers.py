"""Node types that calculate with small numbers, so that a whole run can be worked out by hand."""

from dataclasses import replace
from typing import Any

from app.engine.graph.document import Graph, parse_graph
from app.engine.nodes.logic.for_each import for_each
from app.engine.nodes.logic.while_ import while_
from app.engine.sdk import (
    Join,
    NodeConfig,
    NodeContext,
    Ports,
    Result,
    UpstreamRefused,
    field,
    node,
    port,
)
from tests.engine.tiny import Catalog

MOST = 50


def mixed(value: Any) -> int:
    """A number made of any value but lists of failures; the order of a list counts."""
    if isinstance(value, dict):
        return mixed([value[key] for key in sorted(value) if key != "failed"])
    if isinstance(value, list):
        return sum(place * mixed(item) for place, item in enumerate(value, 1)) % MOST
    return len(value) if isinstance(value, str) else int(value or 0)


def added(value: Any, plus: int) -> int:
    return (2 * mixed(value) + plus) % MOST


class Nothing(NodeConfig):
    pass


class Modulo(NodeConfig):
    by: int = field(2, title="By")


class Plus(NodeConfig):
    plus: int = field(1, title="Plus")


class Joined(NodeConfig):
    join: str = field("decided", title="Join", mode="literal")


class NoPorts(Ports):
    pass


class In(Ports):
    input: Any = port(title="Input")


class ManyIn(Ports):
    input: list[Any] = port([], title="Input", many=True, type="any")


class Out(Ports):
    value: Any = port(title="Value")


class Ways(Ports):
    yes: Any = port(title="Yes", branch=True)
    no: Any = port(title="No", branch=True)


@node(kind="n.start", title="Start", icon="play", trigger=True, quick=True)
async def start(config: Nothing, inputs: NoPorts, ctx: NodeContext) -> Out:
    """Give the run's input."""
    return Out(value=ctx.trigger)


async def _add(config: Plus, inputs: In, ctx: NodeContext) -> Out:
    return Out(value=added(inputs.input, config.plus))


add = node(kind="n.add", title="Add", icon="x", quick=True)(_add)
slow = node(kind="n.slow", title="Add", icon="x")(_add)


async def _fork(config: Modulo, inputs: In, ctx: NodeContext) -> Result:
    way = "no" if mixed(inputs.input) % config.by else "yes"
    return Result({way: inputs.input}, frozenset({way}))


fork = replace(node(kind="n.fork", title="Fork", icon="x", quick=True)(_fork), outputs=Ways)


def _join(config: Any) -> Join:
    return config["join"]


@node(kind="n.total", title="Total", icon="x", quick=True, merges=True, join_for=_join)
async def total(config: Joined, inputs: ManyIn, ctx: NodeContext) -> Out:
    """Add up, each by its place."""
    return Out(value=mixed(inputs.input))


@node(kind="n.fail", title="Fail", icon="x")
async def fail(config: Modulo, inputs: In, ctx: NodeContext) -> Out:
    """Fail for some numbers."""
    if mixed(inputs.input) % config.by == 0:
        raise UpstreamRefused("No.")
    return Out(value=added(inputs.input, 1))


CATALOG = Catalog(start, add, slow, fork, total, fail, for_each, while_)


def build(nodes: list[dict[str, Any]], wires: list[tuple[str, str, str]]) -> Graph:
    """A graph of these nodes; a wire is source, port, target."""
    edges = [
        {"id": f"e{i}", "source": s, "source_port": p, "target": t, "target_port": "input"}
        for i, (s, p, t) in enumerate(wires)
    ]
    return parse_graph({"nodes": nodes, "edges": edges})
