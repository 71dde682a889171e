"""What keeps a trigger from starting its workflow: no start node, problems, an input that does not fit."""

from typing import Any

import orjson

from app.engine.catalog import catalog
from app.engine.graph.upgrades import open_graph
from app.kernel.errors import TooLarge
from app.models import Draft, Workflow
from app.services.workflows.checks import check_input_of, compile_view

MAX_INPUT_BYTES = 200_000


def warnings_of(workflow: Workflow, draft: Draft) -> tuple[str, ...]:
    """List what would make every start fail now. A trigger may be created all the same: drafts change."""
    if workflow.deleted_at is not None:
        return ("The workflow was deleted. Nothing starts until it is restored.",)
    found = compile_view(open_graph(draft.graph, catalog()))
    said = []
    if found.input_schema is None:
        said.append("The workflow has no trigger. Add one in the editor, or nothing can start.")
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        count = "a problem" if len(errors) == 1 else f"{len(errors)} problems"
        said.append(
            f"The workflow has {count}: {errors[0].message} Until that is mended in the editor, "
            "nothing starts and each time is recorded as failed."
        )
    return tuple(said)


def check_trigger_input(draft: Draft, given: Any) -> None:  # noqa: ANN401 - a JSON value
    """Refuse an input that the workflow would not take, or that is too large to keep.

    Raises:
        InvalidInput: A value is missing or wrong; `context["field"]` is `input` or `input.<name>`.
        TooLarge: It has more than 200 kB.
    """
    size = len(orjson.dumps(given))
    if size > MAX_INPUT_BYTES:
        raise TooLarge(
            f"The input has {size:,} bytes; a schedule keeps at most {MAX_INPUT_BYTES:,}. "
            "Let the workflow fetch large data itself.",
            field="input",
        )
    check_input_of(open_graph(draft.graph, catalog()), given)
