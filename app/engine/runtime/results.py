"""How a step ends: with an output, with a failure handled as its settings say, or waiting."""

import logging
from typing import Literal

from app.engine.events import EventType
from app.engine.host import ApprovalRecord, Origin, StepRecord, WaitRecord
from app.engine.payloads import error_of, masked, moment
from app.engine.recovery import about_failure
from app.engine.runtime.execution import Step
from app.engine.runtime.interrupts import Asked, PauseRequested, Waits
from app.engine.runtime.plan import PlanNode
from app.engine.sdk import Json, Question
from app.engine.sdk.node import ERROR_PORT
from app.kernel.errors import AppError, BudgetExceeded, Paused

logger = logging.getLogger(__name__)


async def end(
    step: Step,
    status: Literal["succeeded", "failed"],
    output: dict[str, Json] | None,
    alive: tuple[str, ...] | None,
    origin: Origin | None = None,
) -> StepRecord:
    """Record how the step ended.

    A quick step is written with whatever follows it: until then repeating it costs nothing and is visible nowhere. Any
    other is written at once. The write of a step that changed the outside world is awaited: it is not to be repeated,
    not even where it may be.

    Args:
        alive: Output ports whose edges are alive; None: all.
    """
    recorder = step.execution.recorder
    _end_inside(step)
    step.record = step.record.but(
        status=status,
        origin=origin,
        output=output,
        alive=alive,
        finished_at=step.execution.host.now(),
    )
    event: EventType = "step.completed" if status == "succeeded" else "step.failed"
    if step.node.type.quick:
        recorder.note_step(step.record, event)
    elif step.node.type.effects == "external":
        await recorder.record_step(step.record, event)
    else:
        recorder.post_step(step.record, event)
    return step.record


async def skip(step: Step) -> StepRecord:
    """Record that a person skipped the step: what follows it continues without its output."""
    now = step.execution.host.now()
    _end_inside(step)
    step.record = step.record.but(status="skipped", alive=plain_ports(step.node), finished_at=now)
    await step.execution.recorder.record_step(step.record, "step.skipped")
    return step.record


def _end_inside(step: Step) -> None:
    """Record what was cut off in a container, or waits in it, as canceled: it is over."""
    if step.node.body:
        step.execution.recorder.note_canceled(f"{step.record.path}[")
        step.execution.deliveries.drop_deferred(step.record.path)


async def wait(step: Step, pause: Paused) -> StepRecord:
    """Record what the step waits for. A container waits for a step in its body, which records it."""
    recorder, execution = step.execution.recorder, step.execution
    if isinstance(pause, Asked):
        return await _ask(step, pause.approval_id, pause.question)
    if isinstance(pause, Waits):
        return await _wait_for(step, pause.record)
    if isinstance(pause, PauseRequested) or execution.held:
        step.record = step.record.but(status="pending")
        recorder.note_step(step.record, "step.waiting")
        return step.record
    inside = f"{step.record.path}["
    waits = [s.status for s in recorder.steps.values() if s.path.startswith(inside)]
    if "waiting_human" in waits or "interrupted" in waits:
        step.record = step.record.but(status="waiting_human")
        await recorder.record_step(step.record, "step.waiting_human")
        return step.record
    deferred = [
        one for one in execution.deliveries.deferred.values() if one.step_path == step.record.path
    ]
    first = min(deferred, key=lambda one: one.until or execution.host.now(), default=None)
    step.record = step.record.but(status="waiting")
    await recorder.record_step(
        step.record, "step.waiting", **({"wait": _wait_details(first)} if first else {})
    )
    return step.record


async def _wait_for(step: Step, record: WaitRecord) -> StepRecord:
    """Record that the step waits, and for what, in one transaction."""
    deliveries = step.execution.deliveries
    if record.kind == "retry":
        deliveries.retry_due.discard(step.record.path)  # that was after another try
    else:
        deliveries.wait_results.pop(step.record.path, None)
    step.record = step.record.but(status="waiting")
    await step.execution.recorder.record_step(
        step.record, "step.waiting", record, wait=_wait_details(record)
    )
    if record.kind in ("time", "retry"):
        deliveries.set_timer(record)
    return step.record


