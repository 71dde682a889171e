"""A graph with everything the checks look up: types, ports, edges by node, who runs before whom."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property

from app.engine.expressions import Leaf, is_shown, leaves
from app.engine.graph.document import Edge, Graph, NodeRef
from app.engine.graph.ports import (
    NodeTypes,
    filled,
    form_schema,
    input_schema,
    inputs_of,
    outputs_of,
)
from app.engine.graph.problem import Fix
from app.engine.graph.regions import circles
from app.engine.graph.slots import agents_of, slots
from app.engine.graph.typing import compatible
from app.engine.sdk import NodeType, Port
from app.engine.sdk.node import ERROR_PORT, TOOL_PORT

_MOST_CONNECTIONS = 100
"""Fixes that look for something to connect to: each goes through all nodes."""


class View:
    """A graph as the checks see it."""

    def __init__(self, graph: Graph, catalog: NodeTypes) -> None:
        self.graph = graph
        self.catalog = catalog
        self.types: dict[str, NodeType] = {}
        for node in graph.nodes:
            node_type = catalog.get(node.kind)
            if node_type is not None and 1 <= node.version <= node_type.version:
                self.types[node.id] = node_type
        self.into: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
        self.out: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
        for edge in graph.edges:
            self.into[edge.target].append(edge)
            self.out[edge.source].append(edge)
        self.agents = agents_of(slots(graph, catalog))
        self._connections_left = _MOST_CONNECTIONS

    @cached_property
    def inputs(self) -> dict[str, dict[str, Port]]:
        """Input ports by node and name, of nodes whose kind is known."""
        return {
            node_id: {port.name: port for port in inputs_of(node_type)}
            for node_id, node_type in self.types.items()
        }

    @cached_property
    def outputs(self) -> dict[str, dict[str, Port]]:
        """Output ports by node and name, of nodes whose kind is known."""
        return {
            node_id: {port.name: port for port in outputs_of(self.graph.by_id[node_id], node_type)}
            for node_id, node_type in self.types.items()
        }

    @cached_property
    def forms(self) -> dict[str, list[Leaf]]:
        """Texts with expressions by node, of fields that are shown."""
        return {node_id: self._leaves(node_id) for node_id in self.types}

    def _leaves(self, node_id: str) -> list[Leaf]:
        node_type = self.types[node_id]
        config, schema = filled(self.graph.by_id[node_id], node_type), form_schema(node_type)
        return [
            leaf
            for leaf in leaves(config, schema)
            if is_shown(schema.get("properties", {}).get(leaf.place[0], {}), config)
        ]

    def is_shown(self, node_id: str, field: str) -> bool:
        """Whether a field of a node's form counts, given the other ones."""
        node_type = self.types[node_id]
        about = form_schema(node_type).get("properties", {}).get(field, {})
        return is_shown(about, filled(self.graph.by_id[node_id], node_type))

    def name(self, node_id: str) -> str:
        """How a sentence names a node."""
        node = self.graph.by_id[node_id]
        node_type = self.catalog.get(node.kind)
        return f"“{node.label or (node_type.title if node_type else node.id)}”"

    @cached_property
    def trigger_fields(self) -> set[str]:
        """Names of the values the trigger's form asks for; empty when that is not known."""
        fields: set[str] = set()
        for node_id, node_type in self.types.items():
            if node_type.trigger and node_type.input_schema_for:
                schema = input_schema(self.graph.by_id[node_id], node_type)
                fields |= set(schema.get("properties", {}))
        return fields

    def is_off(self, node: NodeRef) -> bool:
        """Whether a node or a container around it is switched off."""
        here: NodeRef | None = node
        while here is not None:
            if here.settings.disabled:
                return True
            here = self.graph.by_id[here.parent] if here.parent else None
        return False

    @cached_property
    def circles(self) -> list[list[str]]:
        """Sets of nodes beside each other that all reach each other over plain wires."""
        parents = {node.id: node.parent for node in self.graph.nodes}
        plain = [
            edge
            for edge in self.graph.edges
            if edge.source_port != TOOL_PORT and parents[edge.source] == parents[edge.target]
        ]
        return circles(parents, plain)

    @cached_property
    def before(self) -> dict[str, int]:
        """For each node the set of nodes that are decided before it runs, as an integer of `bits`.

        The nodes of a loop come before each other: an earlier iteration had them. Nodes on a circle of
        another kind, and those that depend on one, are not in it.
        """
        waits = {node.id: set(self._waits_for(node)) for node in self.graph.nodes}
        beside = {node_id: set(members) for members in self.circles for node_id in members}
        for members in self.circles:
            around = set().union(*(waits[node_id] for node_id in members)) - set(members)
            waits.update(dict.fromkeys(members, around))
        for needed in waits.values():
            needed.update(*(beside[other] for other in list(needed) if other in beside))
        followers: dict[str, list[str]] = {node_id: [] for node_id in waits}
        for node_id, needed in waits.items():
            for other in needed:
                followers[other].append(node_id)
        open_ = {node_id: len(needed) for node_id, needed in waits.items()}
        ready = [node_id for node_id, count in open_.items() if not count]
        found: dict[str, int] = {}
        for node_id in ready:
            found[node_id] = self._bits_before(node_id, waits[node_id], found)
            for other in beside.get(node_id, ()):
                found[node_id] |= self.bits[other]
            for follower in followers[node_id]:
                open_[follower] -= 1
                if not open_[follower]:
                    ready.append(follower)
        return found

    def _waits_for(self, node: NodeRef) -> Iterable[str]:
        yield from (edge.source for edge in self.into[node.id] if edge.source_port != TOOL_PORT)
        yield from self.agents.get(node.id, ())
        if node.parent:
            yield node.parent

    def _bits_before(self, node_id: str, needed: set[str], found: Mapping[str, int]) -> int:
        around = {self.graph.by_id[node_id].parent, *self.agents.get(node_id, ())}
        bits = 0
        for other in needed:
            bits |= found[other]
            if other not in around:
                bits |= self.bits[other]
        return bits

    @cached_property
    def bits(self) -> dict[str, int]:
        """One bit per node."""
        return {node.id: 1 << index for index, node in enumerate(self.graph.nodes)}

    def runs_before(self, earlier: str, later: str) -> bool:
        """Whether a node is decided before another runs, as far as edges tell."""
        return bool(self.before.get(later, -1) & self.bits[earlier])

    def connection(self, node: NodeRef, port: Port) -> Fix | None:
        """A fix that connects an input to the nearest output on its left that fits."""
        self._connections_left -= 1
        if self._connections_left < 0:
            return None
        best: tuple[float, NodeRef, Port] | None = None
        for other in self.graph.nodes:
            away = node.position.x - other.position.x
            if other.parent != node.parent or away <= 0 or self._is_behind(node, other):
                continue
            output = self._fitting(other, port)
            distance = away + abs(node.position.y - other.position.y)
            if output and (best is None or distance < best[0]):
                best = (distance, other, output)
        if best is None:
            return None
        _, other, output = best
        op = self.edge_op(other.id, output.name, node.id, port.name)
        return Fix(title=f"Connect it to {self.name(other.id)}", ops=(op,))

    def _is_behind(self, node: NodeRef, other: NodeRef) -> bool:
        return other.id in self.agents or self.runs_before(node.id, other.id)

    def _fitting(self, node: NodeRef, target: Port) -> Port | None:
        """The first socket whose value fits, no branch if possible."""
        ports = self.outputs.get(node.id, {}).values()
        fits = [
            port
            for port in ports
            if port.socket
            and port.name not in (ERROR_PORT, TOOL_PORT)
            and compatible(port.type, target.type) is None
        ]
        return next((port for port in fits if not port.branch), fits[0] if fits else None)

    @cached_property
    def _edge_ids(self) -> set[str]:
        return {edge.id for edge in self.graph.edges}

    def edge_op(self, source: str, source_port: str, target: str, port: str) -> dict[str, object]:
        """The edit that adds an edge, with an id that is free."""
        taken = self._edge_ids
        stem = f"{source}-{target}"[:90]
        number = next(n for n in range(1, len(taken) + 2) if f"{stem}-{n}" not in taken)
        edge = {
            "id": f"{stem}-{number}",
            "source": source,
            "source_port": source_port,
            "target": target,
            "target_port": port,
        }
        return {"op": "add_edge", "edge": edge}


def remove_edge(edge: Edge) -> Fix:
    """A fix that takes an edge away."""
    return Fix(title="Remove the connection", ops=({"op": "remove_edge", "id": edge.id},))


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name a person most likely meant."""
    by_lower = {name.lower(): name for name in names}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
