"""A graph ready to run: frozen values with everything the driver needs looked up once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.graph.document import Edge, NodeRef
from app.engine.sdk import NodeType, Port, ToolSpec


@dataclass(frozen=True, eq=False)
class PlanNode:
    """A node with its type, ports and edges at hand.

    Args:
        outputs: Names of the output ports, `error` included when it is there.
        into, out: Edges of the level it lies in; wires into tool slots are not among them.
        config: The form with its defaults filled in.
        schema: JSON Schema of the form.
        tools: What an agent may call from its slots.
        body: What a container runs.
    """

    ref: NodeRef
    type: NodeType
    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    into: tuple[Edge, ...]
    out: tuple[Edge, ...]
    config: Mapping[str, Any]
    schema: Mapping[str, Any]
    tools: tuple["Tool", ...] = ()
    body: "Plan | None" = None

    @property
    def id(self) -> str:
        """The node's id in the graph."""
        return self.ref.id

    @property
    def label(self) -> str:
        """What people call it."""
        return self.ref.label or self.type.title


@dataclass(frozen=True)
class Tool:
    """A node in an agent's tool slot and how it looks to a model."""

    spec: ToolSpec
    node: PlanNode


@dataclass(frozen=True, eq=False)
class Plan:
    """A graph, or the body of a container, ready to run. Immutable; shared by all its runs.

    Args:
        order: Node ids such that the source of an edge stands before its target.
        sources: Nodes that wait for nothing.
        key: Hash of everything that decides how the graph runs; moving a node does not change it.
    """

    key: str
    nodes: Mapping[str, PlanNode]
    order: tuple[str, ...]
    sources: tuple[str, ...]
    triggers: tuple[str, ...]
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False
