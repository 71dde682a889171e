"""Checks of edges: ports that exist and fit, inputs that get something, tools that are tools."""

from collections.abc import Iterator
from typing import Literal

from app.engine.expressions import Leaf, references
from app.engine.graph.checks.view import View, nearest, remove_edge
from app.engine.graph.document import Edge, NodeRef
from app.engine.graph.problem import Fix, Problem
from app.engine.graph.slots import tool_name
from app.engine.graph.typing import compatible
from app.engine.sdk import Port
from app.engine.sdk.node import ERROR_PORT, TOOL_PORT
from app.kernel.errors import ExpressionError


def check_wires(view: View) -> Iterator[Problem]:
    """Check all edges, then what each node gets from them."""
    for edge in view.graph.edges:
        yield from _edge(view, edge)
    for node in view.graph.nodes:
        if node.id in view.agents:
            yield from _tool(view, node)
        elif node.id in view.types and not view.is_off(node):
            yield from _inputs(view, node)
    yield from _tool_names(view)


def _edge(view: View, edge: Edge) -> Iterator[Problem]:
    source, target = view.graph.by_id[edge.source], view.graph.by_id[edge.target]
    if source.parent != target.parent and edge.source_port != TOOL_PORT:
        message = (
            f"The connection from {view.name(source.id)} to {view.name(target.id)} crosses the "
            "border of a container. Connect nodes inside with each other; they read `item`."
        )
        yield _of_edge(view, edge, "misplaced", message, remove_edge(edge))
        return
    output = view.outputs.get(source.id, {}).get(edge.source_port)
    if source.id in view.types and output is None:
        yield _no_output(view, edge)
        return
    known = view.inputs.get(target.id)
    wanted = known.get(edge.target_port) if known is not None else None
    if known is not None and wanted is None:
        yield _no_input(view, edge, list(known))
    elif output is not None and wanted is not None:
        yield from _types(view, edge, output, wanted)


def _types(view: View, edge: Edge, output: Port, wanted: Port) -> Iterator[Problem]:
    target = "any" if view.types[edge.target].merges and wanted.type != "tool" else wanted.type
    reason = compatible(output.type, target)
    if reason is None:
        return
    message = (
        f"“{output.title or output.name}” of {view.name(edge.source)} does not fit "
        f"“{wanted.title or wanted.name}” of {view.name(edge.target)}. {reason}"
    )
    yield _of_edge(view, edge, "type_mismatch", message, remove_edge(edge))


def _no_output(view: View, edge: Edge) -> Problem:
    name = view.name(edge.source)
    ports = [port.name for port in view.outputs[edge.source].values() if port.socket]
    fix = remove_edge(edge)
    if edge.source_port == ERROR_PORT:
        settings = {"on_error": "error_port"}
        op = {"op": "set_settings", "id": edge.source, "settings": settings}
        fix = Fix(title="Switch the error port on", ops=(op,))
    else:
        fix = _rewire(view, edge, edge.source_port, ports, "source_port") or fix
    message = (
        f"{name} has no output `{edge.source_port}`, but a connection to "
        f"{view.name(edge.target)} starts there."
    )
    return _of_edge(view, edge, "unknown_port", message, fix)


def _no_input(view: View, edge: Edge, ports: list[str]) -> Problem:
    name = view.name(edge.target)
    if view.types[edge.target].trigger:
        why = f"{name} starts the run and takes nothing in"
    else:
        why = f"{name} has no input `{edge.target_port}`"
    message = f"{why}, but a connection from {view.name(edge.source)} leads there."
    fix = _rewire(view, edge, edge.target_port, ports, "target_port") or remove_edge(edge)
    return _of_edge(view, edge, "unknown_port", message, fix, node_id=edge.target)


def _rewire(view: View, edge: Edge, port: str, ports: list[str], end: str) -> Fix | None:
    """Lead an edge to the port that was meant, unless that is connected or does not fit."""
    meant = nearest(port, ports) or (ports[0] if len(ports) == 1 else None)
    if meant is None:
        return None
    moved = edge.model_copy(update={end: meant})
    if any(moved.same_ports(other) for other in view.graph.edges) or not _fits(view, moved):
        return None
    add = {"op": "add_edge", "edge": moved.model_dump(mode="json")}
    return Fix(title=f"Use “{meant}” instead", ops=({"op": "remove_edge", "id": edge.id}, add))


