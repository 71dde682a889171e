"""Executes one node: resolve its form, check its input, try, retry, record the end."""

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.engine.events import TERMINAL_STEP
from app.engine.graph.document import Edge, NodeSettings
from app.engine.graph.ports import given, outputs_of
from app.engine.graph.typing import is_of_type
from app.engine.host import StepRecord
from app.engine.payloads import error_of
from app.engine.runtime.budget import out_of_time
from app.engine.runtime.context import StepContext
from app.engine.runtime.execution import Level, Step
from app.engine.runtime.outputs import checked
from app.engine.runtime.plan import PlanNode
from app.engine.runtime.prepare import Prepared, prepare, prepare_given
from app.engine.runtime.queueing import Clock, clock_for
from app.engine.runtime.results import (
    by_port,
    end,
    fail,
    log_unexpected,
    ports_with,
    skip,
    wait,
)
from app.engine.runtime.retry import LONG_S, delay_s, may_retry, pauses_of
from app.engine.runtime.scope import (
    input_of,
    last_output,
    names_for,
    values_at_ports,
    values_from_arguments,
)
from app.engine.runtime.spans import detached, open_span
from app.engine.runtime.substitutes import Output, cache_key, pinned, remember, remembered
from app.engine.runtime.waiting import asks_about_itself, for_next_try, is_before_a_try
from app.engine.sdk import Answer, Json
from app.engine.sdk.node import ERROR_PORT, TOOL_PORT
from app.kernel.errors import AppError, Paused, StepError, StepTimedOut, StorageDown

RunIteration = Callable[[Level, PlanNode, int, Mapping[str, Json], int], Awaitable[Json]]


@dataclass(frozen=True)
class _Work:
    """A step and what it works on; `config` is the form as a person gave it for another try."""

    step: Step
    values: Mapping[str, Json]
    names: Mapping[str, Json]
    run_iteration: RunIteration
    config: Json = None


async def perform(
    level: Level, node: PlanNode, alive: tuple[Edge, ...], run_iteration: RunIteration
) -> StepRecord:
    """Execute a node and return its last record: succeeded, failed, skipped, or waiting.

    Args:
        alive: The incoming edges that carry a value.
        run_iteration: Runs one iteration of a container's body.
    """
    with detached():
        record = await _perform(level, node, alive, run_iteration)
    if record.status not in TERMINAL_STEP:
        level.execution.budget.step_waits()
    return record


async def _perform(
    level: Level, node: PlanNode, alive: tuple[Edge, ...], run_iteration: RunIteration
) -> StepRecord:
    step = Step(level, node, values_at_ports(level, node, alive))
    decision = step.execution.deliveries.recoveries.get(step.record.path)
    if decision is not None and decision.choice != "retry":
        return await _as_decided(step, decision)
    given = _edited(step, decision)
    values = given.get("ports", step.record.input["ports"])
    names = names_for(level, node, values, last_output(level, alive))
    try:
        return await _execute(_Work(step, values, names, run_iteration, given.get("config")))
    except Paused as pause:
        return await wait(step, pause)
    except StorageDown:
        raise  # not the step's failure: the run continues here once the database is back
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return await fail(step, StepError(f"'{node.label}' was cut off by something it called."))
    except Exception as error:  # noqa: BLE001 - the edge: whatever a node raises ends its step
        return await fail(step, error)


async def _as_decided(step: Step, decision: Answer) -> StepRecord:
    """End a step that failed or was cut off as a person decided, without executing it."""
    node, before = step.node, step.before
    if decision.choice == "skip":
        return await skip(step)
    if decision.choice == "done":
        output = by_port(node, decision.value)
        return await end(step, "succeeded", output, ports_with(node, output), "given")
    described = before.error if before else None
    message = f"Stopped by a person: nobody knows whether '{node.label}' took effect."
    step.record = step.record.but(error=described or {"code": "interrupted", "message": message})
    return await end(step, "failed", None, ())


def _edited(step: Step, decision: Answer | None) -> Mapping[str, Json]:
    """The input that a person gave for another try, {"ports"?, "config"?}; it is kept until it is changed.

    The step's record shows it, and counts the try.
    """
    if decision is None:
        return {}
    before = step.before
    if before is not None and asks_about_itself(before):
        step.record = step.record.but(attempt=before.attempt + 1)
    given = decision.value
    if given is None and before is not None and isinstance(before.input, dict):
        given = before.input if before.input.get("edited") else None
    if not isinstance(given, dict):
        return {}
    ports = given.get("ports", step.record.input["ports"])
    step.record = step.record.but(input={**step.record.input, "ports": ports, "edited": True})
    return given


