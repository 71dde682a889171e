"""The life of a run in the database: claimed under a new epoch, released, ended. Each in a single transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.adapters.sql.database import Database, UnitOfWork
from app.engine.events import TERMINAL_RUN, TERMINAL_STEP, Event, EventType
from app.engine.recovery import about_cut_off, unknown_effect
from app.engine.sdk import Answer
from app.kernel.clock import now
from app.kernel.errors import NotFound, ensure
from app.kernel.ids import new_id
from app.models import Approval, Run, Step, WorkflowVersion
from app.services.access import Actor, named_row, scoped, system
from app.services.runs.lifecycle.effects import changes_nothing, may_repeat
from app.services.runs.lifecycle.history import needed_at_once
from app.services.runs.lifecycle.lapsed import LapsedLease, is_worked_on, with_second_look
from app.services.runs.lifecycle.snapshot import RunSnapshot
from app.services.runs.reading import event_row, last_seq, run_event, step_event
from app.services.runs.waits import (
    Delivered,
    age,
    cancel_waits,
    delivered,
    something_came,
)

MAX_CRASHES = 5
"""A run whose processes died this often without finishing a step of it is ended: it may be what kills them."""

_ENDS: dict[str, EventType] = {
    "succeeded": "run.completed",
    "failed": "run.failed",
    "canceled": "run.canceled",
    "waiting": "run.waiting",
}


@dataclass(frozen=True)
class ClaimedRun:
    """A run held under its epoch, with everything needed to continue it. `leased_at`: before its lease was written, on
    the monotonic clock.
    """

    run: RunSnapshot
    graph: dict[str, Any]
    leased_at: float
    steps: tuple[Step, ...] = ()
    answers: dict[str, Answer] = field(default_factory=dict)
    recoveries: dict[str, Answer] = field(default_factory=dict)
    delivered: Delivered = field(default_factory=Delivered)
    next_seq: int = 1


async def database_now(uow: UnitOfWork) -> datetime:
    """The clock that leases are measured by: the database's, which all machines share."""
    if uow.session.get_bind().dialect.name != "postgresql":
        return now()  # SQLite means one machine
    moment: datetime = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment


