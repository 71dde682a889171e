"""What is wrong with a draft, and what follows from its forms: ports and input."""

from typing import Any

from app.engine.catalog import Catalog, catalog
from app.engine.graph.checks.models import ModelsHere
from app.engine.graph.document import Graph
from app.engine.graph.ports import filled, outputs_of
from app.engine.graph.validate import check
from app.engine.runtime.inputs import check_input
from app.engine.sdk.node import ERROR_PORT, TOOL_PORT, Port
from app.kernel.errors import InvalidInput
from app.services.workflows.views import CompileView


def compile_view(
    graph: Graph, workflow_id: str = "", models: ModelsHere | None = None
) -> CompileView:
    """Check the graph of a workflow without running, fetching or writing anything.

    Args:
        models: Those known to be available; None: models are not checked.
    """
    types = catalog()
    problems = tuple(check(graph, types, workflow_id, models))
    return CompileView(
        ok=not any(problem.severity == "error" for problem in problems),
        problems=problems,
        ports=ports_by_node(graph, types),
        input_schema=input_schema(graph, types),
    )


def ports_by_node(graph: Graph, types: Catalog) -> dict[str, tuple[Port, ...]]:
    """Return the output ports of the nodes whose ports depend on their form.

    The implicit ones, for errors and for tools, are not included: any node may have those.
    """
    found = {}
    for node in graph.nodes:
        node_type = types.get(node.kind)
        if node_type is not None and node_type.ports_for is not None:
            ports = outputs_of(node, node_type)
            found[node.id] = tuple(p for p in ports if p.name not in (ERROR_PORT, TOOL_PORT))
    return found


def input_schema(graph: Graph, types: Catalog) -> dict[str, Any] | None:
    """Return the JSON Schema of what the graph's trigger accepts; None without a trigger."""
    for node in graph.nodes:
        node_type = types.get(node.kind)
        if node_type is not None and node_type.trigger and node_type.input_schema_for is not None:
            schema: dict[str, Any] = node_type.input_schema_for(filled(node, node_type))
            return schema
    return None


def check_input_of(graph: Graph, given: Any) -> None:  # noqa: ANN401 - a JSON value
    """Refuse an input that a graph's trigger would not accept.

    Raises:
        InvalidInput: A value is missing or wrong; `context["field"]` is `input` or `input.<name>`.
    """
    try:
        check_input(input_schema(graph, catalog()) or {}, given)
    except InvalidInput as error:
        name = error.context.get("field", "input")
        field = "input" if name == "input" else f"input.{name}"
        sentence = error.message.replace(" and run again", "")
        raise InvalidInput(
            f"The input does not fit the workflow: {sentence}", field=field
        ) from error
