"""The check of a graph: everything that is wrong, each in a sentence with its place and often a fix."""

from app.engine.graph.checks.forms import check_forms
from app.engine.graph.checks.models import ModelsHere, check_models
from app.engine.graph.checks.order import check_order
from app.engine.graph.checks.references import check_references
from app.engine.graph.checks.settings import check_calls, check_settings
from app.engine.graph.checks.unknown import check_unknown
from app.engine.graph.checks.view import View
from app.engine.graph.checks.wires import check_wires
from app.engine.graph.document import Graph
from app.engine.graph.ports import NodeTypes
from app.engine.graph.problem import Problem

MAX_PROBLEMS = 500


def check(
    graph: Graph, catalog: NodeTypes, workflow_id: str = "", models: ModelsHere | None = None
) -> list[Problem]:
    """Find what is wrong with a graph: errors first, then in the order of its nodes.

    Pure: nothing is executed, fetched or written. At most 500 problems are returned.

    Args:
        workflow_id: Whose graph it is, when that is known: it must not call itself.
        models: Which models could answer now; None: not known, and nothing is said of them.
    """
    view = View(graph, catalog)
    checks = (
        check_unknown,
        check_order,
        check_forms,
        check_references,
        check_wires,
        check_settings,
    )
    found = [problem for run in checks for problem in run(view)]
    found.extend(check_calls(view, workflow_id))
    if models is not None:
        found.extend(check_models(view, models))
    place = {node.id: index for index, node in enumerate(graph.nodes)}
    found.sort(key=lambda p: (p.severity != "error", place.get(p.node_id or "", -1)))
    return found[:MAX_PROBLEMS]
