"""What an idle step waits for, and whether it was delivered."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from app.engine.events import WAITING_STEP
from app.engine.graph.paths import iteration_number
from app.engine.host import ChildRequest, StepRecord, WaitRecord
from app.engine.runtime.execution import Execution, Step
from app.engine.runtime.interrupts import Waits
from app.engine.runtime.plan import PlanNode
from app.engine.sdk import Json, Signal
from app.kernel.errors import ChildFailed, InvalidInput
from app.kernel.ids import derived_id

SLEEP = timedelta(seconds=1)
"""What is no longer than this is slept: less than storing and resuming the run takes."""

MAX_DEPTH = 8
"""So many runs may wait for each other, one above the other: a workflow that calls itself ends."""


def asks_about_itself(record: StepRecord) -> bool:
    """Whether a step waits for a decision about its failure, or about what became of it."""
    return record.status == "interrupted" or (
        record.status == "waiting_human" and record.error is not None
    )


def is_before_a_try(record: StepRecord) -> bool:
    """Whether a step failed, and waits for the time of its next try."""
    return record.status == "waiting" and record.error is not None


def still_waits(execution: Execution, node: PlanNode, record: StepRecord) -> bool:
    """Whether what a step waits for has not been delivered yet.

    A container is traversed again, since a delivery may be for a step in its body; unless it failed itself and asks
    about that.
    """
    if record.status not in WAITING_STEP:
        return False
    deliveries = execution.deliveries
    if asks_about_itself(record):
        return record.path not in deliveries.recoveries
    if node.type.container:
        return False
    if is_before_a_try(record):
        return record.path not in deliveries.retry_due
    result = deliveries.answers if record.status == "waiting_human" else deliveries.wait_results
    return record.path not in result


async def until(step: Step, moment: datetime, *, lasts: bool = False) -> None:
    """Let time pass: in place when it is short.

    Args:
        lasts: The moment is this long from now.

    Raises:
        Waits: It is long, and the time has not come.
    """
    if step.record.path in step.execution.deliveries.wait_results:
        return
    left = moment - step.execution.host.now()
    if left > SLEEP:
        raise Waits(_record(step, "time", until=moment, lasts=lasts))
    await asyncio.sleep(max(left.total_seconds(), 0))


def for_next_try(step: Step, seconds: float) -> Waits:
    """What ends a step until its next try; its record already says so."""
    run_id, path = step.execution.request.run_id, step.record.path
    return Waits(
        WaitRecord(
            id=derived_id("wait", run_id, path, str(step.record.attempt), "retry"),
            step_path=path,
            node_id=step.node.id,
            kind="retry",
            until=step.execution.host.now() + timedelta(seconds=seconds),
            lasts=True,
        )
    )


def defer(step: Step, index: int, attempt: int, seconds: float) -> None:
    """Keep an iteration of a container from starting before this much time has passed; the wait is durable."""
    run_id, path = step.execution.request.run_id, step.record.path
    number = iteration_number(index, attempt)
    record = WaitRecord(
        id=derived_id("wait", run_id, path, number, "turn"),
        step_path=path,
        node_id=step.node.id,
        kind="turn",
        until=step.execution.host.now() + timedelta(seconds=seconds),
        name=number,
        lasts=True,
    )
    step.execution.deliveries.deferred[record.place] = record
    step.execution.recorder.post_wait(record)


def for_signal(step: Step, name: str, moment: datetime | None) -> Signal:
    """Return what a signal brought, or that it did not come in time.

    Raises:
        Waits: It has not come.
    """
    result = step.execution.deliveries.wait_results.get(step.record.path)
    if result is None:
        raise Waits(_record(step, "signal", until=moment, name=name, lasts=True))
    return Signal(payload=result.get("payload"), timed_out=bool(result.get("timed_out")))


async def for_workflow(step: Step, workflow_id: str, given: Json) -> Json:
    """Start another workflow's run and return its output when it has ended.

    Each try of the step has a run of its own, so that a retry calls the workflow again.

    Raises:
        Waits: It is still in progress.
        ChildFailed: It did not succeed.
    """
    request, path = step.execution.request, step.record.path
    run_id = child_id(request.run_id, path, step.record.attempt)
    result = step.execution.deliveries.wait_results.get(path)
    if result is None or result["run_id"] != run_id:
        if workflow_id == request.workflow_id:
            raise InvalidInput(
                "A workflow cannot call itself: it would never end.", field="workflow"
            )
        if request.depth >= MAX_DEPTH:
            raise InvalidInput(
                f"Workflows call each other more than {MAX_DEPTH} deep; "
                "let this one end without calling another."
            )
        await step.execution.host.start_child(
            ChildRequest(
                run_id=run_id,
                workspace_id=request.workspace_id,
                workflow_id=workflow_id,
                input=given,
                parent_run_id=request.run_id,
                parent_path=path,
                depth=request.depth + 1,
            )
        )
        raise Waits(_record(step, "run", child_run_id=run_id))
    if result["status"] == "succeeded":
        return result.get("output")
    raise ChildFailed(_end_of(run_id, result), run_id=run_id)


def child_id(run_id: str, path: str, attempt: int) -> str:
    """The id of the run that a step starts in this try."""
    return derived_id("run", run_id, path, str(attempt))


def _end_of(run_id: str, result: dict[str, Any]) -> str:
    if result["status"] == "canceled":
        return f"The run {run_id} of the called workflow was canceled."
    error = result.get("error") or {}
    return (
        f"The run {run_id} of the called workflow failed: {error.get('message', 'no reason given')}"
    )


def _record(step: Step, kind: Any, **what: Any) -> WaitRecord:  # noqa: ANN401 - fields of WaitRecord
    """The wait of this try of the step."""
    run_id, path = step.execution.request.run_id, step.record.path
    return WaitRecord(
        id=derived_id("wait", run_id, path, str(step.record.attempt)),
        step_path=path,
        node_id=step.node.id,
        kind=kind,
        **what,
    )
