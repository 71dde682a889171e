"""Compiling: a checked graph becomes a Plan."""

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from app.engine.graph.document import Edge, Graph, NodeRef
from app.engine.graph.ports import NodeTypes, filled, form_schema, inputs_of, outputs_of
from app.engine.graph.slots import slots, tool_spec
from app.engine.graph.validate import check
from app.engine.runtime.plan import Plan, PlanNode, Tool
from app.engine.sdk import NodeType
from app.engine.sdk.node import TOOL_PORT
from app.kernel.errors import GraphInvalid, ensure

QUICK_NODES = 200
CACHED_PLANS = 256


def compile(graph: Graph, catalog: NodeTypes) -> Plan:  # noqa: A001 - the word of the domain
    """Turn a graph into a Plan; the same graph compiles once per process.

    Raises:
        GraphInvalid: `context["problems"]` lists what blocks running.
    """
    return _compiled(_Source(graph_key(graph), graph, catalog))


def graph_key(graph: Graph) -> str:
    """Hash what decides how a graph runs: all but positions and sizes."""
    document = {
        "nodes": [
            node.model_dump(mode="json", exclude={"position", "size"}) for node in graph.nodes
        ],
        "edges": [edge.model_dump(mode="json") for edge in graph.edges],
    }
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
        self._slots = slots(source.graph, source.catalog)
        self._tool_ids = {tool_id for tool_ids in self._slots.values() for tool_id in tool_ids}

    def plan(self) -> Plan:
        """Build the whole plan."""
        return self._level(None)

    def _level(self, parent: str | None) -> Plan:
        refs = {
            r.id: r for r in self._graph.nodes if r.parent == parent and r.id not in self._tool_ids
        }
        into: dict[str, list[Edge]] = defaultdict(list)
        out: dict[str, list[Edge]] = defaultdict(list)
        for edge in self._graph.edges:
            if edge.source in refs and edge.target in refs:
                out[edge.source].append(edge)
                into[edge.target].append(edge)
        nodes = {ref.id: self._node(ref, into[ref.id], out[ref.id]) for ref in refs.values()}
        order = _topological(nodes)
        triggers = tuple(node_id for node_id in order if nodes[node_id].type.trigger)
        return Plan(
            key=self._key,
            nodes=nodes,
            order=order,
            sources=tuple(node_id for node_id in order if not nodes[node_id].into),
            triggers=triggers,
            input_schema=_input_schema(nodes[triggers[0]]) if triggers else {},
            quick=parent is None and self._is_quick(),
        )

    def _node(self, ref: NodeRef, into: Iterable[Edge] = (), out: Iterable[Edge] = ()) -> PlanNode:
        node_type = self._types[ref.id]
        return PlanNode(
            ref=ref,
            type=node_type,
            inputs=inputs_of(node_type),
            outputs=tuple(p.name for p in outputs_of(ref, node_type) if p.type != TOOL_PORT),
            into=tuple(into),
            out=tuple(out),
            config=filled(ref, node_type),
            schema=form_schema(node_type),
            tools=tuple(self._tools(ref.id)),
            body=self._level(ref.id) if node_type.container else None,
        )

    def _tools(self, agent_id: str) -> Iterator[Tool]:
        """The tools in the slots of a node; one that is switched off is not offered."""
        for node_id in self._slots.get(agent_id, ()):
            ref = self._graph.by_id[node_id]
            if not ref.settings.disabled:
                yield Tool(tool_spec(ref, self._types[node_id]), self._node(ref))

    def _is_quick(self) -> bool:
        """A container may turn any number of times, so it is never quick."""
        types = self._types.values()
        return 0 < len(types) <= QUICK_NODES and all(t.quick and not t.container for t in types)


def _known(catalog: NodeTypes, ref: NodeRef) -> NodeType:
    found = catalog.get(ref.kind)
    ensure(found is not None, f"The check let the unknown kind '{ref.kind}' pass.", node_id=ref.id)
    assert found is not None
    return found


def _input_schema(trigger: PlanNode) -> Mapping[str, Any]:
    schema_for = trigger.type.input_schema_for
    return schema_for(trigger.config) if schema_for else {}


def _topological(nodes: Mapping[str, PlanNode]) -> tuple[str, ...]:
    open_edges = {node_id: len(node.into) for node_id, node in nodes.items()}
    ready = deque(node_id for node_id, count in open_edges.items() if count == 0)
    order: list[str] = []
    while ready:
        node_id = ready.popleft()
        order.append(node_id)
        for edge in nodes[node_id].out:
            open_edges[edge.target] -= 1
            if open_edges[edge.target] == 0:
                ready.append(edge.target)
    ensure(len(order) == len(nodes), "The check let a cycle pass.")
    return tuple(order)
