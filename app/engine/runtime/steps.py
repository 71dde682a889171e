"""Executing one node: resolve its form, check its input, try, try again, record the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic_core import PydanticSerializationError, to_jsonable_python

from app.engine.events import EventType
from app.engine.graph.document import Edge, NodeSettings
from app.engine.graph.ports import outputs_of
from app.engine.host import ApprovalRecord, StepRecord
from app.engine.runtime.budget import out_of_time
from app.engine.runtime.context import StepContext
from app.engine.runtime.execution import Level, Step
from app.engine.runtime.interrupts import Asked
from app.engine.runtime.payloads import error_of, plain
from app.engine.runtime.plan import PlanNode
from app.engine.runtime.prepare import Prepared, prepare
from app.engine.runtime.retry import delay_s, may_retry
from app.engine.runtime.scope import (
    input_of,
    last_output,
    names_for,
    values_at_ports,
    values_from_arguments,
)
from app.engine.runtime.spans import detach, open_span
from app.engine.sdk import Json, Ports, Result
from app.engine.sdk.node import ERROR_PORT
from app.kernel.errors import (
    AppError,
    BudgetExceeded,
    OutputInvalid,
    Paused,
    StepError,
    StepTimedOut,
)

logger = logging.getLogger(__name__)

RunTurn = Callable[[Level, PlanNode, int, Mapping[str, Json]], Awaitable[Json]]
Output = tuple[dict[str, Json], tuple[str, ...] | None]


@dataclass(frozen=True)
class _Work:
    """A step with what it works on."""

    step: Step
    values: Mapping[str, Json]
    names: Mapping[str, Json]
    run_turn: RunTurn


async def perform(
    level: Level, node: PlanNode, alive: tuple[Edge, ...], run_turn: RunTurn
) -> StepRecord:
    """Execute a node and return its last record: succeeded, failed or waiting for a person.

    Args:
        alive: The incoming edges that carry a value.
        run_turn: Runs one turn of a container's body.
    """
    detach()
    values = values_at_ports(level, node, alive)
    step = Step(level, node, values)
    work = _Work(step, values, names_for(level, node, values, last_output(level, alive)), run_turn)
    await _begin(step)
    try:
        step.execution.budget.step()
        output, ports = _passed_through(work) if node.ref.settings.disabled else await _tries(work)
    except Paused as pause:
        return await _wait(step, pause)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return await _fail(step, StepError(f"'{node.label}' was cut off by something it called."))
    except Exception as error:  # noqa: BLE001 - the edge: whatever a node raises ends its step
        return await _fail(step, error)
    return await _end(step, "succeeded", output, ports)


async def _begin(step: Step) -> None:
    """Record that the step runs; durably before an effect that must not happen twice."""
    recorder, node_type = step.execution.recorder, step.node.type
    if node_type.effects == "external" and not node_type.retry_safe:
        await recorder.record_step(step.record, "step.started")
    else:
        recorder.note_step(step.record, "step.started")


def _passed_through(work: _Work) -> Output:
    """A disabled node gives what arrives to all of its outputs."""
    node = work.step.node
    value = work.names["trigger"] if node.type.trigger else work.names["input"]
    return dict.fromkeys(node.outputs, value), _without_error(node)


async def _tries(work: _Work) -> Output:
    """Try until it works or no further try is allowed."""
    step = work.step
    settings = step.node.ref.settings
    prepared = prepare(step.node, work.values, work.names)
    step.record = replace(step.record, input={"ports": work.values, "config": prepared.resolved})
    while True:
        try:
            if not settings.retries:
                return await _try(work, step.node, prepared)
            async with open_span(
                step, "attempt", f"attempt {step.record.attempt}", number=step.record.attempt
            ):
                return await _try(work, step.node, prepared)
        except Exception as error:
            if not may_retry(error, step.record.attempt, step.node):
                raise
            await _before_next_try(step, error, settings)


async def _try(work: _Work, node: PlanNode, prepared: Prepared) -> Output:
    """Call a node's run function: the step's own, or that of a tool in its slots."""
    step, level = work.step, work.step.level
    if node.body:
        level = replace(level, last_output=work.names["context"]["last_output"])
    context = StepContext(
        step,
        node,
        work.names,
        lambda index, names: work.run_turn(level, node, index, names),
        lambda tool, arguments: _run_tool(work, tool, arguments),
    )
    try:
        running = node.type.run(prepared.config, prepared.inputs, context)
        result = await _in_time(step, node, running)
    finally:
        await context.close()
    return _checked(node, result)


async def _run_tool(work: _Work, node: PlanNode, arguments: Mapping[str, Json]) -> Json:
    """Run a node from a tool slot: within the step of the agent, with the arguments as `args`.

    The answer is what the node shows at its sockets.
    """
    work.step.execution.budget.check()
    values = values_from_arguments(node, arguments)
    names = {**work.names, "args": dict(arguments), "input": input_of(node, values)}
    try:
        prepared = prepare(node, values, names)
        output, _ = await _try(replace(work, values=values, names=names), node, prepared)
    except AppError:
        raise
    except Exception as error:
        _log_unexpected(work.step, error)
        raise StepError(error_of(error)["message"]) from error
    sockets = {port.name for port in outputs_of(node.ref, node.type) if port.socket}
    return plain({name: value for name, value in output.items() if name in sockets})


async def _in_time(step: Step, node: PlanNode, running: Awaitable[Any]) -> Any:  # noqa: ANN401 - what a node returns
    """Await one try within the node's limit and what is left of the run's time.

    The steps in a body have limits of their own, so the default one does not bound a container.
    """
    own: float = node.ref.settings.timeout_s
    if node.type.container and own == NodeSettings().timeout_s:
        own = float("inf")
    left = step.execution.budget.remaining_s
    try:
        async with asyncio.timeout(min(own, left)) as timer:
            return await running
    except TimeoutError as error:
        if not timer.expired():
            raise
        if left < own:
            raise out_of_time(step.execution.request.limits.timeout_s) from error
        raise StepTimedOut(
            f"'{node.label}' took longer than its time limit of {own:g} seconds."
        ) from error


async def _before_next_try(step: Step, error: Exception, settings: NodeSettings) -> None:
    """Announce and await the next try."""
    wait_s = delay_s(error, step.record.attempt, settings)
    if wait_s >= step.execution.budget.remaining_s:
        raise error
    step.execution.recorder.note_step(
        step.record, "step.retrying", error=error_of(error), delay_s=round(wait_s, 2)
    )
    await asyncio.sleep(wait_s)
    step.record = replace(step.record, attempt=step.record.attempt + 1)


def _checked(node: PlanNode, result: object) -> Output:
    """Turn what a node returned into JSON values by port, and the ports that live on."""
    try:
        if isinstance(result, Ports):
            return result.model_dump(mode="json"), _without_error(node)
        if isinstance(result, Result):
            alive = _without_error(node) if result.alive is None else tuple(sorted(result.alive))
            return to_jsonable_python(dict(result.values)), alive
    except PydanticSerializationError as error:
        raise OutputInvalid(f"'{node.label}' gave a value that is not JSON: {error}.") from error
    raise OutputInvalid(f"'{node.label}' gave back {type(result).__name__}, not its ports.")


def _without_error(node: PlanNode) -> tuple[str, ...] | None:
    if node.ref.settings.on_error != "error_port":
        return None
    return tuple(name for name in node.outputs if name != ERROR_PORT)


async def _end(
    step: Step,
    status: Literal["succeeded", "failed"],
    output: dict[str, Json] | None,
    alive: tuple[str, ...] | None,
) -> StepRecord:
    """Record how the step ended.

    A quick step is written with whatever follows it: facts are committed in order, so nothing that
    depends on it is durable before it, and until then repeating it costs nothing and shows nowhere.
    """
    recorder = step.execution.recorder
    step.record = replace(
        step.record,
        status=status,
        output=output,
        alive=alive,
        finished_at=step.execution.host.now(),
    )
    event: EventType = "step.completed" if status == "succeeded" else "step.failed"
    if step.node.type.quick:
        recorder.note_step(step.record, event)
    else:
        await recorder.record_step(step.record, event)
    return step.record


async def _wait(step: Step, pause: Paused) -> StepRecord:
    """Record that the step waits. A container waits for one in its body, which has the question."""
    recorder = step.execution.recorder
    step.record = replace(step.record, status="waiting_human")
    if isinstance(pause, Asked):
        approval = ApprovalRecord(pause.approval_id, step.record.path, step.node.id, pause.question)
        question = pause.question.model_dump(mode="json")
        await recorder.record_step(
            step.record, "step.waiting_human", approval, approval_id=approval.id, question=question
        )
    else:
        await recorder.record_step(step.record, "step.waiting_human")
    return step.record


async def _fail(step: Step, error: Exception) -> StepRecord:
    """Record a failure and what its settings make of it. A spent budget is never passed over."""
    if not isinstance(error, AppError):
        _log_unexpected(step, error)
    described = error_of(error)
    step.record = replace(step.record, error=described)
    settings, outputs = step.node.ref.settings, step.node.outputs
    if settings.on_error == "stop" or isinstance(error, BudgetExceeded):
        return await _end(step, "failed", None, ())
    if settings.on_error == "error_port":
        about = {
            "code": described["code"],
            "message": described["message"],
            "node_id": step.node.id,
        }
        return await _end(step, "failed", {ERROR_PORT: about}, (ERROR_PORT,))
    default = settings.default
    by_port = isinstance(default, dict) and default and set(default) <= set(outputs)
    return await _end(
        step, "failed", default if by_port else dict.fromkeys(outputs[:1], default), outputs
    )


def _log_unexpected(step: Step, error: Exception) -> None:
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
