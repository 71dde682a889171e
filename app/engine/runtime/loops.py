"""A cycle of nodes as one step of the plan around it: a loop that repeats while an edge leads back.

The first iteration begins with the edges that enter the region, each further one with the edges that lead back to its
header. Values from outside stay at ports that nothing inside feeds. The step ends when no edge back is alive; an edge
out of the region is alive if it was alive in any iteration, with its latest value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.engine.graph.document import Edge
from app.engine.payloads import plain
from app.engine.runtime.plan import LoopRegion, PlanNode
from app.engine.sdk import (
    Json,
    NodeConfig,
    NodeContext,
    Ports,
    Result,
    TooManyIterations,
    node,
    port,
)
from app.engine.sdk import field as form_field
from app.kernel.errors import ensure


class Config(NodeConfig):
    """The header's settings."""

    max_iterations: int = form_field(100, title="Most turns", ge=1)


class In(Ports):
    """Values stay at the ports of the nodes inside."""


class Out(Ports):
    """The values of the loop, and how many iterations it had."""

    value: Any = port(title="Value")
    turns: int = port(..., title="Turns")
    nodes: dict[str, Any] = port(..., title="Latest outputs")
    responded: dict[str, Any] | None = port(title="Response")


async def _loop(config: Config, inputs: In, ctx: NodeContext) -> Result:
    """Iterate until no edge leads back."""
    for index in range(config.max_iterations):
        iteration = await ctx.run_body(index, {})
        if not iteration["again"]:
            return Result(iteration["values"], frozenset(iteration["alive"]))
    raise TooManyIterations(
        f"The loop did not end within {config.max_iterations:,} turns. Its condition may never be "
        "met; if it needs more turns, raise the limit in the settings of the node it begins with.",
        partial=iteration["values"]["value"],
        turns=config.max_iterations,
    )


REGION = node(kind="logic.loop", title="Loop", icon="repeat", container=True, body_names=())(_loop)
"""The type of the node that stands for a region; it is not in the catalog, since nobody draws it."""


@dataclass(frozen=True)
class Entry:
    """What arrives at an iteration from outside of it.

    Args:
        live: Edges that make their target run.
        data: Edges that only bring a value.
        dead: Edges that count in this iteration and are not alive.
    """

    live: tuple[Edge, ...] = ()
    data: tuple[Edge, ...] = ()
    dead: tuple[Edge, ...] = ()


@dataclass(frozen=True)
class IterationEnd:
    """How an iteration of a region ended.

    Args:
        left: Edges alive out of the region.
        back: Edges alive to the next iteration.
        ends: Outputs of nodes that led nowhere, by node id.
        response: What the last node that responded gave, and when.
    """

    left: tuple[Edge, ...]
    back: tuple[Edge, ...]
    ends: Mapping[str, Json]
    response: tuple[datetime, Json] | None


class Loop:
    """The state of a region between its iterations.

    Args:
        outputs, ended: Outputs by node id that expressions see, and when they were finished; iterations
            add theirs.

    Attributes:
        entry: What arrives at the next iteration.
    """

    def __init__(
        self,
        container: PlanNode,
        entry: Entry,
        outputs: dict[str, Json],
        ended: dict[str, datetime],
    ) -> None:
        ensure(container.region is not None, "A loop needs a region.")
        assert container.region is not None
        self.entry = entry
        self.outputs = outputs
        self.ended = ended
        self._region: LoopRegion = container.region
        self._iterations = 0
        self._exits: dict[str, dict[str, Json]] = {}
        self._response: tuple[datetime, Json] | None = None

    def close(self, end: IterationEnd) -> dict[str, Json]:
        """Close an iteration; say whether another follows and what the loop has output so far."""
        self._iterations += 1
        for edge in end.left:
            value = self.outputs[edge.source].get(edge.source_port)
            self._exits.setdefault(edge.source, {})[edge.source_port] = value
        if end.response:
            self._response = end.response
        self.entry = self._next(end.back)
        latest = {
            member: {**self._exits.get(member, {}), **self.outputs[member]}
            for member in sorted(self._region.members)
            if member in self.outputs
        }
        left = {node_id: plain(ports) for node_id, ports in self._exits.items()}
        values: dict[str, Json] = {
            "value": _alone(left or end.ends or self._going_back()),
            "turns": self._iterations,
            "nodes": latest,
            "responded": self._response_json(),
        }
        alive = sorted(
            f"{node_id}.{name}" for node_id, ports in self._exits.items() for name in ports
        )
        return {"again": bool(end.back), "values": values, "alive": alive}

    def _next(self, back: tuple[Edge, ...]) -> Entry:
        entry = self.entry
        stay = (*entry.live, *entry.data) if self._iterations == 1 else entry.data
        return Entry(
            live=back,
            data=tuple(edge for edge in stay if edge.id in self._region.kept),
            dead=tuple(edge for edge in self._region.back if edge not in back),
        )

    def _going_back(self) -> dict[str, Json]:
        return {
            edge.source: self.outputs[edge.source].get(edge.source_port) for edge in self.entry.live
        }

    def _response_json(self) -> Json:
        if self._response is None:
            return None
        at, value = self._response
        return {"at": at.isoformat(), "value": value}


def _alone(values: Mapping[str, Json]) -> Json:
    return next(iter(values.values())) if len(values) == 1 else dict(values) or None
