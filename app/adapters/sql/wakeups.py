"""Which runs have steps that wait for something that has arrived and was not delivered yet."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.engine.events import TERMINAL_RUN, TERMINAL_STEP
from app.models import Approval, Run, Step, Wait

Found = Select[str]


def answered(which: ColumnElement[bool]) -> Found:
    """Of these runs, those with an answer for a step that waits for a person."""
    return (
        select(col(Run.id))
        .join(Approval, col(Approval.run_id) == col(Run.id))
        .join(Step, col(Step.id) == col(Approval.step_id))
        .where(
            which,
            col(Approval.status) == "answered",
            col(Approval.taken).is_(False),
            col(Step.status).in_(("waiting_human", "interrupted")),
        )
    )


def delivered(which: ColumnElement[bool]) -> Found:
    """Of these runs, those with a wait that is over and whose step still waits."""
    same = and_(col(Step.run_id) == col(Run.id), col(Step.path) == col(Wait.step_path))
    return (
        select(col(Run.id))
        .join(Wait, col(Wait.run_id) == col(Run.id))
        .join(Step, same)
        .where(
            which,
            col(Wait.status) == "done",
            col(Wait.taken).is_(False),
            still_waits(),
        )
    )


def still_waits() -> ColumnElement[bool]:
    """Whether the step of a wait still waits. A container with only a waiting iteration counts while it can continue
    its iterations: it is not over, and does not ask about itself.
    """
    status = col(Step.status)
    asks = and_(status == "waiting_human", col(Step.error).is_not(None))
    return or_(
        status == "waiting",
        and_(col(Wait.kind) == "turn", status.not_in(TERMINAL_STEP), not_(asks)),
    )


def early(which: ColumnElement[bool]) -> Found:
    """Of these runs, those that wait for a signal that arrived before the wait."""
    before = aliased(Wait)
    return (
        select(col(Run.id))
        .join(Wait, col(Wait.run_id) == col(Run.id))
        .join(before, and_(col(before.run_id) == col(Run.id), col(before.name) == col(Wait.name)))
        .where(
            which,
            col(Wait.status) == "open",
            col(Wait.kind) == "signal",
            col(before.status) == "early",
        )
    )


def due(which: ColumnElement[bool], at: datetime | ColumnElement[datetime]) -> Found:
    """Of these runs, those with a step whose time has come, or whose signal did not come in time."""
    return (
        select(col(Run.id))
        .join(Wait, col(Wait.run_id) == col(Run.id))
        .where(which, col(Wait.status) == "open", col(Wait.until) <= at)
    )


def called_ended(which: ColumnElement[bool]) -> Select[str, str]:
    """Of these runs, those that wait for a run that has ended, each with that one."""
    called = aliased(Run)
    return (
        select(col(Run.id), col(called.id))
        .join(Wait, col(Wait.run_id) == col(Run.id))
        .join(called, col(called.id) == col(Wait.child_run_id))
        .where(which, col(Wait.status) == "open", col(called.status).in_(TERMINAL_RUN))
    )
