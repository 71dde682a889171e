"""What becomes of a schedule's times: a run, or a reason why there is none. Each time once.

Several sweepers may do this at once, and any of them may die anywhere: the schedule's row is locked
while its times are decided, and the decision, the run and the next time are one transaction.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import NotFound
from app.models import Schedule, ScheduleFire
from app.services.access import scoped, system, trigger
from app.services.runs.reading.views import RunView
from app.services.runs.starting.start import StartRun, start_run
from app.services.schedules.checks import unknown_zone
from app.services.schedules.rows import AGAIN, next_time, rule_of

_log = logging.getLogger(__name__)

LATE = timedelta(seconds=60)
"""Up to this much later a time is still kept; later it counts as missed."""

AT_ONCE = 200
TOLD = 100
"""So many missed times are recorded one by one; of more, the last one recorded names the rest."""

KEPT = timedelta(days=90)
_CLOCK_SLACK = timedelta(seconds=60)
_SKIPPED = "Nothing ran at this time, and the schedule skips missed times."
_REPLACED = "Nothing ran at this time; one run was started for all missed times."
_NO_WORKFLOW = "The workflow was deleted. Restore it, or choose another one for this schedule."


async def due_schedules(uow: UnitOfWork, at: datetime) -> list[str]:
    """Ids of schedules whose next time has come, the longest due first."""
    query = (
        select(col(Schedule.id))
        .where(_is_on(), col(Schedule.next_at) <= at)
        .order_by(col(Schedule.next_at))
        .limit(AT_ONCE)
    )
    return list((await uow.session.execute(query)).scalars())


async def fire(uow: UnitOfWork, schedule_id: str, at: datetime) -> RunView | None:
    """Decide the times of a schedule that have come, and start a run if one is to be.

    None when there is nothing to start, another process is at it, or its time zone is not known here any more: the
    time counts as failed, and the schedule is looked at again each hour, until it can be planned.

    Raises:
        AppError: The run cannot start. Leave the transaction and `fail` in a new one.
    """
    schedule = await _held(uow, schedule_id, at)
    if schedule is not None and not rule_of(schedule).zone_known:
        await _wait_for_zone(uow, schedule, at)
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
        trigger="schedule",
    )
    try:
        run = await start_run(uow, trigger(schedule.workspace_id), request)
    except NotFound as error:
        raise NotFound(_NO_WORKFLOW) from error
    _record(uow, schedule, due, _Decision("fired", at, run_id=run.id))
    await uow.session.flush()
    return run


async def fail(uow: UnitOfWork, schedule_id: str, at: datetime, reason: str) -> bool:
    """Record that the run of a time could not start, and go on to the next time.

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
    """Look at a schedule again in an hour: its times cannot be worked out now."""
    schedule = await _held(uow, schedule_id, at)
    if schedule is not None:
        await _put_off(uow, schedule, at, reason)


async def _wait_for_zone(uow: UnitOfWork, schedule: Schedule, at: datetime) -> None:
    """Look again in an hour, and say so the first time only; the pages mark such a schedule."""
    if not _may_be_look(schedule):
        told = {"schedule_id": schedule.id, "timezone": schedule.timezone}
        _log.warning(unknown_zone(schedule), extra=told)
    await _put_off(uow, schedule, at, unknown_zone(schedule))


async def _put_off(uow: UnitOfWork, schedule: Schedule, at: datetime, reason: str) -> None:
    """Look again in an hour. A time that has come has failed; when we only look again there is none."""
    due = schedule.next_at
    if due is not None and not _may_be_look(schedule) and not await _known(uow, schedule, [due]):
        _record(uow, schedule, due, _Decision("failed", at, reason))
    schedule.next_at, schedule.planned_at = at + AGAIN, at


def _may_be_look(schedule: Schedule) -> bool:
    """Whether `next_at` looks like the moment to look again, and not like a time of the rule."""
    return schedule.planned_at is not None and schedule.next_at == schedule.planned_at + AGAIN


def _is_mended(schedule: Schedule) -> bool:
    """Whether only the moment to look again has come, and the times can be worked out by now."""
    planned_at = schedule.planned_at
    if planned_at is None or not _may_be_look(schedule):
        return False
    return rule_of(schedule).next(planned_at) != schedule.next_at


async def replan(uow: UnitOfWork, at: datetime) -> int:
    """Work out next times again that were planned by a clock that has gone back since. Says how many.

    Times still to come that were skipped because the clock was ahead are free again; those that
    had a run keep it.
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
    """Drop what became of times, and deleted schedules, of more than 90 days ago."""
    before = at - KEPT
    await uow.session.execute(delete(ScheduleFire).where(col(ScheduleFire.fire_at) < before))
    await uow.session.execute(delete(Schedule).where(col(Schedule.deleted_at) < before))


@dataclass(frozen=True)
class _Decision:
    """What became of a time."""

    status: str
    at: datetime
    message: str | None = None
    run_id: str | None = None


def _is_on() -> ColumnElement[bool]:
    return col(Schedule.enabled).is_(True) & col(Schedule.deleted_at).is_(None)


async def _held(uow: UnitOfWork, schedule_id: str, at: datetime) -> Schedule | None:
    """Lock a schedule that is due; None when it is not, or another process holds it."""
    query = select(Schedule).where(
        col(Schedule.id) == schedule_id, _is_on(), col(Schedule.next_at) <= at
    )
    found = await uow.session.execute(query.with_for_update(skip_locked=True))
    return found.scalar_one_or_none()


async def _decide(uow: UnitOfWork, schedule: Schedule, at: datetime) -> datetime | None:
    """Record the times that are skipped, plan the next one, and return the one to start a run for."""
    times, more = _times(schedule, at)
    known = await _known(uow, schedule, times)
    last = times[-1]
    chosen = schedule.missed == "once" or at - last <= LATE
    message = _REPLACED if chosen else _SKIPPED
    skipped = [one for one in (times[:-1] if chosen else times) if one not in known]
    for one in skipped:
        note = (
            f" So did all times until {last:%Y-%m-%d %H:%M} UTC."
            if more and one == times[-2]
            else ""
        )
        _record(uow, schedule, one, _Decision("skipped", at, message + note))
    schedule.next_at, schedule.planned_at = rule_of(schedule).next(max(at, last)), at
    return last if chosen and last not in known else None


def _times(schedule: Schedule, at: datetime) -> tuple[list[datetime], bool]:
    """The times that have come, oldest first, the latest always among them; whether some between
    are left out.
    """
    rule, first = rule_of(schedule), schedule.next_at or at
    last = max(first, rule.last(at) or first)
    times = [first]
    for one in rule.after(first):
        if one > last or len(times) > TOLD:
            break
        times.append(one)
    more = times[-1] < last
    return ([*times, last] if more else times), more


async def _known(uow: UnitOfWork, schedule: Schedule, times: list[datetime]) -> set[datetime]:
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
