"""Performs the duties that nobody else would: each one repeatedly, on its own interval."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, exists, func, or_
from sqlmodel import col, select

from app.adapters.sql import wakeups
from app.adapters.sql.database import storage_down
from app.adapters.sql.statements import Prepared, once
from app.adapters.sql.step_cache import forget_expired
from app.kernel.clock import now
from app.kernel.errors import QueueDown, StorageDown
from app.models import Run, Wait
from app.models.types import UtcDateTime
from app.services.access import system
from app.services.app_context import AppContext
from app.services.runs.claiming import is_over, let_lost_go
from app.services.runs.lifecycle import (
    after_end,
    database_now,
    locked_by_id,
    reconcile,
    wake,
)
from app.services.runs.recovery import (
    CrashDetector,
    ObservedLease,
    due_runs,
    forgotten_kin,
    unsettled_runs,
)
from app.services.runs.waits import move_along
from app.services.triggers.firing import any_due
from app.worker.triggers import fire_triggers, tend_triggers

_log = logging.getLogger(__name__)

AT_ONCE = 500
WAITED_S = 0.5
WAKE_UPS = 50
"""For how many lost runs workers are woken; who is awake finds the others."""


@dataclass(frozen=True)
class Duty:
    """A piece of work for the sweeper; it must be bounded, and harmless when done twice.

    Args:
        work: Finds what is due and does it, at most a few hundred things at a time.
        every_s: How long it rests between two rounds.
        alone: Done by one process, the leader; otherwise by each of them, so that it never waits for a dead leader's
            lock.
        unless_none: Done only when this query finds a row. It is run with `at`, the current time, and costs next to
            nothing: an idle installation should stay idle.
    """

    work: Callable[[AppContext], Awaitable[object]]
    every_s: float
    alone: bool = True
    unless_none: Callable[[str], Prepared] | None = None

    @property
    def name(self) -> str:
        """Its name in locks and logs."""
        return getattr(self.work, "__name__", "duty")


async def sweep_forever(app: AppContext, duties: Sequence[Duty] | None = None) -> None:
    """Perform all duties until canceled; one that is slow or fails does not hold up the others."""
    chosen = all_duties() if duties is None else duties
    async with asyncio.TaskGroup() as group:
        for duty in chosen:
            group.create_task(_keep_doing(app, duty), name=f"sweeper: {duty.name}")


async def _keep_doing(app: AppContext, duty: Duty) -> None:
    away = False
    while True:
        try:
            if await _has_work(app, duty) and (not duty.alone or await _leads(app, duty)):
                await duty.work(app)
            away = False
        except (QueueDown, StorageDown) as error:
            if not away:
                told = {"duty": duty.name, "error": error.message}
                _log.warning("a duty of the sweeper cannot be done now", extra=told)
            away = True
        except Exception:  # noqa: BLE001 - the edge: one failure never ends the sweeper
            _log.exception("a duty of the sweeper failed", extra={"duty": duty.name})
        await asyncio.sleep(duty.every_s)


async def _has_work(app: AppContext, duty: Duty) -> bool:
    if duty.unless_none is None:
        return True
    return await app.database.look(duty.unless_none, {"at": now()}) is not None


async def _leads(app: AppContext, duty: Duty) -> bool:
    """Whether this process should do it. Leadership only saves work: without Redis each process does it."""
    try:
        return await app.queue.lead(duty.name, app.name, duty.every_s * 2 + 1)
    except QueueDown:
        return True


def _is_one_of(*statuses: str) -> ColumnElement[bool]:
    return or_(*(col(Run.status) == status for status in statuses))


class Crashes:
    """Looks for runs whose process has died, as one process sees them."""

    def __init__(self, detector: CrashDetector | None = None) -> None:
        self.detector = detector or CrashDetector()

    async def sweep_dead(self, app: AppContext) -> int:
        """Make runs pending whose process has died: `running` with an expired lease. Returns how many."""
        try:
            dead = await self._find_dead(app)
            asked = time.monotonic()
            if not dead:
                return 0
            with storage_down():
                lost = await app.database.transact(
                    # having waited for the writer's lock, this is no earlier than those who renew their leases
                    lambda connection: (
                        let_lost_go(connection, dead) if time.monotonic() - asked < WAITED_S else ()
                    )
                )
        except StorageDown:
            self.detector.lose_sight()
            raise
        for run in lost:
            _log.warning("a run without a process waits for another one", extra={"run_id": run.id})
        for run in lost[:WAKE_UPS]:
            await app.queue.enqueue(run.id, run.epoch + 1, priority=run.priority)
        return len(lost)

    async def _find_dead(self, app: AppContext) -> list[str]:
        look = _IS_AT_WORK if app.database.is_sqlite else _IS_AT_WORK_ON_POSTGRES
        is_at_work, *clock = await app.database.look(look, {}) or (False,)
        if not is_at_work:
            return self.detector.judge(clock[0] if clock else now(), [])
        async with app.database.read() as uow:
            at = await database_now(uow)
            query = select(Run.id, Run.epoch, Run.lease_until).where(col(Run.status) == "running")
            if self.detector.steady:
                query = query.where(is_over(at))
            first = query.order_by(is_over(at).desc(), Run.id)
            rows = (await uow.session.execute(first.limit(AT_ONCE))).all()
        return self.detector.judge(at, [ObservedLease(*row) for row in rows])


async def reconcile_forgotten(app: AppContext) -> int:
    """Handle runs that came to rest when their process died: an answer, a signal or a person's request that came
    meanwhile. Returns how many.
    """
    found = await unsettled_runs(app.database, AT_ONCE)
    for run_id in found:
        async with app.database.work() as uow:
            if (run := await locked_by_id(uow, run_id)) is not None:
                await reconcile(uow, run)
    return len(found)


async def wake_due(app: AppContext) -> int:
    """Wake runs whose time has come, or whose signal did not come in time. Returns how many."""
    due = await due_runs(app.database, AT_ONCE)
    return sum([await wake(app.database, run_id) for run_id in due])


async def tend_waits(app: AppContext) -> int:
    """Repair waits after which the clock was put back. Returns how many."""
    async with app.database.work() as uow:
        count = await move_along(uow, now())
    if count:
        _log.warning("the clock went back: waits begin anew", extra={"count": count})
    return count


async def tell_kin(app: AppContext) -> int:
    """Notify waiting runs of the end of those they called, and end what an ended one had called, when a process died
    between the two. Returns the number of runs handled.
    """
    ended = await forgotten_kin(app.database, AT_ONCE)
    for workspace_id, run_id in ended:
        await after_end(app.database, system(workspace_id), run_id)
    return len(ended)


async def forget_expired_outputs(app: AppContext) -> int:
    """Delete outputs in the step cache that are no longer fresh. Returns how many."""
    return await forget_expired(app.database)


_NOW = bindparam("at", type_=UtcDateTime())
_RUNS = select(col(Run.id)).limit(1)
_IS_AT_WORK = once(select(exists(_RUNS.where(col(Run.status) == "running"))))
_IS_AT_WORK_ON_POSTGRES = once(
    select(exists(_RUNS.where(col(Run.status) == "running")), func.clock_timestamp())
)
_RESTS = once(_RUNS.where(_is_one_of("waiting", "paused")))
_GOES_ON = once(_RUNS.where(_is_one_of("pending", "running", "waiting", "paused")))
_WAITS = once(select(col(Wait.id)).where(col(Wait.status) == "open").limit(1))
_IS_DUE = once(wakeups.due(col(Run.status) == "waiting", _NOW).limit(1))


OF_WAITS: tuple[Duty, ...] = (
    Duty(reconcile_forgotten, every_s=5, unless_none=_RESTS),
    Duty(wake_due, every_s=0.5, unless_none=_IS_DUE),
    Duty(tell_kin, every_s=5, unless_none=_GOES_ON),
)
"""What a run needs that waits, while nobody else is there to see to it."""


def all_duties() -> tuple[Duty, ...]:
    """What a worker does besides runs. To add a duty, write a function and name it here."""
    return (
        Duty(Crashes().sweep_dead, every_s=0.5, alone=False),
        *OF_WAITS,
        Duty(tend_waits, every_s=10, unless_none=_WAITS),
        Duty(forget_expired_outputs, every_s=600),
        Duty(fire_triggers, every_s=1, unless_none=any_due),
        Duty(tend_triggers, every_s=30),
    )
