"""Checks of node settings: a cache that can never help, a workflow that calls itself."""

from collections.abc import Iterator

from app.engine.graph.checks.view import View
from app.engine.graph.document import NodeRef
from app.engine.graph.ports import filled, form_schema
from app.engine.graph.problem import Fix, Problem
from app.engine.sdk import NodeType
from app.engine.sdk.node import TOOL_PORT


def check_settings(view: View) -> Iterator[Problem]:
    """Check the settings of every node that is on."""
    for node in view.graph.nodes:
        node_type = view.types.get(node.id)
        if node_type is None or view.is_off(node):
            continue
        if node.settings.cache_s and (why := _why_never_used_again(view, node, node_type)):
            yield _useless_cache(view, node, why)


def _why_never_used_again(view: View, node: NodeRef, node_type: NodeType) -> str:
    if not node_type.changes_nothing(filled(node, node_type)):
        return "what it does outside must happen each time"
    if node_type.trigger:
        return "each run begins anew"
    if node_type.container:
        return "the nodes inside it decide what it gives; set it at those"
    if any(edge.source_port == TOOL_PORT for edge in view.into[node.id]):
        return "its tools decide what it gives"
    return ""


def _useless_cache(view: View, node: NodeRef, why: str) -> Problem:
    off = {"op": "set_settings", "id": node.id, "settings": {"cache_s": 0}}
    return Problem(
        code="cache_without_use",
        severity="warning",
        message=f"{view.name(node.id)} is set to use outputs again, but never does: {why}.",
        node_id=node.id,
        field="settings.cache_s",
        fix=Fix(title="Switch it off", ops=(off,)),
    )


def check_calls(view: View, workflow_id: str) -> Iterator[Problem]:
    """Find nodes by which a workflow calls itself: it would never end."""
    for node in view.graph.nodes:
        node_type = view.types.get(node.id)
        if not workflow_id or node_type is None or view.is_off(node):
            continue
        form = form_schema(node_type).get("properties", {})
        for name, about in form.items():
            value = node.config.get(name)
            is_own = isinstance(value, str) and value.strip() == workflow_id
            if about.get("widget") == "workflow" and is_own:
                yield Problem(
                    code="calls_itself",
                    severity="error",
                    message=f"{view.name(node.id)} calls the workflow it is part of. "
                    "Choose another one, or use a loop.",
                    node_id=node.id,
                    field=name,
                )
