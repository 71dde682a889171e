"""A run's status and output as pure functions of its steps."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from operator import itemgetter

from app.engine.events import WAITING_STEP, RunStatus
from app.engine.graph.paths import is_inside
from app.engine.graph.ports import given
from app.engine.host import StepRecord
from app.engine.payloads import plain
from app.engine.runtime.plan import Plan, PlanNode
from app.engine.sdk import Json

_NEVER = datetime.min.replace(tzinfo=UTC)


def is_handled(step: StepRecord) -> bool:
    """Whether a step's failure was handled: it has an output nevertheless."""
    return step.output is not None


def unhandled(steps: Iterable[StepRecord]) -> StepRecord | None:
    """Return the first failed step of the graph itself whose error nobody handles.

    A failure in a container's body is up to its container.
    """
    return next(
        (s for s in steps if s.status == "failed" and not is_inside(s.path) and not is_handled(s)),
        None,
    )


def stopped_by(steps: Iterable[StepRecord], stops: Collection[str]) -> StepRecord | None:
    """Return the step that ended the run, wherever it is: the first to finish of the nodes that do."""
    ended = [s for s in steps if s.node_id in stops and s.status in ("succeeded", "failed")]
    return min(ended, key=lambda s: (s.finished_at or _NEVER, s.path), default=None)


def status_of(steps: Iterable[StepRecord], stops: Collection[str] = ()) -> RunStatus:
    """Return the status of a run all of whose steps are over or wait.

    Args:
        stops: Ids of the nodes that end a run.
    """
    steps = list(steps)
    stop = stopped_by(steps, stops)
    if stop is not None:
        return "failed" if stop.status == "failed" else "succeeded"
    if any(step.status in WAITING_STEP for step in steps):
        return "waiting"
    return "failed" if unhandled(steps) else "succeeded"


def response_of(node: PlanNode, step: StepRecord) -> tuple[datetime, Json] | None:
    """What a step responded, and when: a node that responds, or a loop with one in it."""
    if step.status != "succeeded" or step.output is None:
        return None
    if node.region is not None:
        response = step.output.get("responded")
        return (datetime.fromisoformat(response["at"]), response["value"]) if response else None
    return (step.finished_at or _NEVER, value_of(node, step.output)) if node.type.responds else None


def value_of(node: PlanNode, output: dict[str, Json]) -> Json:
    """What a finished node passes to what comes after it: a next iteration, a loop's results."""
    return given(node.sockets, output)


def _answer_of(node: PlanNode, output: dict[str, Json]) -> Json:
    """What a node at the end of the graph contributes to the run's output: all of its ports."""
    return output["value"] if node.region is not None else plain(output)


def output_of(plan: Plan, steps: Mapping[str, StepRecord], prefix: str = "") -> Json:
    """Return the output of a graph or of one iteration of a body.

    A node that stopped the run decides, else the last that responded; without either, the leaves: the value of a
    single one, several by node id.
    """
    if not prefix and (stop := stopped_by(steps.values(), plan.stops)):
        return plain(stop.output)
    done = [(plan.nodes[n], step) for n in plan.order if (step := steps.get(prefix + n))]
    responses = [response for node, step in done if (response := response_of(node, step))]
    if responses:
        return sorted(responses, key=itemgetter(0))[-1][1]
    tell = value_of if prefix else _answer_of
    leaves = {
        node.id: tell(node, step.output)
        for node, step in done
        if step.output is not None and not node.out
    }
    return next(iter(leaves.values())) if len(leaves) == 1 else leaves or None
