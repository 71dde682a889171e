"""Pausing and resuming runs, and sending them signals."""

from typing import Any

from app.adapters.sql.blobs import put_blobs
from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.values import pack
from app.engine.events import TERMINAL_RUN
from app.engine.sdk.text import signal_name
from app.kernel.clock import now
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.ids import new_id
from app.models import Run, Wait, Workflow, WorkflowVersion
from app.services import audit
from app.services.access import Actor, Permission, named_row, require
from app.services.runs.lifecycle.claimed_run import (
    database_now,
    locked_run,
    queue_after_commit,
    rest,
    wake_answered,
)
from app.services.runs.lifecycle.lapsed import LapsedLease, is_worked_on
from app.services.runs.reading import RunView, run_view
from app.services.runs.waits import close, open_signal


async def pause_run(
    uow: UnitOfWork, actor: Actor, run_id: str, lapsed: LapsedLease | None = None
) -> RunView:
    """Pause a run: nothing new starts, and what is in flight finishes first. A queued or waiting run pauses at once; a
    paused one stays paused.

    Raises:
        NotFound: No such run.
        Conflict: It has ended, or is being canceled.
        LeaseInDoubt: See `with_second_look`.
    """
    require(actor, Permission.RUN_CONTROL)
    run = await locked_run(uow, actor, run_id)
    if run.status in TERMINAL_RUN:
        raise Conflict(f"The run has ended ({run.status}); there is nothing to pause.")
    if run.control == "cancel":
        raise Conflict("The run is being canceled, so it cannot pause.")
    if run.control != "pause":
        audit.record(uow, actor, "run.pause", run.id)
        if is_worked_on(run, await database_now(uow), lapsed):
            run.control = "pause"
        else:
            run.epoch += 1
            await rest(uow, run)
    return await _view(uow, actor, run)


async def resume_run(uow: UnitOfWork, actor: Actor, run_id: str) -> RunView:
    """Resume a paused run. What came meanwhile (answers, signals, times) is there for it.

    Raises:
        NotFound: No such run.
        Conflict: It is not paused, and nobody asked it to pause.
    """
    require(actor, Permission.RUN_CONTROL)
    run = await locked_run(uow, actor, run_id)
    if run.control != "pause":
        raise Conflict(f"The run is {run.status}, not paused; there is nothing to resume.")
    audit.record(uow, actor, "run.resume", run.id)
    run.control = None
    if run.status == "paused":
        run.status = "pending"
        queue_after_commit(uow, run)
    return await _view(uow, actor, run)


async def send_signal(
    uow: UnitOfWork,
    actor: Actor,
    run_id: str,
    name: str,
    payload: Any,  # noqa: ANN401 - JSON
) -> RunView:
    """Give a run what a step waits for under this name; a signal that comes early is kept for the step that will wait
    for it.

    Raises:
        NotFound: No such run.
        InvalidInput: Nothing can wait for such a name.
        Conflict: The run has ended.
    """
    require(actor, Permission.RUN_CONTROL)
    try:
        name = signal_name(name)
    except ValueError as error:
        sentence = str(error)
        raise InvalidInput(f"{sentence[0].upper()}{sentence[1:]}.", field="name") from error
    run = await locked_run(uow, actor, run_id)
    if run.status in TERMINAL_RUN or run.control == "cancel":
        raise Conflict(f"The run has ended ({run.status}); no step waits for the signal '{name}'.")
    stored, blobs = pack({"payload": payload}, run.id, run.workspace_id)
    await put_blobs(uow.session, blobs)
    wait = await open_signal(uow, run, name)
    if wait is not None:
        close(wait, stored)
    else:
        uow.session.add(
            Wait(
                id=new_id("wait"),
                workspace_id=run.workspace_id,
                run_id=run.id,
                kind="signal",
                name=name,
                status="early",
                result=stored,
                created_at=now(),
            )
        )
    audit.record(uow, actor, "run.signal", run.id, name=name)
    await uow.session.flush()
    if await wake_answered(uow, run):
        queue_after_commit(uow, run)
    return await _view(uow, actor, run)


async def _view(uow: UnitOfWork, actor: Actor, run: Run) -> RunView:
    workflow = await named_row(uow, actor, Workflow, run.workflow_id)
    version = await named_row(uow, actor, WorkflowVersion, run.version_id)
    return run_view(run, workflow.name, version.number)
