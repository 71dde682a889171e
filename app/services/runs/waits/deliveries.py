"""What steps wait for without a person: times, signals, and the ends of runs they started."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select
from sqlmodel import col

from app.adapters.sql.blob_copy import Carrier
from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.wakeups import still_waits
from app.engine.events import TERMINAL_RUN
from app.engine.host import WaitRecord
from app.engine.payloads import moment
from app.kernel.clock import now
from app.models import Approval, Run, Step, Wait
from app.services.access import scoped, system

_CLOCK_SLACK = timedelta(seconds=60)
_AT_ONCE = 500


def _waits(run: Run) -> Any:  # noqa: ANN401 - a select, narrowed by its users
    return scoped(Wait, system(run.workspace_id)).where(col(Wait.run_id) == run.id)


async def something_came(uow: UnitOfWork, run: Run) -> bool:
    """Record what has arrived by now for the steps of a run; say whether one of them may continue with something no
    life of the run has had yet. The row must be locked.
    """
    return bool(await came_since(uow, run, 1))


async def came_since(uow: UnitOfWork, run: Run, most: int | None = None) -> Sequence[Wait]:
    """Record what has arrived by now; return the finished waits of waiting steps whose result no life of the run has
    had yet. The row must be locked.
    """
    await take_in(uow, run)
    query = (
        _waits(run)
        .join(
            Step,
            (col(Step.run_id) == col(Wait.run_id)) & (col(Step.path) == col(Wait.step_path)),
        )
        .where(still_waits(), col(Wait.status) == "done", col(Wait.taken).is_(False))
        .order_by(col(Wait.created_at), col(Wait.id))
        .limit(most)
    )
    found: Sequence[Wait] = (await uow.session.execute(query)).scalars().all()
    return found


async def move_along(uow: UnitOfWork, at: datetime) -> int:
    """Restart waits for a length of time that were begun by a clock that has been put back since: otherwise they would
    last longer by as much as it was ahead. Returns how many.
    """
    query = select(Wait).where(
        col(Wait.status) == "open",
        col(Wait.lasts),
        col(Wait.until) > at + _CLOCK_SLACK,
        col(Wait.created_at) > at + _CLOCK_SLACK,
    )
    locked = query.limit(_AT_ONCE).with_for_update(skip_locked=True)
    found = (await uow.session.execute(locked)).scalars().all()
    for wait in found:
        assert wait.until is not None
        wait.until, wait.created_at = at + (wait.until - wait.created_at), at
    return len(found)


async def take_in(uow: UnitOfWork, run: Run) -> None:
    """Close the waits of a run whose time, signal or called run's end has arrived."""
    at = now()
    still = _waits(run).where(col(Wait.status) == "open").order_by(col(Wait.created_at))
    for wait in (await uow.session.execute(still)).scalars().all():
        if wait.kind == "run":
            await _take_end(uow, wait)
        elif wait.kind == "signal" and await _take_early(uow, run, wait):
            continue
        elif wait.until is not None and wait.until <= at:
            late = {"timed_out": True} if wait.kind == "signal" else {"at": moment(wait.until)}
            close(wait, late)
    await uow.session.flush()


def close(wait: Wait, result: Any) -> None:  # noqa: ANN401 - JSON
    """Record that what was waited for has arrived."""
    wait.status, wait.result, wait.done_at = "done", result, now()


@dataclass(frozen=True)
class Delivered:
    """What has arrived for the steps of a run: results by path, and whose pause before the next try is over. Also which
    iterations must not begin yet, by prefix.
    """

    results: dict[str, Any] = field(default_factory=dict)
    retry_due: frozenset[str] = frozenset()
    deferred: dict[str, WaitRecord] = field(default_factory=dict)


def age(row: Wait | Approval, settled: str) -> tuple[bool, bool, datetime]:
    """The sort key for the waits, or the questions, of a step: the current one last. A clock that was put back does not
    make it look older: it is open, or `settled` and not yet taken.
    """
    return row.status == "open", row.status == settled and not row.taken, row.created_at


async def delivered(uow: UnitOfWork, run: Run) -> Delivered:
    """What has arrived for the steps of a run: for each path the latest counts, see `age`. All of it counts as taken
    from now on.
    """
    await take_in(uow, run)
    query = _waits(run).where(col(Wait.step_path) != "", col(Wait.status) != "canceled")
    rows = await uow.session.execute(query)
    results: dict[str, Any] = {}
    retry_due: dict[str, Any] = {}
    deferred: dict[str, WaitRecord] = {}
    for wait in sorted(rows.scalars(), key=lambda one: age(one, "done")):
        known = record_of(wait)
        latest = retry_due if known.delivery_kind == "retry" else results
        latest.pop(known.place, None)
        if wait.status == "done":
            latest[known.place] = wait.result
            wait.taken = True
        elif wait.kind == "turn":
            deferred[known.place] = known
    return Delivered(results, frozenset(retry_due), deferred)


def record_of(wait: Wait) -> WaitRecord:
    """A wait as the engine knows it."""
    return WaitRecord(
        id=wait.id,
        step_path=wait.step_path,
        node_id=wait.node_id,
        kind=cast(Any, wait.kind),
        until=wait.until,
        name=wait.name,
        child_run_id=wait.child_run_id,
        lasts=wait.lasts,
    )


async def open_signal(uow: UnitOfWork, run: Run, name: str) -> Wait | None:
    """The oldest wait of a run for a signal of this name."""
    query = (
        _waits(run)
        .where(col(Wait.kind) == "signal", col(Wait.name) == name, col(Wait.status) == "open")
        .order_by(col(Wait.created_at), col(Wait.id))
        .limit(1)
    )
    found: Wait | None = (await uow.session.execute(query)).scalar_one_or_none()
    return found


async def cancel_waits(uow: UnitOfWork, run: Run, at: datetime) -> None:
    """Cancel a run's waits: nothing that arrives now reaches the run any more."""
    left = _waits(run).where(col(Wait.status).in_(("open", "early")))
    for wait in (await uow.session.execute(left)).scalars():
        wait.status, wait.done_at = "canceled", at


async def _take_early(uow: UnitOfWork, run: Run, wait: Wait) -> bool:
    """Give a wait the first signal of its name that arrived before it."""
    query = (
        _waits(run)
        .where(col(Wait.kind) == "signal", col(Wait.name) == wait.name, col(Wait.status) == "early")
        .order_by(col(Wait.created_at), col(Wait.id))
        .limit(1)
    )
    early = (await uow.session.execute(query)).scalar_one_or_none()
    if early is None:
        return False
    close(wait, early.result)
    early.status, early.done_at = "used", now()
    await uow.session.flush()
    return True


async def _take_end(uow: UnitOfWork, wait: Wait) -> None:
    """Give a wait the end of its run, with that run's large values."""
    query = scoped(Run, system(wait.workspace_id)).where(
        col(Run.id) == wait.child_run_id, col(Run.parent_run_id) == wait.run_id
    )
    child = (
        await uow.session.execute(query.execution_options(populate_existing=True))
    ).scalar_one_or_none()
    if child is None or child.status not in TERMINAL_RUN:
        return
    carrier = Carrier(uow.session, child.id, wait.run_id)
    close(
        wait,
        {
            "run_id": child.id,
            "status": child.status,
            "output": await carrier.carry(child.output),
            "error": child.error,
        },
    )