def _fits(view: View, edge: Edge) -> bool:
    output = view.outputs.get(edge.source, {}).get(edge.source_port)
    wanted = view.inputs.get(edge.target, {}).get(edge.target_port)
    return output is not None and wanted is not None and not compatible(output.type, wanted.type)


def _of_edge(
    view: View, edge: Edge, code: str, message: str, fix: Fix, *, node_id: str | None = None
) -> Problem:
    return Problem(
        code=code,
        severity="error",
        message=message,
        node_id=node_id or edge.source,
        edge_id=edge.id,
        fix=fix,
    )


def _inputs(view: View, node: NodeRef) -> Iterator[Problem]:
    into = view.into[node.id]
    if node.parent and not into:
        return
    wired = {edge.target_port for edge in into}
    for port in view.inputs[node.id].values():
        if port.required and port.name not in wired:
            said = f"{view.name(node.id)} gets nothing at “{port.title}”. Connect it."
            yield _missing(view, node, port, "error", said)
            return
    if not into and view.out[node.id]:
        yield from _reads_nothing(view, node)


def _reads_nothing(view: View, node: NodeRef) -> Iterator[Problem]:
    port = next((p for p in view.inputs[node.id].values() if p.type != "tool"), None)
    title = next((leaf.title for leaf in view.forms[node.id] if _reads_input(leaf)), None)
    if port and title:
        said = f"{view.name(node.id)}: “{title}” reads `input`, but nothing comes in."
        yield _missing(view, node, port, "warning", said)


def _missing(
    view: View, node: NodeRef, port: Port, severity: Literal["error", "warning"], message: str
) -> Problem:
    return Problem(
        code="missing_input",
        severity=severity,
        message=message,
        node_id=node.id,
        field=port.name,
        fix=view.connection(node, port),
    )


def _reads_input(leaf: Leaf) -> bool:
    try:
        return any(path[0] == "input" for path in references(leaf.text, leaf.mode))
    except ExpressionError:
        return False


def _tool(view: View, node: NodeRef) -> Iterator[Problem]:
    other = [e for e in view.out[node.id] if e.source_port != TOOL_PORT] + [
        e for e in view.into[node.id] if not _is_slot(view, e)
    ]
    if other:
        agent = view.name(view.agents[node.id][0])
        yield Problem(
            code="tool_misuse",
            severity="error",
            message=(
                f"{view.name(node.id)} is a tool of {agent} and runs when the agent calls it, so "
                "its other connections do nothing. Remove them, or disconnect it from the agent."
            ),
            node_id=node.id,
            edge_id=other[0].id,
            fix=Fix(
                title="Remove the other connections",
                ops=tuple(
                    {"op": "remove_edge", "id": one}
                    for one in dict.fromkeys(edge.id for edge in other)
                ),
            ),
        )


def _is_slot(view: View, edge: Edge) -> bool:
    port = view.inputs.get(edge.target, {}).get(edge.target_port)
    return port is not None and port.type == "tool"


def _tool_names(view: View) -> Iterator[Problem]:
    """Two tools of one agent may not have one name: the model could not tell them apart."""
    taken: dict[tuple[str, str], str] = {}
    reported: set[str] = set()
    for tool, agents in view.agents.items():
        node = view.graph.by_id[tool]
        for agent in agents:
            first = taken.setdefault((agent, tool_name(node)), tool)
            if first != tool and tool not in reported:
                reported.add(tool)
                yield _same_name(view, node, first, agent)


def _same_name(view: View, node: NodeRef, first: str, agent: str) -> Problem:
    op = {"op": "set_settings", "id": node.id, "settings": {"tool_name": ""}}
    fix = Fix(title=f"Call it `{node.id}`", ops=(op,)) if node.settings.tool_name else None
    return Problem(
        code="tool_misuse",
        severity="error",
        message=(
            f"{view.name(node.id)} and {view.name(first)} are both called `{tool_name(node)}` as "
            f"tools of {view.name(agent)}. Give one another name in its settings."
        ),
        node_id=node.id,
        field="settings.tool_name",
        fix=fix,
    )
