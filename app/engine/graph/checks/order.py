"""Checks of the whole graph: triggers, nodes that are never reached, circles, and containment."""

from collections.abc import Iterator, Sequence

from app.engine.graph.checks.view import View
from app.engine.graph.document import Edge, NodeRef
from app.engine.graph.ports import outputs_of
from app.engine.graph.problem import Fix, Problem
from app.engine.graph.regions import never_ends
from app.engine.graph.typing import compatible
from app.engine.sdk import Port
from app.engine.sdk.node import TOOL_PORT

_MOST_CIRCLES = 5
_LEFT = 260.0


def check_order(view: View) -> Iterator[Problem]:
    """Check triggers, circles, reachability and containers."""
    yield from _circles(view)
    yield from _containers(view)
    triggers = [n for n in view.graph.nodes if _is_trigger(view, n) and n.parent is None]
    if not any(not node.settings.disabled for node in triggers):
        yield _no_trigger(view, triggers)
    else:
        yield from _unreachable(view, triggers)


def _is_trigger(view: View, node: NodeRef) -> bool:
    return node.id in view.types and view.types[node.id].trigger


def _no_trigger(view: View, triggers: list[NodeRef]) -> Problem:
    if triggers:
        node = triggers[0]
        op = {"op": "set_settings", "id": node.id, "settings": {"disabled": False}}
        message = f"{view.name(node.id)} is switched off, so no run can start. Switch it on."
        fix: Fix | None = Fix(title="Switch it on", ops=(op,))
        return Problem(
            code="no_trigger", severity="error", message=message, node_id=node.id, fix=fix
        )
    empty = not view.graph.nodes
    message = "The canvas is empty." if empty else "Nothing starts this workflow."
    return Problem(
        code="no_trigger",
        severity="error",
        message=f"{message} Add a trigger.",
        fix=_add_trigger(view),
    )


def _add_trigger(view: View) -> Fix | None:
    """Put the plainest trigger left of everything and connect it to where the graph begins."""
    kinds = [node_type for node_type in view.catalog.all() if node_type.trigger]
    if not kinds:
        return None
    plainest = min(kinds, key=lambda t: (len(t.outputs.model_fields), t.kind))
    top = [node for node in view.graph.nodes if node.parent is None]
    node = NodeRef.model_validate(
        {
            "id": _free_id(view, "start"),
            "kind": plainest.kind,
            "version": plainest.version,
            "label": plainest.title,
            "config": plainest.default_config,
            "position": {
                "x": min((n.position.x for n in top), default=_LEFT) - _LEFT,
                "y": min((n.position.y for n in top), default=0),
            },
        }
    )
    output = outputs_of(node, plainest)[0]
    edges = [edge for begin in top for edge in _first_edges(view, node, output, begin)]
    add = {"op": "add_node", "node": node.model_dump(mode="json")}
    return Fix(title=f"Add “{plainest.title}”", ops=(add, *edges))


def _free_id(view: View, stem: str) -> str:
    names = (stem if n == 1 else f"{stem}_{n}" for n in range(1, len(view.graph.nodes) + 2))
    return next(name for name in names if name not in view.graph.by_id)


def _first_edges(
    view: View, trigger: NodeRef, output: Port, begin: NodeRef
) -> Iterator[dict[str, object]]:
    if view.into[begin.id] or begin.id in view.agents:
        return
    for port in view.inputs.get(begin.id, {}).values():
        if compatible(output.type, port.type) is None:
            yield view.edge_op(trigger.id, output.name, begin.id, port.name)
            return


def _unreachable(view: View, triggers: list[NodeRef]) -> Iterator[Problem]:
    inside: dict[str | None, list[str]] = {}
    for node in view.graph.nodes:
        inside.setdefault(node.parent, []).append(node.id)
    reached = {node.id for node in triggers if not node.settings.disabled}
    ready = list(reached)
    for node_id in ready:
        for other in [*(edge.target for edge in view.out[node_id]), *inside.get(node_id, ())]:
            if other not in reached:
                reached.add(other)
                ready.append(other)
    for node in view.graph.nodes:
        if node.id in view.agents or node.id not in view.types or view.is_off(node):
            continue
        lonely = not view.into[node.id] and not view.out[node.id] and node.parent is None
        if not view.inputs[node.id] and not view.outputs[node.id]:
            continue
        if lonely and len(view.graph.nodes) > 1:
            yield _orphan(view, node)
        elif node.id not in reached and (node.parent is None or node.parent in reached):
            yield _cut_off(view, node)


def _orphan(view: View, node: NodeRef) -> Problem:
    delete = Fix(title="Delete it", ops=({"op": "remove_node", "id": node.id},))
    ports = [port for port in view.inputs[node.id].values() if port.type != "tool"]
    connect = view.connection(node, ports[0]) if ports else None
    return Problem(
        code="orphan",
        severity="warning",
        message=f"{view.name(node.id)} is not connected to anything. Connect it or delete it.",
        node_id=node.id,
        fix=connect or delete,
    )


def _cut_off(view: View, node: NodeRef) -> Problem:
    ports = [port for port in view.inputs[node.id].values() if port.type != "tool"]
    begins = not view.into[node.id]
    return Problem(
        code="unreachable",
        severity="warning",
        message=f"No path leads from a trigger to {view.name(node.id)}.",
        node_id=node.id,
        fix=view.connection(node, ports[0]) if begins and ports else None,
    )


