"""The ports and the form of a node, as the canvas, the checks and the runtime see them."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

from app.engine.graph.document import NodeRef
from app.engine.sdk.node import ERROR_PORT, TOOL_PORT, NodeConfig, NodeType, Port, ports_of
from app.kernel.errors import AppError

_UNREADABLE = (AppError, ValueError, TypeError, AttributeError, LookupError)
"""What a node type's code may raise on a form that was not checked yet."""


class NodeTypes(Protocol):
    """Finds node types; the catalogue of the engine, or a small one in a test."""

    def get(self, kind: str) -> NodeType | None:
        """The node type of a kind, or None."""

    def all(self) -> Iterable[NodeType]:
        """All node types, in a fixed order."""


@lru_cache(512)
def _schema(config: type[NodeConfig]) -> dict[str, Any]:
    return config.model_json_schema()


def form_schema(node_type: NodeType) -> Mapping[str, Any]:
    """Return the JSON Schema of a node type's form, made once. Do not change it."""
    return _schema(node_type.config)


def filled(node: NodeRef, node_type: NodeType) -> dict[str, Any]:
    """Return a node's form with the defaults of the fields it does not have."""
    return {**node_type.default_config, **node.config}


def inputs_of(node_type: NodeType) -> tuple[Port, ...]:
    """Return the sockets on the left."""
    return node_type.input_ports()


def outputs_of(node: NodeRef, node_type: NodeType) -> tuple[Port, ...]:
    """Return all output ports: declared, made by the form, `error` when asked for, and `tool`.

    A form that is not filled in yet makes no ports of its own.
    """
    made: tuple[Port, ...] = ()
    if node_type.ports_for:
        with suppress(*_UNREADABLE):
            made = node_type.ports_for(filled(node, node_type))
    extra = []
    if node.settings.on_error == "error_port":
        extra.append(Port(name=ERROR_PORT, type="object", title="Error", branch=True))
    if node_type.tool:
        extra.append(Port(name=TOOL_PORT, type="tool", title="Tool"))
    return (*ports_of(node_type.outputs), *made, *extra)


def given(sockets: Collection[str], output: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Return what a node passes to whatever follows it: the value of its socket, or of several by name.

    Ports without a socket are read as `nodes.<id>.<port>`. A node that has no others gives them.
    """
    shown = {name: value for name, value in output.items() if name in sockets}
    shown = shown if sockets else dict(output)
    return next(iter(shown.values())) if len(shown) == 1 else shown


def sockets_of(node: NodeRef, node_type: NodeType) -> frozenset[str]:
    """Return the names of the outputs that can be wired to something."""
    return frozenset(
        port.name for port in outputs_of(node, node_type) if port.socket and port.name != TOOL_PORT
    )


def input_schema(node: NodeRef, node_type: NodeType) -> dict[str, Any]:
    """Return the JSON Schema of what a trigger takes; empty for other nodes and broken forms."""
    if node_type.input_schema_for:
        with suppress(*_UNREADABLE):
            return node_type.input_schema_for(filled(node, node_type))
    return {}
