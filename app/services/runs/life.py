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
from app.engine.sdk import Answer, Question
from app.engine.sdk.node import ERROR_PORT
from app.kernel.clock import now
from app.kernel.errors import NotFound, ensure
from app.kernel.ids import new_id
from app.models import Approval, Run, RunEvent, Step, WorkflowVersion
from app.services.access import Actor, scoped
from app.services.runs.present import event_row, run_event, step_event

MAX_CRASHES = 5
"""A run whose worker died this often is ended: it may be what kills them."""

LEASE = timedelta(seconds=2)
RECOVERY = ("retry", "skip", "stop")
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


async def claim(
    uow: UnitOfWork, bus: EventBus, run_id: str, worker: str, repeatable: Repeatable
) -> Life | None:
    """Take a run that nobody works on, under a new epoch; None when there is nothing to do for us.

    A run that was to be cancelled, or has killed too many workers, is ended here. One with a step
    of unknown outcome
    goes on waiting for a person.
    """
    run = await uow.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    at = await database_now(uow)
    if run is None or run.status not in ("pending", "running") or is_held(run, at):
        return None
    run.attempts += run.status == "running"
    run.epoch += 1
    if run.control == "cancel":
        await end(uow, bus, run, "canceled")
        return None
    if run.attempts > MAX_CRASHES:
        message = f"The process that ran this died {run.attempts} times. See the server's log."
        await end(uow, bus, run, "failed", {"code": "worker_lost", "message": message})
        return None
    run.status, run.worker, run.lease_until = "running", worker, at + LEASE
    run.started_at = run.started_at or at
    actor = system(run.workspace_id)
    steps = tuple(
        (await uow.session.execute(scoped(Step, actor).where(col(Step.run_id) == run_id))).scalars()
    )
    asked = await uow.session.execute(
        scoped(Approval, actor)
        .where(col(Approval.run_id) == run_id)
        .order_by(col(Approval.created_at))
    )
    approvals = {row.step_path: row for row in asked.scalars()}  # the latest of each path
    graph = (await uow.session.get_one(WorkflowVersion, run.version_id)).graph
    cut_off = [step for step in steps if step.status == "running" and not repeatable(step, graph)]
    if not await _recover(uow, bus, run, graph, _Unclear(steps, cut_off, approvals)):
        return None
    return Life(
        run=run,
        graph=graph,
        steps=steps,
        next_seq=await next_seq(uow, run.id),
        answers={
            path: Answer.model_validate(row.answer)
            for path, row in approvals.items()
            if row.answer is not None and not _is_recovery(row)
        },
    )


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
    """Make a waiting run pending when a question of a step that still waits is answered; say
    whether it was.
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


def _is_recovery(approval: Approval) -> bool:
    return bool(approval.question.get("recovery"))


@dataclass(frozen=True)
class _Unclear:
    """Steps of a run, those that were just found cut off, and the latest question of each path."""

    steps: tuple[Step, ...]
    cut_off: list[Step]
    approvals: dict[str, Approval]


async def _recover(
    uow: UnitOfWork, bus: EventBus, run: Run, graph: Mapping[str, Any], unclear: _Unclear
) -> bool:
    """Treat steps of unknown outcome: ask about new ones, apply decisions; say whether the run may
    go on.
    """
    seq = await next_seq(uow, run.id)
    events: list[Event] = []
    open_questions = False
    for step in unclear.steps:
        if step in unclear.cut_off:
            events.append(_ask(uow, step, seq + len(events)))
            open_questions = True
        elif step.status == "interrupted":
            approval = unclear.approvals.get(step.path)
            answer = approval.answer if approval else None
            if answer is None:
                open_questions = True
            elif answer["choice"] == "stop":
                name = step.label or step.node_id
                message = f"Stopped by a person: nobody knows whether '{name}' took effect."
                await end(
                    uow,
                    bus,
                    run,
                    "failed",
                    {"code": "interrupted", "message": message, "node_id": step.node_id},
                )
                return False
            elif answer["choice"] == "skip":
                step.status, step.finished_at = "skipped", now()
                step.alive = _ports_but_error(graph, step.node_id)
                events.append(step_event(step, seq + len(events), "step.skipped"))
    if open_questions:
        run.status, run.worker, run.lease_until = "waiting", None, None
        events.append(run_event(run, seq + len(events), "run.waiting"))
    if events:
        await store(uow, bus, events)
    return not open_questions


def _ports_but_error(graph: Mapping[str, Any], node_id: str) -> list[str]:
    return sorted(
        {e["source_port"] for e in graph["edges"] if e["source"] == node_id} - {ERROR_PORT}
    )


def _ask(uow: UnitOfWork, step: Step, seq: int) -> Event:
    step.status = "interrupted"
    name = step.label or step.node_id
    question = Question(
        kind="clarification",
        title=f"Did '{name}' take effect?",
        body=(
            f"The process stopped while '{name}' was at work, so nobody knows whether it reached "
            "the outside. Retry runs it again, skip goes on without it, stop ends the run."
        ),
        choices=RECOVERY,
        value=step.input,
    )
    asked = {**question.model_dump(mode="json"), "recovery": True}
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
