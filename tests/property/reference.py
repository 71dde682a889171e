"""A slow interpreter of graphs that is meant to be obviously right; it shares no code with the driver.

It knows the node types of `tests.property.numbers` and works on the document itself. A level is gone through again and
again: a node or circle whose incoming edges are all decided is executed on the spot, one after the other, until nothing is
left. Circles are found by asking who reaches whom.
"""

from dataclasses import dataclass, field
from typing import Any

from app.engine.graph.document import Edge, Graph, NodeRef
from tests.property.numbers import ITEMS, Failed, mixed


class RunFailed(Exception):
    """A step failed and nobody handled it."""


@dataclass
class Level:
    """The nodes beside each other in one container, or in the graph."""

    nodes: list[NodeRef]
    edges: list[Edge]


@dataclass
class Walked:
    """What came of a walk: the edges that leave it or lead back, alive, with their values; and what ran."""

    out: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    led_on: set[str] = field(default_factory=set)
    alive: dict[str, Any] = field(default_factory=dict)


class Reference:
    """One run of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.steps: dict[str, str] = {}
        self.outputs: dict[str, Any] = {}

    def run(self, given: Any) -> Any:
        """Return the output of the run.

        Raises:
            RunFailed: It failed.
        """
        walked = self.walk(self.level(None), [n.id for n in self.level(None).nodes], set(), {}, {}, set(), "", given)
        return alone(walked.given_by_leaves)

    def level(self, parent: str | None) -> Level:
        nodes = [node for node in self.graph.nodes if node.parent == parent]
        ids = {node.id for node in nodes}
        return Level(nodes, [edge for edge in self.graph.edges if edge.source in ids and edge.target in ids])
