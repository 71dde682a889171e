"""Tool slots: which nodes are tools of which agent, and how a model sees them."""

from collections.abc import Iterable, Mapping

from app.engine.expressions import Leaf, leaves, references
from app.engine.graph.document import Graph, NodeRef
from app.engine.graph.ports import NodeTypes, filled, form_schema, inputs_of
from app.engine.sdk import NodeType, ToolSpec
from app.engine.sdk.node import TOOL_PORT
from app.kernel.errors import ExpressionError

_ARGUMENTS = "args"
_INPUT = "input"


def slots(graph: Graph, catalog: NodeTypes) -> dict[str, tuple[str, ...]]:
    """Return the ids of the nodes in each node's tool slots, in the order of the edges."""
    found: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.source_port != TOOL_PORT or not _is_tool(graph.by_id[edge.source], catalog):
            continue
        if _takes_tools(graph.by_id[edge.target], edge.target_port, catalog):
            tools = found.setdefault(edge.target, [])
            if edge.source not in tools:
                tools.append(edge.source)
    return {node_id: tuple(tools) for node_id, tools in found.items()}


def _is_tool(node: NodeRef, catalog: NodeTypes) -> bool:
    node_type = catalog.get(node.kind)
    return node_type is not None and node_type.tool


def _takes_tools(node: NodeRef, port: str, catalog: NodeTypes) -> bool:
    node_type = catalog.get(node.kind)
    return node_type is not None and any(
        found.name == port and found.type == "tool" for found in inputs_of(node_type)
    )


def tool_name(node: NodeRef) -> str:
    """Return the name under which a model calls a node."""
    return node.settings.tool_name or node.id


def tool_spec(node: NodeRef, node_type: NodeType) -> ToolSpec:
    """Describe a node to a model: its name, what it does, and what it must be given.

    Each distinct `args.<name>` in the node's form is a parameter. A form that uses none but reads
    `input` has one parameter per input port instead.
    """
    properties = arguments(node, node_type)
    return ToolSpec(
        name=tool_name(node),
        description=node.settings.tool_description or _description(node, node_type),
        parameters={
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    )


def _description(node: NodeRef, node_type: NodeType) -> str:
    if not node.label or node.label == node_type.title:
        return node_type.summary
    return f"{node.label}: {node_type.summary}"


def arguments(node: NodeRef, node_type: NodeType) -> dict[str, dict[str, str]]:
    """Return the parameters of a node as a tool, by name in the order of its form."""
    found: dict[str, dict[str, str]] = {}
    reads_input = False
    for leaf in leaves(filled(node, node_type), form_schema(node_type)):
        for path in _paths(leaf):
            if path[0] == _ARGUMENTS and len(path) > 1:
                used = {"type": "string", "description": f"Used in “{leaf.title}”."}
                found.setdefault(path[1], used)
            reads_input = reads_input or path[0] == _INPUT
    if found or not reads_input:
        return found
    ports = (port for port in inputs_of(node_type) if port.type != "tool")
    return {port.name: {"type": "string", "description": port.title} for port in ports}


def _paths(leaf: Leaf) -> Iterable[tuple[str, ...]]:
    try:
        return sorted(references(leaf.text, leaf.mode))
    except ExpressionError:
        return ()


def agents_of(by_agent: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Turn slots around: the nodes in whose slots each tool stands."""
    found: dict[str, list[str]] = {}
    for agent, tools in by_agent.items():
        for tool in tools:
            found.setdefault(tool, []).append(agent)
    return found