async def locked_run(uow: UnitOfWork, actor: Actor, run_id: str) -> Run:
    """Read and lock a run until the transaction ends.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    query = scoped(Run, actor).where(col(Run.id) == run_id).with_for_update()
    fresh = query.execution_options(populate_existing=True)
    run = (await uow.session.execute(fresh)).scalar_one_or_none()
    if run is None:
        raise NotFound("There is no such run.")
    return run


async def locked_by_id(uow: UnitOfWork, run_id: str) -> Run | None:
    """Read and lock a run of any workspace, for the queue, its workers and the sweeper: they know runs only by id.
    Nothing that acts for a person uses this.
    """
    return await uow.session.get(Run, run_id, with_for_update=True, populate_existing=True)


async def begin(uow: UnitOfWork, held: RunSnapshot, leased_at: float) -> ClaimedRun | None:
    """Begin the life of a run that was just claimed; None when there is nothing for us to do.

    A run that was to be canceled, or has killed too many workers, is ended here. A person is asked about steps of
    unknown outcome; the others continue.
    """
    run = await locked_by_id(uow, held.id)
    if run is None or run.epoch != held.epoch or run.status != "running":
        return None
    run_id = run.id
    if run.control == "cancel":
        await end(uow, run, "canceled")
        return None
    if run.control == "pause":
        await rest(uow, run)
        return None
    if run.attempts > MAX_CRASHES:
        message = (
            f"{run.attempts} processes that ran this died, and none of them finished a step of it. See "
            "the server's log."
        )
        run.dead_at = now()
        await end(uow, run, "failed", {"code": "worker_lost", "message": message})
        return None
    actor = system(run.workspace_id)
    steps = tuple(
        (
            await uow.session.execute(
                scoped(Step, actor).where(col(Step.run_id) == run_id, needed_at_once())
            )
        ).scalars()
    )
    graph = (await named_row(uow, actor, WorkflowVersion, run.version_id)).graph
    cut_off = [step for step in steps if step.status == "running" and not may_repeat(step, graph)]
    await _ask_about(uow, run, cut_off)
    answers, recoveries = await _decisions(uow, run)
    return ClaimedRun(
        run=RunSnapshot.of(vars(run)),
        graph=graph,
        leased_at=leased_at,
        steps=steps,
        next_seq=await next_seq(uow, run),
        answers=answers,
        recoveries=recoveries,
        delivered=await delivered(uow, run) if steps else Delivered(),
    )


async def _decisions(uow: UnitOfWork, run: Run) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """People's answers, by step path: to nodes, and about steps that failed or were cut off.

    For each path the latest question counts: an open one, else one whose answer nobody has taken yet, whatever the
    clock said when it was asked. All answers count as taken from now on.
    """
    rows = await uow.session.execute(
        scoped(Approval, system(run.workspace_id)).where(col(Approval.run_id) == run.id)
    )
    latest: tuple[dict[str, Answer], dict[str, Answer]] = ({}, {})
    for row in sorted(rows.scalars(), key=lambda one: age(one, "answered")):
        decided = latest[bool(row.question.get("recovery"))]
        decided.pop(row.step_path, None)
        if row.answer is not None:
            decided[row.step_path] = Answer.model_validate(row.answer)
            row.taken = True
    return latest


async def release(uow: UnitOfWork, run_id: str, epoch: int) -> bool:
    """Give a run back so that another process continues it; False when it is no longer ours."""
    run = await locked_by_id(uow, run_id)
    if run is None or run.epoch != epoch or run.status != "running":
        return False
    run.status, run.worker, run.lease_until = "pending", None, None
    run.epoch += 1
    return True


async def wake_answered(uow: UnitOfWork, run: Run) -> bool:
    """Make a waiting run pending when one of its waiting steps has something that no life of the run has had yet: an
    answer, a signal, another run's end, or the time; say whether it did. The row must be locked.
    """
    if run.status != "waiting":
        return False
    if not (await _is_answered(uow, run) or await something_came(uow, run)):
        return False
    run.status, run.worker, run.lease_until = "pending", None, None
    return True


async def _is_answered(uow: UnitOfWork, run: Run) -> bool:
    query = (
        scoped(Step, system(run.workspace_id))
        .join(
            Approval,
            (col(Approval.run_id) == col(Step.run_id)) & (col(Approval.step_id) == col(Step.id)),
        )
        .where(
            col(Step.run_id) == run.id,
            col(Step.status).in_(("waiting_human", "interrupted")),
            col(Approval.status) == "answered",
            col(Approval.taken).is_(False),
        )
        .limit(1)
    )
    return (await uow.session.execute(query)).first() is not None


async def rest(uow: UnitOfWork, run: Run) -> None:
    """Pause a run that no process is executing. The row must be locked.

    A paused run keeps `control` "pause" until it is resumed; if it is missing, somebody resumed the run while it was
    still coming to rest.
    """
    run.status, run.control, run.worker, run.lease_until = "paused", "pause", None, None
    await store(uow, [run_event(run, await next_seq(uow, run), "run.paused")])


async def reconcile(uow: UnitOfWork, run: Run) -> None:
    """Handle what was requested of a run, or arrived for it, while its last life came to rest: it is waiting or paused,
    and no process is executing it. The row must be locked.
    """
    if run.status not in ("waiting", "paused"):
        return
    if run.control == "cancel":
        run.epoch += 1
        await end(uow, run, "canceled")
    elif run.status == "paused" and run.control is None:  # resumed before it had come to rest
        run.status = "pending"
        queue_after_commit(uow, run)
    elif run.status == "waiting" and run.control == "pause":
        await rest(uow, run)
    elif await wake_answered(uow, run):
        queue_after_commit(uow, run)


async def end(uow: UnitOfWork, run: Run, status: str, error: dict[str, Any] | None = None) -> None:
    """End a run that no process is executing, with its open steps and questions; steps whose effect nobody knows are
    marked as such. The row must be locked.
    """
    ensure(status in TERMINAL_RUN, "a run can only end in a final status", status=status)
    actor, at = system(run.workspace_id), now()
    run.status, run.error, run.finished_at = status, error, at
    run.worker = run.lease_until = run.control = None
    seq = await next_seq(uow, run)
    events: list[Event] = []
    left = scoped(Step, actor).where(
        col(Step.run_id) == run.id, col(Step.status).not_in(TERMINAL_STEP)
    )
    for step in (await uow.session.execute(left)).scalars():
        if await _is_unknown(uow, run, step):
            step.error = unknown_effect(step.label or step.node_id)
        step.status, step.finished_at = "canceled", at
        events.append(step_event(step, seq + len(events), "step.canceled"))
    asked = scoped(Approval, actor).where(
        col(Approval.run_id) == run.id, col(Approval.status) == "open"
    )
    for approval in (await uow.session.execute(asked)).scalars():
        approval.status, approval.decided_at = "canceled", at
    await cancel_waits(uow, run, at)
    events.append(run_event(run, seq + len(events), _ENDS[status]))
    await store(uow, events)
    run_id = run.id
    uow.after_commit(lambda: after_end(uow.database, actor, run_id))


async def _is_unknown(uow: UnitOfWork, run: Run, step: Step) -> bool:
    """Whether nobody knows if an open step of a run without a process took effect."""
    if step.status != "running":
        return step.status == "interrupted"
    version = await named_row(uow, system(run.workspace_id), WorkflowVersion, run.version_id)
    return not changes_nothing(step, version.graph)


async def after_end(database: Database, actor: Actor, run_id: str) -> None:
    """Wake the run that waits for one that has ended, and cancel the runs that the ended one waited for.

    Each in its own transaction, so that no two runs are ever locked together. `forgotten_kin` finds what a crash
    leaves undone.
    """
    async with database.read() as uow:
        above = scoped(Run, actor).where(col(Run.id) == run_id)
        parent_id = await uow.session.scalar(above.with_only_columns(col(Run.parent_run_id)))
        called = scoped(Run, actor).where(
            col(Run.parent_run_id) == run_id, col(Run.status).not_in(TERMINAL_RUN)
        )
        children = (
            (await uow.session.execute(called.with_only_columns(col(Run.id)))).scalars().all()
        )
    if parent_id is not None:
        await wake(database, parent_id)
    for child_id in children:
        await with_second_look(database, _stop_called, actor, child_id)


async def _stop_called(
    uow: UnitOfWork, actor: Actor, run_id: str, lapsed: LapsedLease | None
) -> None:
    await stop(uow, await locked_run(uow, actor, run_id), lapsed)


async def stop(uow: UnitOfWork, run: Run, lapsed: LapsedLease | None) -> None:
    """Cancel a run in any state; a finished one stays as it is. The row must be locked.

    Raises:
        LeaseInDoubt: See `with_second_look`.
    """
    if run.status in TERMINAL_RUN:
        return
    if is_worked_on(run, await database_now(uow), lapsed):
        run.control = "cancel"
    else:
        run.epoch += 1
        await end(uow, run, "canceled")


async def wake(database: Database, run_id: str) -> bool:
    """Wake a waiting run when what one of its steps waits for has arrived; say whether it was.

    What arrives for an active or paused run is kept, and found when it waits again.
    """
    async with database.work() as uow:
        run = await locked_by_id(uow, run_id)
        if run is None or not await wake_answered(uow, run):
            return False
        queue_after_commit(uow, run)
    return True


def queue_after_commit(uow: UnitOfWork, run: Run) -> None:
    """Notify the workers of a run that became pending. The row is the promise: losing a job costs nothing."""
    uow.enqueue(run.id, run.epoch + 1, priority=run.priority)


async def store(uow: UnitOfWork, events: list[Event]) -> None:
    """Store events, and publish them once they are committed."""
    uow.session.add_all(event_row(event) for event in events)
    await uow.session.flush()
    uow.publish(events)


async def next_seq(uow: UnitOfWork, run: Run) -> int:
    """The sequence number of a run's next event. The run must be locked or held."""
    return await last_seq(uow, system(run.workspace_id), run.id) + 1


async def _ask_about(uow: UnitOfWork, run: Run, cut_off: list[Step]) -> None:
    """Mark steps of unknown outcome, and ask a person about each."""
    if not cut_off:
        return
    seq = await next_seq(uow, run)
    await store(uow, [_ask(uow, step, seq + at) for at, step in enumerate(cut_off)])


def _ask(uow: UnitOfWork, step: Step, seq: int) -> Event:
    step.status = "interrupted"
    question = about_cut_off(step.label or step.node_id, step.input)
    asked = question.model_dump(mode="json")
    approval = Approval(
        id=new_id("approval"),
        workspace_id=step.workspace_id,
        run_id=step.run_id,
        step_id=step.id,
        step_path=step.path,
        node_id=step.node_id,
        kind=question.kind,
        question=asked,
        created_at=now(),
    )
    uow.session.add(approval)
    return step_event(step, seq, "step.waiting_human", approval_id=approval.id, question=asked)
