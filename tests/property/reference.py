"""A slow interpreter of graphs that is meant to be obviously right; it shares no code with the driver.

It knows the node types of `numbers.py` and works on the document itself. The nodes beside each other are gone
through again and again: one whose incoming edges are all decided is executed on the spot, until none is left.
Circles are found by asking who reaches whom, and are executed like one node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.graph.document import Edge, Graph, NodeRef
from tests.property.numbers import added, mixed

Values = Mapping[str, Any]  # what arrives, by the id of the edge


class RunFailed(Exception):
    """A step failed and nobody handled it."""


@dataclass
class Here:
    """What arrives at some nodes from outside of them.

    Args:
        live: What makes a node run.
        data: What only brings a value.
        dead: Nodes that an edge which counts did not reach.
        item: What arrives at nodes that nothing is wired to, in a list; empty: nothing does.
    """

    prefix: str = ""
    live: Values = field(default_factory=dict)
    data: Values = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    item: tuple[Any, ...] = ()


@dataclass
class Came:
    """What came of a node or circle: the edges alive out of it with their values, and what it gave."""

    alive: dict[str, Any] = field(default_factory=dict)
    gave: tuple[Any, ...] = ()


class Reference:
    """One run of a graph."""

    def __init__(self, graph: Graph, given: Any) -> None:
        self.graph = graph
        self.given = given
        self.steps: dict[str, tuple[str, Any]] = {}
        self.failed_turns: list[str] = []

    def run(self) -> Any:
        """Return the output of the run.

        Raises:
            RunFailed: It failed.
        """
        return self.level(None, Here())

    def level(self, parent: str | None, here: Here) -> Any:
        """Execute the graph, or a body once: what the nodes without outgoing edges gave."""
        ids = [node.id for node in self.graph.nodes if node.parent == parent]
        _, gave, _ = self.walk(ids, self.between(ids), here)
        wires = self.between(ids)
        return alone(
            {
                name: value
                for name, (value, inside) in gave.items()
                if not any(e.source in inside and e.target not in inside for e in wires)
            }
        )

    def between(self, ids: Sequence[str]) -> list[Edge]:
        return [e for e in self.graph.edges if e.source in ids and e.target in ids]

    def walk(
        self, ids: Sequence[str], inner: Sequence[Edge], here: Here
    ) -> tuple[dict[str, Any], dict[str, tuple[Any, set[str]]], set[str]]:
        """Execute nodes of which `inner` are the edges that count.

        Returns:
            The edges alive that lead elsewhere, what each node or circle gave, and from which nodes it went on.
        """
        led: set[str] = set()
        groups = circles(ids, inner)
        left = [*groups, *({n} for n in ids if not any(n in g for g in groups))]
        state: dict[str, tuple[bool, Any]] = {}
        elsewhere: dict[str, Any] = {}
        gave: dict[str, tuple[Any, set[str]]] = {}
        while left:
            into = {
                i: [e for e in inner if e.target in group and e.source not in group]
                for i, group in enumerate(left)
            }
            at = next(i for i, edges in into.items() if all(e.id in state for e in edges))
            group = left.pop(at)
            mine = Here(
                here.prefix,
                {e.id: state[e.id][1] for e in into[at] if state[e.id][0]}
                | {k: v for k, v in here.live.items() if self.edge(k).target in group},
                {k: v for k, v in here.data.items() if self.edge(k).target in group},
                frozenset(e.target for e in into[at] if not state[e.id][0]) | (here.dead & group),
                here.item,
            )
            if group in groups:
                within = [e for e in inner if e.source in group and e.target in group]
                name, came = self.circle([n for n in ids if n in group], within, mine)
            else:
                name, came = next(iter(group)), self.node(self.graph.by_id[next(iter(group))], mine)
            if came.gave:
                gave[name] = (came.gave[0], group)
            counted = {e.id for e in inner}
            for edge in self.graph.edges:
                if edge.source in group and edge.id in counted and edge.target not in group:
                    state[edge.id] = (edge.id in came.alive, came.alive.get(edge.id))
            elsewhere |= {k: v for k, v in came.alive.items() if k not in counted}
            led |= {self.edge(k).source for k in came.alive}
        return elsewhere, gave, led

    def circle(self, ids: list[str], within: list[Edge], here: Here) -> tuple[str, Came]:
        """Execute a circle turn by turn."""
        entered = [
            n for n in ids if any(e.target == n and e.source not in ids for e in self.graph.edges)
        ]
        header = (entered or ids)[0]
        path = f"{here.prefix}loop_{header}"
        if not here.live:
            self.steps[path] = ("skipped", None)
            return f"loop_{header}", Came()
        back = {e.id for e in within if e.target == header}
        fed = {e.target for e in within}  # all have one port
        came = Came()
        for turn in range(self.graph.by_id[header].settings.max_iterations):
            inside = Here(f"{path}[{turn}]/", here.live, here.data, here.dead, here.item)
            out, gave, led = self.walk(ids, [e for e in within if e.id not in back], inside)
            again = {k: v for k, v in out.items() if k in back}
            came.alive |= {k: v for k, v in out.items() if k not in back}
            stay = {**here.live, **here.data} if turn == 0 else here.data
            if not again:
                ends = {name: v for name, (v, members) in gave.items() if not members & led}
                by_node: dict[str, dict[str, Any]] = {}
                for k, v in came.alive.items():
                    by_node.setdefault(self.edge(k).source, {})[self.edge(k).source_port] = v
                left = {n: alone_port(ports) for n, ports in by_node.items()}
                value = alone(left or ends)
                self.steps[path] = ("succeeded", turn + 1)
                came.gave = (value,)
                return f"loop_{header}", came
            here = Here(
                here.prefix,
                again,
                {k: v for k, v in stay.items() if self.edge(k).target not in fed},
                frozenset({header}) if back - set(again) else frozenset(),
                here.item,
            )
        self.steps[path] = ("failed", None)
        raise RunFailed

    def edge(self, edge_id: str) -> Edge:
        return next(e for e in self.graph.edges if e.id == edge_id)

    def node(self, node: NodeRef, here: Here) -> Came:
        """Execute one node."""
        path = here.prefix + node.id
        into = [e for e in self.graph.edges if e.target == node.id]
        misses = node.config.get("join") == "all" and here.dead
        if into and (not here.live or misses):
            self.steps[path] = ("skipped", None)
            return Came()
        merges = node.kind == "n.total"
        values = [
            {**here.data, **here.live}[e.id] for e in into if e.id in here.live or e.id in here.data
        ] or list(here.item if not into else ())
        given = values if merges else next(iter(values), None)
        if node.settings.disabled:
            first = (self.given if node.kind == "n.start" else next(iter(values), None),)
            ports = dict.fromkeys(["yes", "no"] if node.kind == "n.fork" else ["value"], first[0])
        else:
            ports = self.execute(node, path, given)
        self.steps.setdefault(path, ("succeeded", ports))
        alive = {
            e.id: ports[e.source_port]
            for e in self.graph.edges
            if e.source == node.id and e.source_port in ports
        }
        if (
            here.prefix
        ):  # inside a loop a node gives what it has at its sockets; only a reader gets all
            ports = {name: value for name, value in ports.items() if name not in WITHOUT_SOCKET}
        return Came(alive, (alone_port(ports),))

    def execute(self, node: NodeRef, path: str, given: Any) -> dict[str, Any]:
        """What a node gives at the ports that live."""
        config = {**DEFAULTS, **node.config}
        if node.kind == "n.start":
            return {"value": self.given}
        if node.kind in ("n.add", "n.slow"):
            return {"value": added(given, config["plus"])}
        if node.kind == "n.fork":
            return {"no" if mixed(given) % config["by"] else "yes": given}
        if node.kind == "n.total":
            return {"value": mixed(given)}
        if node.kind == "logic.for_each":
            return self.each(node, path, config)
        if node.kind == "logic.while":
            last = given
            turns = int(config["condition"].removeprefix("index < "))
            for turn in range(turns):
                last = self.body(node, f"{path}[{turn}]/", (last,))
            return {"value": last, "turns": turns}
        if mixed(given) % config["by"]:
            return {"value": added(given, 1)}
        how = node.settings.on_error
        if how == "stop":
            self.steps[path] = ("failed", None)
            raise RunFailed
        error = {"code": "upstream_refused", "message": "No.", "node_id": node.id}
        ports = {"error": error} if how == "error_port" else {"value": node.settings.default}
        self.steps[path] = ("failed", ports)
        return ports

    def body(self, node: NodeRef, prefix: str, item: tuple[Any, ...]) -> Any:
        try:
            return self.level(node.id, Here(prefix, item=item))
        except RunFailed:
            self.failed_turns.append(prefix)
            raise

    def each(self, node: NodeRef, path: str, config: Mapping[str, Any]) -> dict[str, Any]:
        results = []
        for index, item in enumerate(eval(config["items"])):
            value, done = None, False
            for attempt in range(1, config["item_retries"] + 2):
                turn = f"{index}.{attempt}" if attempt > 1 else f"{index}"
                try:
                    value, done = self.body(node, f"{path}[{turn}]/", (item,)), True
                    break
                except RunFailed:
                    continue
            if not done and config["on_item_error"] == "stop":
                self.steps[path] = ("failed", None)
                raise RunFailed
            if done or config["on_item_error"] == "collect":
                results.append(value)
        return {"results": results, "failed": []}  # what failed is compared by nobody


WITHOUT_SOCKET = ("turns",)

DEFAULTS = {"plus": 1, "by": 2, "join": "decided", "on_item_error": "stop", "item_retries": 0}


def alone(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else dict(values) or None


def alone_port(ports: Mapping[str, Any]) -> Any:
    return next(iter(ports.values())) if len(ports) == 1 else dict(ports)


def circles(ids: Sequence[str], edges: Sequence[Edge]) -> list[set[str]]:
    """Sets of nodes that all reach each other."""
    reach = {n: {e.target for e in edges if e.source == n} for n in ids}
    for _ in ids:
        for n in ids:
            reach[n] |= {far for near in set(reach[n]) for far in reach[near]}
    found: list[set[str]] = []
    for n in ids:
        if n in reach[n] and not any(n in group for group in found):
            found.append({m for m in reach[n] if n in reach[m]})
    return found
