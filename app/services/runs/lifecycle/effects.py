"""What a step that was cut off may have done to the outside world. An agent is as safe as the tools in its slots."""

from collections.abc import Callable, Mapping
from typing import Any

from app.engine.catalog import catalog
from app.engine.graph.slots import slots
from app.engine.graph.upgrades import open_graph
from app.engine.runtime.loops import REGION
from app.engine.sdk import NodeType
from app.models import Step

Config = Mapping[str, Any]


def may_repeat(step: Step, graph: Config) -> bool:
    """Whether a step that was cut off may run again unasked."""
    return _all(step, graph, lambda node_type, config: node_type.may_repeat(config))


def changes_nothing(step: Step, graph: Config) -> bool:
    """Whether a step that was cut off has certainly changed nothing outside."""
    return _all(step, graph, lambda node_type, config: node_type.changes_nothing(config))


def _all(step: Step, graph: Config, holds: Callable[[NodeType, Config], bool]) -> bool:
    """Whether something holds for a step's node type with the form it had; for an agent, for all its tools."""
    types = catalog()
    node_type = types.get(step.kind)
    if node_type is None:
        return step.kind == REGION.kind  # a loop's own step changes nothing
    document = open_graph(graph, types)
    if not any(port.type == "tool" for port in node_type.input_ports()):
        given = step.input.get("config") if isinstance(step.input, dict) else None
        if given is None or "$blob" in given:
            given = document.by_id[step.node_id].config
        return holds(node_type, given)
    tools = [document.by_id[tool] for tool in slots(document, types).get(step.node_id, ())]
    found = [(types.get(tool.kind), tool.config) for tool in tools]
    return all(known is not None and holds(known, config) for known, config in found)
