"""Brings stored graphs up to date: a node type says how to change the form of its older versions."""

from collections.abc import Mapping
from typing import Any

from app.engine.graph.document import Graph, read_graph
from app.engine.graph.ports import NodeTypes


def open_graph(stored: Mapping[str, Any], types: NodeTypes) -> Graph:
    """Read a stored graph, with its nodes brought up to date.

    Raises:
        TooLarge, GraphInvalid: As `parse_graph`.
    """
    return read_graph(upgraded(dict(stored), types))


def upgraded(stored: dict[str, Any], types: NodeTypes) -> dict[str, Any]:
    """Return the stored document with each node at the version of its type, where that has an upgrade for it.

    A document that is up to date is returned as it is.
    """
    nodes = [_upgraded_node(node, types) for node in stored.get("nodes", ())]
    if all(new is old for new, old in zip(nodes, stored.get("nodes", ()), strict=True)):
        return stored
    return {**stored, "nodes": nodes}


def _upgraded_node(node: dict[str, Any], types: NodeTypes) -> dict[str, Any]:
    node_type = types.get(node["kind"])
    version = node.get("version", 1)
    if node_type is None or version not in node_type.upgrades:
        return node
    config = dict(node.get("config", {}))
    while version in node_type.upgrades:
        config = node_type.upgrades[version](config)
        version += 1
    return {**node, "version": version, "config": config}