async def _execute(work: _Work) -> StepRecord:
    """Run the node, if it is to run, within what the run may still use."""
    step = work.step
    try:
        step.execution.budget.step()
        if step.node.ref.settings.disabled:
            _announce(step)
            return await end(step, "succeeded", *_passed_through(work), "disabled")
        if output := pinned(step):
            _announce(step)
            return await end(step, "succeeded", *output, "pinned")
        prepared = _prepared(work)
        step.record = step.record.but(input={**step.record.input, "config": prepared.resolved})
    except Exception:
        _announce(step)
        raise
    return await _fresh_or_tried(work, prepared)


async def _fresh_or_tried(work: _Work, prepared: Prepared) -> StepRecord:
    """End the step with an output that is still fresh, or execute it."""
    step = work.step
    key = cache_key(step, work.values, prepared)
    if key is not None and (found := await remembered(step, key)):
        _announce(step)
        return await end(step, "succeeded", *found, "cached")
    await _begin(step, prepared)
    output = await _tries(work, prepared)
    if key is not None and not step.is_impure:
        await remember(step, key, output)
    return await end(step, "succeeded", *output)


def _prepared(work: _Work) -> Prepared:
    if work.config is not None:
        return prepare_given(work.step.node, work.values, work.config)
    most = work.step.execution.request.limits.max_output_bytes
    return prepare(work.step.node, work.values, work.names, most)


async def _begin(step: Step, prepared: Prepared) -> None:
    """Record that the step runs; durably before an effect that must not happen twice."""
    if step.node.inline or step.node.type.may_repeat(prepared.resolved):
        _announce(step)
    else:
        await step.execution.recorder.record_step(step.record, "step.started")


def _announce(step: Step) -> None:
    """Record that the step runs. An inline one is over before anybody could learn of it: its end says when it began."""
    if not step.node.inline:
        step.execution.recorder.note_step(step.record, "step.started")


def _passed_through(work: _Work) -> Output:
    """The output of a disabled node: at each port the first arriving value of the port's type.

    A port without a matching value has none, and what follows it is not reached.
    """
    node = work.step.node
    arrived = [work.names["trigger"]] if node.type.trigger else list(_arrived(work)) or [None]
    passed: dict[str, Json] = {}
    for port in outputs_of(node.ref, node.type):
        fitting = [value for value in arrived if is_of_type(value, port.type)]
        if fitting and port.name not in (ERROR_PORT, TOOL_PORT):
            passed[port.name] = fitting[0]
    return passed, tuple(passed)


def _arrived(work: _Work) -> Iterator[Json]:
    """The values at the input ports, with the values of multi-value ports one by one."""
    node = work.step.node
    for port in node.inputs:
        if port.name in work.values:
            value = work.values[port.name]
            yield from value if port.many or node.type.merges else (value,)


async def _tries(work: _Work, prepared: Prepared) -> Output:
    """Try until it works or no further try is allowed."""
    step = work.step
    settings = step.node.ref.settings
    first = _first_of_round(step)
    while True:
        try:
            if not settings.retries and step.record.attempt == 1:
                return await _try(work, step.node, prepared)
            async with open_span(
                step, "attempt", f"attempt {step.record.attempt}", number=step.record.attempt
            ):
                return await _try(work, step.node, prepared)
        except Exception as error:
            tries = step.record.attempt - first + 1
            if not may_retry(error, tries, step.node, prepared.resolved):
                raise
            await _before_next_try(step, error, first)


def _first_of_round(step: Step) -> int:
    """The number of the first try that counts for the retries: a person's retry starts a new round."""
    before = step.before
    if before is not None and step.record.attempt > before.attempt:
        return step.record.attempt
    if before is not None and is_before_a_try(before):
        return int(before.input.get("first_try", 1))
    return 1


