"""Which steps of an earlier run a new one runs again, and which it copies. Pure.

Running a step again reruns everything after it: what its edges lead to, the containers around it, and what these lead
to in turn. A container that is rerun goes through its iterations and copies whatever in them is not rerun.
"""

import re
from dataclasses import dataclass

from app.engine.runtime.plan import Plan, PlanNode

Chain = tuple[str, ...]
"""Node ids from the outermost container to a node, whatever the iteration."""

_PART = re.compile(r"^(?P<node>[^\[]+)(?:\[(?P<iteration>\d+)(?:\.(?P<attempt>\d+))?\])?$")


@dataclass(frozen=True)
class Place:
    """One part of a path: a node, and for the containers around a step also the iteration and its try."""

    path: str
    node_id: str
    prefix: str
    iteration: int = -1
    attempt: int = 1


def places(path: str) -> tuple[Place, ...]:
    """Split a path into places, from the outermost container to the node itself; empty when it is not a path."""
    found: list[Place] = []
    prefix = ""
    for part in path.split("/"):
        match = _PART.match(part)
        if match is None:
            return ()
        iteration, attempt = match["iteration"], match["attempt"]
        node_id = match["node"]
        found.append(
            Place(
                prefix + node_id,
                node_id,
                prefix,
                -1 if iteration is None else int(iteration),
                1 if attempt is None else int(attempt),
            )
        )
        prefix += part + "/"
    return tuple(found)


def node_at(plan: Plan, path: str) -> PlanNode | None:
    """Find the node of a step in a plan; None when this plan has no such step."""
    level: Plan | None = plan
    node: PlanNode | None = None
    for place in places(path):
        node = level.nodes.get(place.node_id) if level else None
        if node is None:
            return None
        level = node.body if place.iteration >= 0 else None
    return node


class Rerun:
    """Says of each path whether its step is to be rerun in a run of this plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._whole: set[str] = set()
        self._alone: set[str] = set()
        self._last: dict[str, Place] = {}
        self._nodes: set[Chain] = set()
        self._containers: set[Chain] = set()

    def step(self, path: str) -> None:
        """Rerun a step with everything that follows it."""
        self._whole.add(path)
        self.follows(path)

    def only(self, path: str) -> None:
        """Rerun a step, and nothing that follows it."""
        self._alone.add(path)

    def follows(self, path: str) -> None:
        """Rerun what follows a step, but not the step itself."""
        level: Plan | None = self._plan
        around = places(path)
        for place in around:
            node = level.nodes.get(place.node_id) if level else None
            if level is None or node is None:
                return
            self._whole.update(place.prefix + one for one in after(level, node.id))
            if place is not around[-1]:
                self._alone.add(place.path)
                self._last[place.path] = place
            level = node.body

    def changed_since(self, before: Plan) -> None:
        """Rerun what steps of another version cannot stand for: nodes that are new or of
        another kind, and all that follows them.
        """
        self._compare(self._plan, before, ())

    def __contains__(self, path: str) -> bool:
        """Whether the step is to be rerun."""
        around = places(path)
        chain: Chain = tuple(place.node_id for place in around)
        if path in self._alone or chain in self._containers:
            return True
        return any(
            place.path in self._whole or chain[: i + 1] in self._nodes or self._is_later(place)
            for i, place in enumerate(around)
        )

    def _is_later(self, place: Place) -> bool:
        """Whether an iteration began with what a rerun one output, or is a later try of it."""
        last = self._last.get(place.path)
        if last is None or place.iteration < 0:
            return False
        if place.iteration == last.iteration:
            return place.attempt > last.attempt
        container = node_at(self._plan, place.path)
        return place.iteration > last.iteration and not (
            container and container.type.iterations_apart
        )

    def _compare(self, level: Plan, before: Plan, chain: Chain) -> bool:
        """Record what is rerun in a level of the graph; say whether anything is."""
        found = False
        for node in level.nodes.values():
            here, old = (*chain, node.id), before.nodes.get(node.id)
            if old is None or old.type.kind != node.type.kind:
                self._nodes.add(here)
            elif node.body and old.body and self._compare(node.body, old.body, here):
                self._containers.add(here)
            else:
                continue
            found = True
            self._nodes.update((*chain, one) for one in after(level, node.id))
        return found


def stopped_by(plan: Plan, path: str) -> str | None:
    """The path of the merge that stops a step because it lies on a branch that leads only there."""
    around = places(path)
    level: Plan | None = plan
    for place in around[:-1]:
        node = level.nodes.get(place.node_id) if level else None
        level = node.body if node else None
    last = around[-1] if around else None
    if level is None or last is None:
        return None
    merges = (node.id for node in level.nodes.values() if last.node_id in node.feeds)
    return next((last.prefix + merge for merge in merges), None)


def after(level: Plan, node_id: str) -> set[str]:
    """The nodes of a level that can be reached from this one, without the node itself."""
    found: set[str] = set()
    waiting = [node_id]
    while waiting:
        for edge in level.nodes[waiting.pop()].out:
            target = level.places.get(edge.target, edge.target)
            if edge.id not in level.back and target in level.nodes and target not in found:
                found.add(target)
                waiting.append(target)
    return found
