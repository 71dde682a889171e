"""Compiling: a checked graph becomes a Plan."""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Any

import orjson

from app.engine.expressions import Form
from app.engine.graph.document import Edge, Graph, NodeRef
from app.engine.graph.ports import NodeTypes, filled, form_schema, inputs_of, outputs_of
from app.engine.graph.regions import Region, regions_of
from app.engine.graph.slots import slots, tool_spec
from app.engine.graph.validate import check
from app.engine.runtime.loops import REGION
from app.engine.runtime.plan import LoopRegion, Plan, PlanNode, Tool
from app.engine.sdk import NodeType
from app.engine.sdk.node import TOOL_PORT
from app.kernel.errors import GraphInvalid, ensure

QUICK_NODES = 200
CACHED_PLANS = 256


def compile(graph: Graph, catalog: NodeTypes) -> Plan:  # noqa: A001 - the domain's term
    """Turn a graph into a Plan; the same graph compiles once per process.

    Raises:
        GraphInvalid: `context["problems"]` lists what blocks running.
    """
    return _compiled(_Source(graph_key(graph), graph, catalog))


def graph_key(graph: Graph) -> str:
    """Hash everything that affects how a graph runs: all but positions and sizes."""
    document: dict[str, Any] = {
        "nodes": [
            node.model_dump(mode="json", exclude={"position", "size"}) for node in graph.nodes
        ],
        "edges": [edge.model_dump(mode="json") for edge in graph.edges],
    }
    if graph.unknown:
        document["unknown"] = [found.place for found in graph.unknown]
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


class _Source:
    """What a plan is made from; equal when graph and catalog are the same."""

    __slots__ = ("catalog", "graph", "key")

    def __init__(self, key: str, graph: Graph, catalog: NodeTypes) -> None:
        self.key, self.graph, self.catalog = key, graph, catalog

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Source) and self.key == other.key and self.catalog is other.catalog
        )


@lru_cache(maxsize=CACHED_PLANS)
def _compiled(source: _Source) -> Plan:
    errors = [p for p in check(source.graph, source.catalog) if p.severity == "error"]
    if errors:
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        raise GraphInvalid(
            f"{errors[0].message}{more}",
            problems=[problem.model_dump(mode="json") for problem in errors],
        )
    return _Builder(source).plan()