async def _try(work: _Work, node: PlanNode, prepared: Prepared) -> Output:
    """Call a node's run function: the step's own, or that of a tool in its slots."""
    step, level = work.step, work.step.level
    if node.body:
        level = replace(level, last_output=work.names["context"]["last_output"])
    context = StepContext(
        step,
        node,
        work.names,
        lambda index, names, attempt: work.run_iteration(level, node, index, names, attempt),
        lambda tool, arguments: _run_tool(work, tool, arguments),
    )
    try:
        running = node.type.run(prepared.config, prepared.inputs, context)
        result = await _in_time(step, node, running)
    finally:
        await context.close()
    return checked(node, result, step.execution.request.limits.max_output_bytes)


async def _run_tool(work: _Work, node: PlanNode, arguments: Mapping[str, Json]) -> Json:
    """Run a node from a tool slot: within the step of the agent, with the arguments as `args`.

    The result is what the node outputs at its sockets.
    """
    if _is_ending(work.step):
        raise StepError("Everything around this step was ended: it calls no tool any more.")
    work.step.execution.budget.check()
    values = values_from_arguments(node, arguments)
    names = {**work.names, "args": dict(arguments), "input": input_of(node, values)}
    try:
        most = work.step.execution.request.limits.max_output_bytes
        prepared = prepare(node, values, names, most)
        output, _ = await _try(replace(work, values=values, names=names), node, prepared)
    except AppError:
        raise
    except Exception as error:
        log_unexpected(work.step, error)
        raise StepError(error_of(error)["message"]) from error
    return given(node.sockets, output)


async def _in_time(step: Step, node: PlanNode, running: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what a node returns
    """Await one try within the node's limit and what is left of the run's time.

    The steps in a body have limits of their own, so the default one does not bound a container. Most
    nodes that only compute end before they wait for anything, and need no clock.
    """
    own: float = node.ref.settings.timeout_s
    if node.type.container and own == NodeSettings().timeout_s:
        own = float("inf")
    with clock_for(step, own, step.execution.budget.remaining_s) as clock:
        try:
            waits_for = running.send(None)
        except StopIteration as ended:
            return ended.value
        if step.node.inline:  # it is not quick after all
            step.execution.recorder.note_step(step.record, "step.started")
        return await _within(clock, step, node, _going_on(running, waits_for))


async def _within(
    clock: Clock,
    step: Step,
    node: PlanNode,
    going_on: Awaitable[Any],
) -> Any:  # noqa: ANN401 - what a node returns
    """Await what was begun until its clock has run out."""
    timer = clock.begin()
    try:
        async with timer:
            return await going_on
    except TimeoutError as error:
        if not timer.expired():
            raise
        if clock.is_of_the_run:
            raise out_of_time(step.execution.request.limits.timeout_s) from error
        raise StepTimedOut(
            f"'{node.label}' took longer than its time limit of {node.ref.settings.timeout_s:g} seconds."
        ) from error


@types.coroutine
def _going_on(
    running: Coroutine[Any, Any, Any],
    waits_for: Any,  # noqa: ANN401 - a future, or None for one turn
) -> Generator[Any, Any, Any]:
    """Await a coroutine that was started by hand and waits for something."""
    while True:
        try:
            got = yield waits_for
        except BaseException as error:  # noqa: BLE001 - handed on: a cancellation, mostly
            resume = partial(running.throw, error)
        else:
            resume = partial(running.send, got)
        try:
            waits_for = resume()
        except StopIteration as ended:
            return ended.value


async def _before_next_try(step: Step, error: Exception, first: int) -> None:
    """Announce and await the next try.

    Args:
        first: The number of the first try that counts for the retries.

    Raises:
        Waits: That takes long; the step continues with the next try when it restarts.
    """
    wait_s = delay_s(error, step.record.attempt - first + 1, pauses_of(step.node.ref.settings))
    lasts = wait_s > LONG_S
    if _is_ending(step) or (not lasts and wait_s >= step.execution.budget.remaining_s):
        raise error
    described = error_of(error)
    step.execution.recorder.note_step(
        step.record, "step.retrying", error=described, delay_s=round(wait_s, 2)
    )
    step.record = step.record.but(attempt=step.record.attempt + 1)
    if lasts:
        of_round = {"first_try": first} if first > 1 else {}
        step.record = step.record.but(error=described, input={**step.record.input, **of_round})
        raise for_next_try(step, wait_s) from error
    with step.execution.between_tries(step.record.path):
        await step.execution.sleep(wait_s)


def _is_ending(step: Step) -> bool:
    """Whether everything around the step was ended meanwhile: active work finishes, and nothing new starts."""
    return step.record.path in step.execution.recorder.ending
