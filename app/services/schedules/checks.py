"""What keeps a workflow from starting on a schedule: no trigger, problems, an input that does not fit."""

from typing import Any

import orjson

from app.engine.catalog import catalog
from app.engine.graph.upgrades import open_graph
from app.engine.runtime.inputs import check_input
from app.kernel.errors import InvalidInput, TooLarge
from app.models import Draft, Schedule, Workflow
from app.services.workflows.checks import compile_view

MAX_INPUT_BYTES = 200_000


def warnings_of(workflow: Workflow, draft: Draft) -> tuple[str, ...]:
    """Say what would make each start fail now. A schedule may be made all the same: drafts change."""
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


def unknown_zone(schedule: Schedule) -> str:
    """Say that a stored zone is gone, and what to do."""
    return (
        f"This system does not know the time zone '{schedule.timezone}' any more, so nothing starts. Choose "
        "another one, or bring the system's time zone data (tzdata) up to date."
    )


def check_schedule_input(draft: Draft, given: Any) -> None:  # noqa: ANN401 - a JSON value
    """Refuse an input that the workflow's trigger would not take, or that is too large to keep.

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
    schema = compile_view(open_graph(draft.graph, catalog())).input_schema
    try:
        check_input(schema or {}, given)
    except InvalidInput as error:
        name = error.context.get("field", "input")
        field = "input" if name == "input" else f"input.{name}"
        sentence = error.message.replace(" and run again", "")
        raise InvalidInput(
            f"The input does not fit the workflow: {sentence}", field=field
        ) from error
