"""Checks of unknown fields, which a newer version or another program left in a document."""

from collections.abc import Iterator

from app.engine.graph.checks.view import View
from app.engine.graph.document import Unknown
from app.engine.graph.problem import Fix, Problem


def check_unknown(view: View) -> Iterator[Problem]:
    """Report each unknown field of the document; the first fix removes them all."""
    unknown = view.graph.unknown
    for index, found in enumerate(unknown):
        yield Problem(
            code="unknown_field",
            severity="error",
            message=f"{_owner(view, found)} has a field that this version does not know: "
            f"`{found.place[-1]}`. It is kept, but nothing can run with it. Remove it, or open the "
            "workflow with the version that made it.",
            node_id=found.node_id,
            edge_id=found.edge_id,
            field=_field(found),
            fix=_remove_all(view, len(unknown)) if index == 0 else None,
        )


def _owner(view: View, found: Unknown) -> str:
    if found.node_id is not None:
        return view.name(found.node_id)
    if found.edge_id is not None:
        edge = next(edge for edge in view.graph.edges if edge.id == found.edge_id)
        return f"The connection from {view.name(edge.source)} to {view.name(edge.target)}"
    return "The workflow"


def _field(found: Unknown) -> str:
    """The place inside of the node, the edge or the document."""
    inside = found.place if len(found.place) == 1 else found.place[2:]
    return ".".join(map(str, inside))


def _remove_all(view: View, count: int) -> Fix:
    title = "Remove it" if count == 1 else f"Remove all {count} of them"
    clean = view.graph.as_json(with_unknown=False)
    return Fix(title=title, ops=({"op": "replace", "graph": clean},))
