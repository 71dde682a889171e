"""The only way to execute a run: from a plan and a request to an outcome."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from app.engine.events import EventType, RunStatus
from app.engine.host import Control, Host, Outcome, RunRequest
from app.engine.runtime.driver import drive, flow_of, warm_up
from app.engine.runtime.execution import Execution
from app.engine.runtime.outcome import output_of, status_of, stopped_by, unhandled
from app.engine.runtime.plan import Plan
from app.kernel.errors import Cancelled

GRACE_S = 1.0
"""How long steps that are changing the outside may take to end when their run is canceled: with the lease's heartbeat
and the commit, canceling takes at most two seconds."""

_EVENTS: dict[RunStatus, EventType] = {
    "succeeded": "run.completed",
    "failed": "run.failed",
    "waiting": "run.waiting",
    "paused": "run.paused",
}


async def execute(
    plan: Plan, request: RunRequest, host: Host, *, control: Control | None = None
) -> Outcome:
    """Run a plan until it is over or waits for a person; every fact goes to the host's journal.

    The last record holds the run's own status, output and error. When the awaiting task itself is canceled (the worker
    shuts down) nothing more is written, and another worker can continue.

    Args:
        control: How others cancel the run (its steps are cut off; what is changing the outside world has a second to
            finish) or pause it (nothing new starts, active steps finish).

    Raises:
        Fenced: Another worker owns the run; nothing more was written.
    """
    execution = Execution(plan, request, host, control)
    recorder = execution.recorder
    recorder.note_run_started()
    try:
        going = await _going(execution)
        if control is None and plan.quick:
            await going
        else:
            await _unless(execution, going)
    except Cancelled:
        await recorder.record_run("canceled", "run.canceled", *recorder.cancel_open())
        return Outcome("canceled")
    finally:
        await execution.deliveries.close()
    steps = recorder.steps
    stop = stopped_by(steps.values(), plan.stops)
    failure = (
        stop if stop and stop.status == "failed" else None if stop else unhandled(steps.values())
    )
    last_facts = recorder.cancel_open() if stop or failure else []
    status = status_of(steps.values(), plan.stops)
    if not stop:
        status = _paused(execution, status)
    error = {**(failure.error or {}), "node_id": failure.node_id} if failure else None
    output = output_of(plan, steps) if status == "succeeded" else None
    await recorder.record_run(status, _EVENTS[status], *last_facts, output=output, error=error)
    return Outcome(status, output, error)


async def _going(execution: Execution) -> Coroutine[Any, Any, Any]:
    """What drives the run: LangGraph, except for graphs that only compute; docs/decisions/0007."""
    if execution.plan.quick:
        return drive(execution)
    await warm_up()
    flow: Coroutine[Any, Any, Any] = flow_of(execution.plan).ainvoke(execution)
    return flow


def _paused(execution: Execution, status: RunStatus) -> RunStatus:
    """A run that has ended stays so; any other is paused if that was requested."""
    if status != "failed" and execution.held:
        return "paused"
    return "paused" if status == "waiting" and execution.control.pausing.is_set() else status


async def _unless(execution: Execution, work: Coroutine[Any, Any, Any]) -> None:
    """Await the work, but cut it off when the run is canceled or can no longer be recorded.

    Raises:
        Cancelled: The run was canceled.
        Fenced, StorageDown: It could not be recorded.
    """
    cancelled, broken = execution.control.cancelled, execution.recorder.broken
    if cancelled.is_set():
        work.close()
        raise Cancelled
    working = asyncio.create_task(work)
    watching = asyncio.create_task(cancelled.wait())
    try:
        await asyncio.wait((working, watching, broken), return_when=asyncio.FIRST_COMPLETED)
        stopped = not working.done()
        if stopped and not broken.done():
            working.cancel()
            await asyncio.wait(
                (working, broken), timeout=GRACE_S, return_when=asyncio.FIRST_COMPLETED
            )
    finally:
        watching.cancel()
        if not working.done():
            execution.abort()
            if not working.cancelling():  # canceled twice, LangGraph would not wait for the steps
                working.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
    if broken.done():
        broken.result()
    if not working.cancelled():
        working.result()
    elif stopped:
        raise Cancelled
