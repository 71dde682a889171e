"""What happens at a trigger's times: a run, or a reason why there is none. Each time is decided once.

Several sweepers may do this at once, and any of them may die at any point: the trigger's row is locked while its times
are decided, and the decision, the run and the next time are one transaction. `rows.py` asks the trigger's type
(`engine/triggers`) about its times; nothing here knows the rules.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, bindparam, delete, func, select
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.statements import Prepared, prepare
from app.kernel.errors import NotFound
from app.models import Schedule, ScheduleFire
from app.models.types import UtcDateTime
from app.services.access import scoped, system, trigger
from app.services.app_context import AppContext
from app.services.runs.reading import RunView
from app.services.runs.starting import StartRun, start_run
from app.services.triggers.rows import AGAIN, config_of, next_time, type_of

_log = logging.getLogger(__name__)

AT_ONCE = 200
KEPT = timedelta(days=90)
_CLOCK_SLACK = timedelta(seconds=60)
_SKIPPED = "Nothing ran at this time, and the schedule skips missed times."
_REPLACED = "Nothing ran at this time; one run was started for all missed times."
_NO_WORKFLOW = "The workflow was deleted. Restore it, or choose another one for this schedule."


@lru_cache(maxsize=2)
def any_due(dialect: str) -> Prepared:
    """Find one trigger that is due, by the database's clock where it has one, else `at`: the condition of
    `due_triggers`.
    """
    moment = (
        func.clock_timestamp() if dialect == "postgresql" else bindparam("at", type_=UtcDateTime())
    )
    return prepare(
        select(col(Schedule.id)).where(_is_on(), col(Schedule.next_at) <= moment).limit(1), dialect
    )


async def due_triggers(uow: UnitOfWork, at: datetime) -> list[str]:
    """Ids of triggers whose next time has come, the longest overdue first."""
    query = (
        select(col(Schedule.id))
        .where(_is_on(), col(Schedule.next_at) <= at)
        .order_by(col(Schedule.next_at))
        .limit(AT_ONCE)
    )
    return list((await uow.session.execute(query)).scalars())


async def fire(app: AppContext, uow: UnitOfWork, schedule_id: str, at: datetime) -> RunView | None:
    """Decide the times of a trigger that have come, and start a run if one is needed.

    None when there is nothing to start, another process is handling it, or its times can no longer be computed here:
    the time counts as failed, and the trigger is checked again every hour until it can be planned.

    Raises:
        AppError: The run cannot start. Leave the transaction and `fail` in a new one.
    """
    schedule = await _held(uow, schedule_id, at)
    if schedule is not None and (trouble := type_of(schedule).trouble(config_of(schedule))):
        await _wait_out(uow, schedule, at, trouble)
        return None
    if schedule is not None and _is_mended(schedule):
        schedule.next_at, schedule.planned_at = next_time(schedule, at), at
        return None
    due = None if schedule is None else await _decide(uow, schedule, at)
    if schedule is None or due is None:
        return None
    request = StartRun(
        workflow_id=schedule.workflow_id,
        input=schedule.input,
        idempotency_key=f"{schedule.id}@{due.isoformat()}",
        trigger=type_of(schedule).kind,
    )
    try:
        run = await start_run(app, uow, trigger(schedule.workspace_id), request)
    except NotFound as error:
        raise NotFound(_NO_WORKFLOW) from error
    _record(uow, schedule, due, _Decision("fired", at, run_id=run.id))
    await uow.session.flush()
    return run


async def fail(uow: UnitOfWork, schedule_id: str, at: datetime, reason: str) -> bool:
    """Record that the run of a time could not start, and move on to the next time.

    False when another process has decided it meanwhile.
    """
    schedule = await _held(uow, schedule_id, at)
    due = None if schedule is None else await _decide(uow, schedule, at)
    if schedule is None or due is None:
        return False
    _record(uow, schedule, due, _Decision("failed", at, reason))
    await uow.session.flush()
    return True


async def postpone(uow: UnitOfWork, schedule_id: str, at: datetime, reason: str) -> None:
    """Check a trigger again in an hour: its times cannot be computed now."""
    schedule = await _held(uow, schedule_id, at)
    if schedule is not None:
        await _put_off(uow, schedule, at, reason)


async def _wait_out(uow: UnitOfWork, schedule: Schedule, at: datetime, trouble: str) -> None:
    """Check again in an hour, and log it the first time only; the pages mark such a trigger."""
    if not _may_be_look(schedule):
        told = {"trigger_id": schedule.id, "timezone": schedule.timezone}
        _log.warning(trouble, extra=told)
    await _put_off(uow, schedule, at, trouble)


async def _put_off(uow: UnitOfWork, schedule: Schedule, at: datetime, reason: str) -> None:
    """Check again in an hour. A time that has come has failed; a mere recheck has no time to fail."""
    due = schedule.next_at
    if due is not None and not _may_be_look(schedule) and not await _known(uow, schedule, [due]):
        _record(uow, schedule, due, _Decision("failed", at, reason))
    schedule.next_at, schedule.planned_at = at + AGAIN, at


def _may_be_look(schedule: Schedule) -> bool:
    """Whether `next_at` appears to be the moment to check again rather than a time of the trigger."""
    return schedule.planned_at is not None and schedule.next_at == schedule.planned_at + AGAIN


def _is_mended(schedule: Schedule) -> bool:
    """Whether only the moment to check again has come, and the times can be computed by now."""
    planned_at = schedule.planned_at
    if planned_at is None or not _may_be_look(schedule):
        return False
    return next_time(schedule, planned_at) != schedule.next_at


async def replan(uow: UnitOfWork, at: datetime) -> int:
    """Recompute next times that were planned by a clock that has been put back since. Returns how many.

    Future times that were skipped because the clock was ahead are free again; those that had a run keep it.
    """
    query = select(Schedule).where(_is_on(), col(Schedule.planned_at) > at + _CLOCK_SLACK)
    locked = query.limit(AT_ONCE).with_for_update(skip_locked=True)
    found = (await uow.session.execute(locked)).scalars().all()
    for schedule in found:
        await uow.session.execute(
            delete(ScheduleFire).where(
                col(ScheduleFire.schedule_id) == schedule.id,
                col(ScheduleFire.status) == "skipped",
                col(ScheduleFire.fire_at) > at,
            )
        )
        schedule.next_at, schedule.planned_at = next_time(schedule, at), at
    return len(found)


async def forget_old(uow: UnitOfWork, at: datetime) -> None:
    """Delete decisions about times, and deleted triggers, older than 90 days."""
    before = at - KEPT
    await uow.session.execute(delete(ScheduleFire).where(col(ScheduleFire.fire_at) < before))
    await uow.session.execute(delete(Schedule).where(col(Schedule.deleted_at) < before))


@dataclass(frozen=True)
class _Decision:
    """What was decided about a time."""

    status: str
    at: datetime
    message: str | None = None
    run_id: str | None = None


def _is_on() -> ColumnElement[bool]:
    return col(Schedule.enabled).is_(True) & col(Schedule.deleted_at).is_(None)


async def _held(uow: UnitOfWork, schedule_id: str, at: datetime) -> Schedule | None:
    """Lock a trigger that is due; None when it is not, or another process holds it."""
    query = select(Schedule).where(
        col(Schedule.id) == schedule_id, _is_on(), col(Schedule.next_at) <= at
    )
    found = await uow.session.execute(query.with_for_update(skip_locked=True))
    return found.scalar_one_or_none()


async def _decide(uow: UnitOfWork, schedule: Schedule, at: datetime) -> datetime | None:
    """Record the times that are skipped, plan the next one, and return the one to start a run for."""
    due = type_of(schedule).due(config_of(schedule), schedule.next_at or at, at)
    known = await _known(uow, schedule, due.times)
    last = due.times[-1]
    message = _REPLACED if due.fires else _SKIPPED
    skipped = [one for one in (due.times[:-1] if due.fires else due.times) if one not in known]
    for one in skipped:
        note = (
            f" So did all times until {last:%Y-%m-%d %H:%M} UTC."
            if due.is_cut and one == due.times[-2]
            else ""
        )
        _record(uow, schedule, one, _Decision("skipped", at, message + note))
    schedule.next_at, schedule.planned_at = next_time(schedule, max(at, last)), at
    return last if due.fires and last not in known else None


async def _known(uow: UnitOfWork, schedule: Schedule, times: Sequence[datetime]) -> set[datetime]:
    query = scoped(ScheduleFire, system(schedule.workspace_id)).where(
        col(ScheduleFire.schedule_id) == schedule.id,
        col(ScheduleFire.fire_at) >= times[0],
        col(ScheduleFire.fire_at) <= times[-1],
    )
    return {row.fire_at for row in (await uow.session.execute(query)).scalars()}


def _record(uow: UnitOfWork, schedule: Schedule, fire_at: datetime, made: _Decision) -> None:
    uow.session.add(
        ScheduleFire(
            schedule_id=schedule.id,
            fire_at=fire_at,
            workspace_id=schedule.workspace_id,
            run_id=made.run_id,
            status=made.status,
            message=made.message,
            at=made.at,
        )
    )