def _containers(view: View) -> Iterator[Problem]:
    filled = {node.parent for node in view.graph.nodes}
    for node in view.graph.nodes:
        node_type = view.types.get(node.id)
        if node_type and node_type.container and node.id not in filled and not view.is_off(node):
            yield Problem(
                code="empty_body",
                severity="error",
                message=f"{view.name(node.id)} is empty inside. Put the nodes to repeat into it.",
                node_id=node.id,
            )
        if node.parent is None:
            continue
        around = view.types.get(node.parent)
        if around and not around.container:
            why = f"lies inside {view.name(node.parent)}, which cannot hold other nodes"
            yield _misplaced(view, node, why)
        elif node_type and node_type.trigger:
            yield _misplaced(view, node, "starts runs, so it cannot lie inside another node")


def _misplaced(view: View, node: NodeRef, why: str) -> Problem:
    move = {"id": node.id, "x": node.position.x, "y": node.position.y, "parent": None}
    return Problem(
        code="misplaced",
        severity="error",
        message=f"{view.name(node.id)} {why}. Move it out.",
        node_id=node.id,
        fix=Fix(title="Move it out", ops=({"op": "move", "moves": [move]},)),
    )


def _circles(view: View) -> Iterator[Problem]:
    """Circles that can end run as loops, with a hint about the edges that leave them. The others are refused."""
    place = {edge.id: index for index, edge in enumerate(view.graph.edges)}
    cut: set[str] = set()
    left = _MOST_CIRCLES
    for members in view.circles:
        cut |= {edge.id for node_id in members for edge in view.out[node_id]}
        gone: set[str] = set()
        while left and (circle := never_ends(members, _steady(view, members, gone))):
            left -= 1
            last = max(circle, key=lambda edge: place[edge.id])
            gone.add(last.id)
            yield _circle_problem(view, circle, last)
        if not gone:
            yield from _leaving(view, members)
    while left and (circle := _circle(view, cut)):
        left -= 1
        last = max(circle, key=lambda edge: place[edge.id])
        cut.add(last.id)
        yield _circle_problem(view, circle, last)


def _steady(view: View, members: Sequence[str], gone: set[str]) -> Iterator[Edge]:
    """The edges from these nodes that are alive whenever their source runs: no exits."""
    for node_id in members:
        for edge in view.out[node_id]:
            if edge.id not in gone and not _is_exit(view, edge):
                yield edge


def _is_exit(view: View, edge: Edge) -> bool:
    """Whether an edge may be dead although its source ran."""
    node = view.graph.by_id[edge.source]
    if node.settings.disabled:
        return False
    port = view.outputs.get(node.id, {}).get(edge.source_port)
    handles_errors = node.settings.on_error == "error_port"
    return port is None or port.branch or handles_errors


def _leaving(view: View, members: Sequence[str]) -> Iterator[Problem]:
    """Say of edges that leave a loop, from a port that lives in each iteration, that they wait for its
    end.
    """
    for node_id in members:
        for edge in view.out[node_id]:
            if edge.target in members or edge.source_port == TOOL_PORT or _is_exit(view, edge):
                continue
            yield Problem(
                code="after_loop",
                severity="warning",
                message=(
                    f"{view.name(edge.target)} runs once, after the loop around "
                    f"{view.name(node_id)} has ended, with the value of its last turn. What is to "
                    "run in each turn must lead back into the loop."
                ),
                node_id=edge.target,
                edge_id=edge.id,
            )


def _circle(view: View, cut: set[str]) -> list[Edge]:
    """Find one circle among the edges that are not cut; empty when there is none."""
    into = {
        node_id: [edge for edge in edges if edge.id not in cut]
        for node_id, edges in view.into.items()
    }
    open_ = {node_id: len(edges) for node_id, edges in into.items()}
    ready = [node_id for node_id, count in open_.items() if not count]
    for node_id in ready:
        for edge in view.out[node_id]:
            if edge.id not in cut:
                open_[edge.target] -= 1
                if not open_[edge.target]:
                    ready.append(edge.target)
    settled = set(ready)
    here = next((node_id for node_id in open_ if node_id not in settled), None)
    walked: dict[str, Edge] = {}
    while here is not None and here not in walked:
        walked[here] = next(edge for edge in into[here] if edge.source not in settled)
        here = walked[here].source
    return list(walked.values())[list(walked).index(here) :][::-1] if here is not None else []


def _circle_problem(view: View, circle: list[Edge], last: Edge) -> Problem:
    turn = circle.index(last) + 1
    names = [view.name(edge.source) for edge in circle[turn:] + circle[:turn]]
    shown = [*names[:3], "…", names[-1]] if len(names) > 5 else names
    return Problem(
        code="cycle",
        severity="error",
        message=(
            f"These nodes form a circle that never ends: {' → '.join([*shown, names[0]])}. Remove "
            f"the connection back to {names[0]}, or let an If or a Switch in it decide whether to go "
            "round again."
        ),
        node_id=last.source,
        edge_id=last.id,
        fix=Fix(
            title=f"Remove the connection back to {names[0]}",
            ops=({"op": "remove_edge", "id": last.id},),
        ),
    )
