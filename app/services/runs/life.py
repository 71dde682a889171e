"""The life of a run in the database: claimed under a new epoch, released, ended. All in single
transactions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.adapters.bus import EventBus
from app.adapters.database import UnitOfWork
from app.engine.events import TERMINAL_RUN, TERMINAL_STEP, Event, EventType
from app.engine.recovery import about_cut_off
from app.engine.sdk import Answer
from app.kernel.clock import now
from app.kernel.errors import NotFound, ensure
from app.kernel.ids import new_id
from app.models import Approval, Run, RunEvent, Step, WorkflowVersion
from app.services.access import Actor, scoped
from app.services.runs.past import needed_at_once
from app.services.runs.present import event_row, run_event, step_event

MAX_CRASHES = 5
"""A run whose worker died this often is ended: it may be what kills them."""

LEASE = timedelta(seconds=2)
_ENDS: dict[str, EventType] = {
    "succeeded": "run.completed",
    "failed": "run.failed",
    "canceled": "run.canceled",
    "waiting": "run.waiting",
}

Repeatable = Callable[[Step, Mapping[str, Any]], bool]
"""Says whether a step of a graph that was cut off may simply run again."""


@dataclass(frozen=True)
class Life:
    """A run held under its epoch, with all that is needed to go on with it."""

    run: Run
    graph: dict[str, Any]
    steps: tuple[Step, ...] = ()
    answers: dict[str, Answer] = field(default_factory=dict)
    recoveries: dict[str, Answer] = field(default_factory=dict)
    next_seq: int = 1


def system(workspace_id: str) -> Actor:
    """The product itself, acting in a workspace."""
    return Actor(user_id="system", workspace_id=workspace_id, role="owner", name="AgentLoom")


async def database_now(uow: UnitOfWork) -> datetime:
    """The clock that leases are measured by: the database's, which all machines share."""
    if uow.session.get_bind().dialect.name != "postgresql":
        return now()  # SQLite means one machine
    moment: datetime = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment


async def locked_run(uow: UnitOfWork, run_id: str, workspace_id: str | None = None) -> Run:
    """Read a run and keep others from changing it until the transaction ends.

    Raises:
        NotFound: There is none, or it is another workspace's.
    """
    run = await uow.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run is None or workspace_id not in (None, run.workspace_id):
        raise NotFound("There is no such run.")
    return run


def is_held(run: Run, at: datetime) -> bool:
    """Whether a living process works on the run."""
    return run.status == "running" and run.lease_until is not None and run.lease_until > at


async def begin(uow: UnitOfWork, bus: EventBus, held: Run, repeatable: Repeatable) -> Life | None:
    """Begin the life of a run that was just claimed; None when there is nothing to do for us.

    A run that was to be cancelled, or has killed too many workers, is ended here. Of steps of unknown
    outcome a person is asked; the others go on.
    """
    run = await uow.session.get(Run, held.id, with_for_update=True, populate_existing=True)
    if run is None or run.epoch != held.epoch or run.status != "running":
        return None
    run_id = run.id
    if run.control == "cancel":
        await end(uow, bus, run, "canceled")
        return None
    if run.attempts > MAX_CRASHES:
        message = f"The process that ran this died {run.attempts} times. See the server's log."
        run.dead_at = now()
        await end(uow, bus, run, "failed", {"code": "worker_lost", "message": message})
        return None
    actor = system(run.workspace_id)
    steps = tuple(
        (
            await uow.session.execute(
                scoped(Step, actor).where(col(Step.run_id) == run_id, needed_at_once())
            )
        ).scalars()
    )
    graph = (await uow.session.get_one(WorkflowVersion, run.version_id)).graph
    cut_off = [step for step in steps if step.status == "running" and not repeatable(step, graph)]
    await _ask_about(uow, bus, run, cut_off)
    answers, recoveries = await _decisions(uow, run)
    return Life(
        run=run,
        graph=graph,
        steps=steps,
        next_seq=await next_seq(uow, run.id),
        answers=answers,
        recoveries=recoveries,
    )


async def _decisions(uow: UnitOfWork, run: Run) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """What people answered, by step path: to nodes, and about steps that failed or were cut off.

    Of each path the latest question counts. All answers count as taken from now on.
    """
    rows = await uow.session.execute(
        scoped(Approval, system(run.workspace_id))
        .where(col(Approval.run_id) == run.id)
        .order_by(col(Approval.created_at))
    )
    latest: tuple[dict[str, Answer], dict[str, Answer]] = ({}, {})
    for row in rows.scalars():
        decided = latest[bool(row.question.get("recovery"))]
        decided.pop(row.step_path, None)
        if row.answer is not None:
            decided[row.step_path] = Answer.model_validate(row.answer)
            row.taken = True
    return latest


async def release(uow: UnitOfWork, run_id: str, epoch: int) -> bool:
    """Give a run back so that another process goes on with it; False when it is not ours any
    more.
    """
    run = await uow.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.epoch != epoch or run.status != "running":
        return False
    run.status, run.worker, run.lease_until = "pending", None, None
    run.epoch += 1
    return True


async def wake_answered(uow: UnitOfWork, run: Run) -> bool:
    """Make a waiting run pending when a question of a step that still waits has an answer that no
    life of the run had yet; say whether it was.
    """
    if run.status != "waiting":
        return False
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
    if (await uow.session.execute(query)).first() is None:
        return False
    run.status, run.worker, run.lease_until = "pending", None, None
    return True


async def end(
    uow: UnitOfWork, bus: EventBus, run: Run, status: str, error: dict[str, Any] | None = None
) -> None:
    """End a run that no process works on, with its open steps and questions. The row must be
    locked.
    """
    ensure(status in TERMINAL_RUN, "a run can only end in a final status", status=status)
    actor, at = system(run.workspace_id), now()
    run.status, run.error, run.finished_at = status, error, at
    run.worker = run.lease_until = run.control = None
    seq = await next_seq(uow, run.id)
    events: list[Event] = []
    left = scoped(Step, actor).where(
        col(Step.run_id) == run.id, col(Step.status).not_in(TERMINAL_STEP)
    )
    for step in (await uow.session.execute(left)).scalars():
        step.status, step.finished_at = "canceled", at
        events.append(step_event(step, seq + len(events), "step.canceled"))
    asked = scoped(Approval, actor).where(
        col(Approval.run_id) == run.id, col(Approval.status) == "open"
    )
    for approval in (await uow.session.execute(asked)).scalars():
        approval.status, approval.decided_at = "canceled", at
    events.append(run_event(run, seq + len(events), _ENDS[status]))
    await store(uow, bus, events)


async def store(uow: UnitOfWork, bus: EventBus, events: list[Event]) -> None:
    """Store events, and publish them once they are committed."""
    uow.session.add_all(event_row(event) for event in events)
    await uow.session.flush()

    async def publish() -> None:
        bus.publish(events)

    uow.after_commit(publish)


async def next_seq(uow: UnitOfWork, run_id: str) -> int:
    """The sequence number of a run's next event. The run must be locked or held."""
    last = await uow.session.scalar(
        select(func.max(RunEvent.seq)).where(col(RunEvent.run_id) == run_id)
    )
    return int(last or 0) + 1


async def _ask_about(uow: UnitOfWork, bus: EventBus, run: Run, cut_off: list[Step]) -> None:
    """Mark steps of unknown outcome, and ask a person about each."""
    if not cut_off:
        return
    seq = await next_seq(uow, run.id)
    await store(uow, bus, [_ask(uow, step, seq + at) for at, step in enumerate(cut_off)])


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