def _wait_details(wait: WaitRecord) -> dict[str, Json]:
    details: dict[str, Json] = {"for": wait.kind, "until": moment(wait.until), "name": wait.name}
    return details if wait.child_run_id is None else {**details, "run_id": wait.child_run_id}


async def fail(step: Step, error: Exception) -> StepRecord:
    """Record a failure and handle it as the settings say. A spent budget always fails the step."""
    if not isinstance(error, AppError):
        log_unexpected(step, error)
    described = error_of(error)
    step.record = step.record.but(error=described)
    settings, outputs = step.node.ref.settings, step.node.outputs
    if settings.on_error == "stop" or isinstance(error, BudgetExceeded):
        return await end(step, "failed", None, ())
    if settings.on_error == "ask":
        if step.node.body:  # a retry continues with what was cut off
            step.execution.recorder.note_pending(f"{step.record.path}[")
        question = about_failure(step.node.label, described, step.record.input)
        return await _ask(step, step.execution.host.new_id("approval"), question)
    if settings.on_error == "error_port":
        about = {
            "code": described["code"],
            "message": described["message"],
            "node_id": step.node.id,
            **({"partial": described["partial"]} if "partial" in described else {}),
            **(masked(error.context.get("reply", {})) if isinstance(error, AppError) else {}),
        }
        return await end(step, "failed", {ERROR_PORT: about}, (ERROR_PORT,))
    step.warn("default_used", "It failed, and the run went on with its default.")
    return await end(step, "failed", by_port(step.node, settings.default), outputs)


async def _ask(step: Step, approval_id: str, question: Question) -> StepRecord:
    """Record that the step waits for a person, with the question, in one transaction."""
    if step.record.error is not None:
        step.execution.deliveries.recoveries.pop(
            step.record.path, None
        )  # that was about another failure
    step.record = step.record.but(status="waiting_human")
    approval = ApprovalRecord(approval_id, step.record.path, step.node.id, question)
    await step.execution.recorder.record_step(
        step.record,
        "step.waiting_human",
        approval,
        approval_id=approval.id,
        question=question.model_dump(mode="json"),
    )
    return step.record


def by_port(node: PlanNode, value: Json) -> dict[str, Json]:
    """Distribute a value that a person wrote over the outputs: by port, or all to the first one."""
    fits = isinstance(value, dict) and value and set(value) <= set(node.outputs)
    return dict(value) if fits else dict.fromkeys(node.outputs[:1], value)


def ports_with(node: PlanNode, output: dict[str, Json]) -> tuple[str, ...] | None:
    """The ports that are alive when this output replaces an execution: of branches, those it has."""
    branches = _branches(node)
    if not branches:
        return without_error(node)
    return tuple(name for name in node.outputs if name in output or name not in branches)


def plain_ports(node: PlanNode) -> tuple[str, ...]:
    """The ports that are alive when there is no output: none of the branches."""
    return tuple(name for name in node.outputs if name not in _branches(node))


def without_error(node: PlanNode) -> tuple[str, ...] | None:
    """The ports that are alive after success; None: all."""
    if node.ref.settings.on_error != "error_port":
        return None
    return tuple(name for name in node.outputs if name != ERROR_PORT)


def _branches(node: PlanNode) -> set[str]:
    chosen = {port.name for port in node.type.output_ports(node.config) if port.branch}
    return chosen | {ERROR_PORT}


def log_unexpected(step: Step, error: Exception) -> None:
    """Log an exception that is not ours, once, with the ids needed to find it."""
    request = step.execution.request
    logger.error(
        "step %s stopped with an unexpected error",
        step.record.path,
        exc_info=error,
        extra={
            "run_id": request.run_id,
            "step_id": step.record.id,
            "workspace_id": request.workspace_id,
        },
    )