class _Builder:
    """Builds the plan of a graph, bodies and tool slots included."""

    def __init__(self, source: _Source) -> None:
        self._key = source.key
        self._graph = source.graph
        self._types = {ref.id: _known(source.catalog, ref) for ref in source.graph.nodes}
        self._taken = set(self._types)
        self._slots = slots(source.graph, source.catalog)
        self._tool_ids = {tool_id for tool_ids in self._slots.values() for tool_id in tool_ids}

    def plan(self) -> Plan:
        """Build the whole plan."""
        return self._level(None)

    def _level(self, parent: str | None) -> Plan:
        """The plan of the graph itself, or of a container's body."""
        ids = [r.id for r in self._graph.nodes if r.parent == parent and r.id not in self._tool_ids]
        inside = set(ids)
        edges = [e for e in self._graph.edges if e.source in inside and e.target in inside]
        plan = self._plan(ids, edges, edges, frozenset())
        if parent is not None:
            return plan
        triggers = tuple(node_id for node_id in plan.order if plan.nodes[node_id].type.trigger)
        circles = any(node.region for node in plan.nodes.values())
        return replace(
            plan,
            triggers=triggers,
            input_schema=_input_schema(plan.nodes[triggers[0]]) if triggers else {},
            quick=self._is_quick() and not circles,
            light=self._is_light() and not circles,
            stops=frozenset(
                ref.id
                for ref in self._graph.nodes
                if self._types[ref.id].stops and not ref.settings.disabled
            ),
        )

    def _plan(
        self, ids: Sequence[str], edges: Sequence[Edge], inner: Sequence[Edge], back: frozenset[str]
    ) -> Plan:
        """The plan of some nodes of a level.

        Args:
            edges: All edges of the level.
            inner: Those that are decided in this plan: both ends are among the nodes.
            back: Ids of edges among the nodes that lead to the next iteration.
        """
        found = regions_of(ids, inner, edges)
        around = {member: region for region in found for member in region.members}
        into: dict[str, list[Edge]] = defaultdict(list)
        out: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            out[edge.source].append(edge)
            into[edge.target].append(edge)
        nodes: dict[str, PlanNode] = {}
        places: dict[str, str] = {}
        for node_id in ids:
            region = around.get(node_id)
            if region is None:
                nodes[node_id] = self._node(self._graph.by_id[node_id], into[node_id], out[node_id])
                places[node_id] = node_id
            elif node_id == region.header:
                node = self._region(region, edges, inner)
                nodes[node.id] = node
                places.update(dict.fromkeys(region.members, node.id))
        links = [(places[edge.source], places[edge.target]) for edge in inner]
        links = [(source, target) for source, target in links if source != target]
        counts = Counter(target for _, target in links)
        order = _topological(nodes, links)
        return Plan(
            key=self._key,
            nodes={node_id: _with_feeds(nodes[node_id], nodes, order, links) for node_id in order},
            order=order,
            sources=tuple(node_id for node_id in order if not counts[node_id]),
            triggers=(),
            counts={node_id: counts[node_id] for node_id in order},
            places=places,
            back=back,
        )

    def _region(self, found: Region, edges: Sequence[Edge], inner: Sequence[Edge]) -> PlanNode:
        """A cycle of nodes as one node of the plan around it; its body is one iteration."""
        members = frozenset(found.members)
        within = [e for e in inner if e.source in members and e.target in members]
        into = [e for e in edges if e.target in members and e.source not in members]
        fed = {(e.target, e.target_port) for e in within}
        header = self._graph.by_id[found.header]
        limit = header.settings.max_iterations
        label = f"Loop from {header.label or self._types[header.id].title}"
        ref = NodeRef(
            id=self._free_id(f"loop_{header.id}"[:60]), kind=REGION.kind, label=label[:200]
        )
        return PlanNode(
            ref=ref,
            type=REGION,
            inputs=(),
            outputs=tuple(port.name for port in REGION.output_ports({})),
            into=tuple(into),
            out=tuple(e for e in edges if e.source in members and e.target not in members),
            config={"max_iterations": limit},
            form=Form({"max_iterations": limit}, form_schema(REGION)),
            body=self._plan(
                found.members, edges, [e for e in within if e.id not in found.back], found.back
            ),
            region=LoopRegion(
                header=found.header,
                members=members,
                back=tuple(e for e in within if e.id in found.back),
                kept=frozenset(e.id for e in into if (e.target, e.target_port) not in fed),
            ),
        )

    def _free_id(self, stem: str) -> str:
        names = (stem if n == 1 else f"{stem}_{n}" for n in count(1))
        name = next(name for name in names if name not in self._taken)
        self._taken.add(name)
        return name

    def _node(self, ref: NodeRef, into: Iterable[Edge] = (), out: Iterable[Edge] = ()) -> PlanNode:
        node_type = self._types[ref.id]
        config = filled(ref, node_type)
        return PlanNode(
            ref=ref,
            type=node_type,
            inputs=inputs_of(node_type),
            outputs=tuple(p.name for p in outputs_of(ref, node_type) if p.type != TOOL_PORT),
            into=tuple(into),
            out=tuple(out),
            config=config,
            form=Form(config, form_schema(node_type)),
            tools=tuple(self._tools(ref.id)),
            body=self._level(ref.id) if node_type.container else None,
            join=node_type.join_for(config) if node_type.join_for else "decided",
        )

    def _tools(self, agent_id: str) -> Iterator[Tool]:
        """The tools in the slots of a node, without those that are disabled."""
        for node_id in self._slots.get(agent_id, ()):
            ref = self._graph.by_id[node_id]
            if not ref.settings.disabled:
                yield Tool(tool_spec(ref, self._types[node_id]), self._node(ref))

    def _is_quick(self) -> bool:
        """A container may iterate any number of times, and a second try comes after a pause."""
        types = self._types.values()
        tried_once = all(ref.settings.retries == 0 for ref in self._graph.nodes)
        return (
            tried_once
            and 0 < len(types) <= QUICK_NODES
            and all(t.quick and not t.container for t in types)
        )

    def _is_light(self) -> bool:
        """Whether a run hardly occupies its process: it computes little, or awaits."""
        types = self._types.values()
        light = all((t.light or t.quick) and not t.container for t in types)
        return 0 < len(types) <= QUICK_NODES and light


def _known(catalog: NodeTypes, ref: NodeRef) -> NodeType:
    found = catalog.get(ref.kind)
    ensure(found is not None, f"The check let the unknown kind '{ref.kind}' pass.", node_id=ref.id)
    assert found is not None
    return found


def _input_schema(trigger: PlanNode) -> Mapping[str, Any]:
    schema_for = trigger.type.input_schema_for
    return schema_for(trigger.config) if schema_for else {}


def _topological(
    nodes: Mapping[str, PlanNode], links: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    open_links = dict.fromkeys(nodes, 0)
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        open_links[target] += 1
        after[source].append(target)
    ready = deque(node_id for node_id, count in open_links.items() if count == 0)
    order: list[str] = []
    while ready:
        node_id = ready.popleft()
        order.append(node_id)
        for target in after[node_id]:
            open_links[target] -= 1
            if open_links[target] == 0:
                ready.append(target)
    ensure(len(order) == len(nodes), "A cycle is in no region.")
    return tuple(order)


def _with_feeds(
    node: PlanNode,
    nodes: Mapping[str, PlanNode],
    order: Sequence[str],
    links: Sequence[tuple[str, str]],
) -> PlanNode:
    """Record which nodes lead only to this one, when it stops those it does not wait for."""
    if node.join != "first":
        return node
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        after[source].append(target)
    feeds: set[str] = set()
    for node_id in reversed(order):
        stays = len(after[node_id]) == len(nodes[node_id].out)
        if after[node_id] and stays and set(after[node_id]) <= feeds | {node.id}:
            feeds.add(node_id)
    return replace(node, feeds=frozenset(feeds))
