"""A graph ready to run: frozen values with everything the driver needs already looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.engine.expressions import Form
from app.engine.graph.document import Edge, NodeRef
from app.engine.graph.ports import sockets_of
from app.engine.sdk import NodeType, Port, ToolSpec
from app.engine.sdk.node import Join


@dataclass(frozen=True, eq=False)
class PlanNode:
    """A node with its type, ports and edges at hand.

    Args:
        outputs: Names of the output ports, `error` included when it is there.
        into, out: Edges of the level it is in, without wires into tool slots. Those of a loop region are the edges
            between its nodes and the others.
        config: The form with its defaults filled in.
        form: The same, with what is dynamic in it.
        tools: What an agent may call from its slots.
        body: What a container or a loop region runs.
        region: What makes a loop region of it.
        join: When it starts.
        feeds: Nodes that lead only to this one, when it stops them.
    """

    ref: NodeRef
    type: NodeType
    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    into: tuple[Edge, ...]
    out: tuple[Edge, ...]
    config: Mapping[str, Any]
    form: Form
    tools: tuple["Tool", ...] = ()
    body: "Plan | None" = None
    region: "LoopRegion | None" = None
    join: Join = "decided"
    feeds: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The node's id in the graph."""
        return self.ref.id

    @cached_property
    def inline(self) -> bool:
        """Whether it is executed right where it is decided, without a task of its own: it awaits nothing."""
        settings = self.ref.settings
        return self.type.quick and not (self.body or settings.retries or settings.cache_s)

    @cached_property
    def sockets(self) -> frozenset[str]:
        """Names of the outputs that can be wired to something."""
        return frozenset({"value"}) if self.region else sockets_of(self.ref, self.type)

    @cached_property
    def label(self) -> str:
        """What people call it."""
        return self.ref.label or self.type.title


@dataclass(frozen=True)
class LoopRegion:
    """A cycle of nodes that runs as a loop.

    Args:
        header: Where each iteration after the first begins.
        members: Ids of all its nodes, those of regions inside it included.
        back: Edges that lead to the header from inside.
        kept: Ids of edges from outside whose values stay in later iterations: nothing inside feeds their port.
    """

    header: str
    members: frozenset[str]
    back: tuple[Edge, ...]
    kept: frozenset[str]


@dataclass(frozen=True)
class Tool:
    """A node in an agent's tool slot and how it looks to a model."""

    spec: ToolSpec
    node: PlanNode


@dataclass(frozen=True, eq=False)
class Plan:
    """A graph, the body of a container or one iteration of a loop region, ready to run.

    Immutable; shared by all its runs.

    Args:
        order: Node ids such that the source of an edge comes before its target.
        sources: Nodes that wait for nothing.
        key: Hash of everything that decides how the graph runs; moving a node does not change it.
        counts: How many edges of this plan must be decided before a node is.
        places: Which node of this plan a node of the graph is, or belongs to as part of a region.
        back: Ids of the edges that lead to the next iteration.
        stops: Ids of the nodes that end the run, those in bodies included.
    """

    key: str
    nodes: Mapping[str, PlanNode]
    order: tuple[str, ...]
    sources: tuple[str, ...]
    triggers: tuple[str, ...]
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False
    light: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    back: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()

    @cached_property
    def everywhere(self) -> Mapping[str, PlanNode]:
        """Its nodes and those of all bodies in it, by id, without nodes in tool slots."""
        found = dict(self.nodes)
        for node in self.nodes.values():
            if node.body:
                found.update(node.body.everywhere)
        return found
