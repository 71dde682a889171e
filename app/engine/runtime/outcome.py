"""A run's status and output as pure functions of its steps."""

from collections.abc import Iterable, Mapping

from app.engine.events import WAITING_STEP, RunStatus
from app.engine.host import StepRecord
from app.engine.runtime.payloads import plain
from app.engine.runtime.plan import Plan
from app.engine.sdk import Json


def is_handled(step: StepRecord) -> bool:
    """Say whether a step's failure was dealt with: it has an output in spite of it."""
    return step.output is not None


def unhandled(steps: Iterable[StepRecord]) -> StepRecord | None:
    """Return the first failed step of the graph itself whose error nobody handles.

    A failure in a container's body is its container's matter.
    """
    return next(
        (s for s in steps if s.status == "failed" and "/" not in s.path and not is_handled(s)), None
    )


def status_of(steps: Iterable[StepRecord]) -> RunStatus:
    """Return the status of a run all of whose steps are over or wait."""
    steps = list(steps)
    if any(step.status in WAITING_STEP for step in steps):
        return "waiting"
    return "failed" if unhandled(steps) else "succeeded"


def output_of(plan: Plan, steps: Mapping[str, StepRecord], prefix: str = "") -> Json:
    """Return what a graph or one turn of a body gives back.

    The last node that responds decides; without one the leaves: one its value, several by node id.
    """
    given = {
        node_id: step.output
        for node_id in plan.order
        if (step := steps.get(prefix + node_id)) and step.output is not None
    }
    responses = [
        node_id
        for node_id in given
        if plan.nodes[node_id].type.responds and steps[prefix + node_id].status == "succeeded"
    ]
    if responses:
        return plain(given[responses[-1]])
    leaves = {
        node_id: plain(output) for node_id, output in given.items() if not plan.nodes[node_id].out
    }
    return next(iter(leaves.values())) if len(leaves) == 1 else leaves or None
