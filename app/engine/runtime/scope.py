"""What a step sees: the values at its input ports, and the names its expressions may use. Pure."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from app.engine.graph.document import Edge
from app.engine.graph.ports import given
from app.engine.runtime.execution import Level
from app.engine.runtime.plan import PlanNode
from app.engine.sdk import Json, Port
from app.engine.sdk.text import as_text


def values_at_ports(level: Level, node: PlanNode, alive: tuple[Edge, ...]) -> dict[str, Json]:
    """Collect the values at the input ports from edges that are alive, in the order of the edges.

    A node in a body without incoming wires gets what arrives at the iteration, such as its item, at its first port.
    """
    if not node.into:
        if level.arriving and node.inputs:
            port = node.inputs[0]
            item = level.arriving[0]
            return {port.name: _fit(port, [item] if port.many or node.type.merges else item)}
        return {}
    values: dict[str, Json] = {}
    for port in node.inputs:
        arrived = [_value_of(level, edge) for edge in alive if edge.target_port == port.name]
        if port.many or node.type.merges:
            values[port.name] = [_fit(port, value) if port.many else value for value in arrived]
        elif arrived and not (arrived[0] is None and not port.required):
            values[port.name] = _fit(port, arrived[0])
    return values


def values_from_arguments(node: PlanNode, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Feed a tool's input ports from a call's arguments: by name, or all to the only port."""
    ports = _data_ports(node)
    if len(ports) == 1 and ports[0].name not in arguments:
        return {ports[0].name: _fit(ports[0], dict(arguments))}
    return {port.name: _fit(port, arguments[port.name]) for port in ports if port.name in arguments}


def input_of(node: PlanNode, values: Mapping[str, Json]) -> Json:
    """Return what expressions know as `input`: the value at the only port, or all by port."""
    ports = _data_ports(node)
    return values.get(ports[0].name) if len(ports) == 1 else dict(values)


def names_for(
    level: Level, node: PlanNode, values: Mapping[str, Json], last_output: Json
) -> dict[str, Any]:
    """Gather the names an expression of this step may use."""
    return {
        **level.names,
        "input": input_of(node, values),
        "trigger": level.execution.trigger,
        "nodes": level.outputs,
        "vars": dict(level.execution.request.vars),
        "context": {"last_output": last_output},
    }


def last_output(level: Level, alive: tuple[Edge, ...]) -> Json:
    """Return the output of the step before this one: the last to finish of those wired to it."""
    finished = [(level.ended[e.source], e.source) for e in alive if e.source in level.ended]
    if not finished:
        return level.last_output
    latest = max(finished, key=itemgetter(0))[1]
    return given(level.execution.plan.everywhere[latest].sockets, level.outputs[latest])


def _data_ports(node: PlanNode) -> list[Port]:
    """The input ports that take values: all but tool slots."""
    return [port for port in node.inputs if port.type != "tool"]


def _value_of(level: Level, edge: Edge) -> Json:
    return (level.outputs.get(edge.source) or {}).get(edge.source_port)


def _fit(port: Port, value: Json) -> Json:
    """Make a value fit a port: text ports take any value as a person would write it; null stays null."""
    if port.type != "text" or value is None or isinstance(value, str):
        return value
    if port.many and isinstance(value, list):
        return [_fit(port, item) for item in value]
    return as_text(value)
