"""Finds runs that the queue has lost: the database is the truth, a job is only the trigger."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_
from sqlmodel import col, select

from app.adapters.queue import job_id
from app.kernel.errors import NotFound, QueueDown, StorageDown
from app.models import Approval, Run, Step
from app.services.runs.life import database_now, locked_run, wake_answered
from app.services.runtime import Runtime

_log = logging.getLogger(__name__)

EVERY_S = 1.0
PENDING_EVERY = 5
PENDING_FOR = timedelta(seconds=10)
AT_ONCE = 500


async def sweep_forever(parts: Runtime) -> None:
    """Sweep while this process leads: dead workers' runs each second, lost jobs each five; both at
    the start.

    Leadership only saves work: two sweepers do no harm, because a run's life is queued and claimed
    once.
    """
    turn, away = 0, False
    while True:
        try:
            if await parts.queue.lead("sweeper", parts.name, EVERY_S * 3):
                await sweep_dead(parts)
                if turn % PENDING_EVERY == 0:
                    await sweep_pending(parts)
                    await wake_forgotten(parts)
                turn += 1
            away = False
        except (QueueDown, StorageDown) as error:
            if not away:
                _log.warning("lost runs cannot be looked for now", extra={"error": error.message})
            away = True
        except Exception:  # noqa: BLE001 - the edge: one sweep never ends the sweeper
            _log.exception("a sweep failed")
        await asyncio.sleep(EVERY_S)


async def sweep_dead(parts: Runtime) -> int:
    """Queue runs whose process has died: `running` with a lease that ran out. Says how many."""
    async with parts.database.read() as uow:
        at = await database_now(uow)
        query = select(Run.id, Run.epoch).where(
            col(Run.status) == "running",
            or_(col(Run.lease_until) < at, col(Run.lease_until).is_(None)),
        )
        found = (await uow.session.execute(query.limit(AT_ONCE))).all()
    return await _queue_again(parts, [(run_id, epoch + 1) for run_id, epoch in found])


async def sweep_pending(parts: Runtime) -> int:
    """Queue runs that have been pending for ten seconds without a job that waits. Says how many."""
    async with parts.database.read() as uow:
        at = await database_now(uow)
        query = select(Run.id, Run.epoch).where(
            col(Run.status) == "pending", col(Run.queued_at) < at - PENDING_FOR
        )
        found = (await uow.session.execute(query.order_by(col(Run.queued_at)).limit(AT_ONCE))).all()
    return await _queue_again(parts, [(run_id, epoch + 1) for run_id, epoch in found])


async def _queue_again(parts: Runtime, lives: Sequence[tuple[str, int]]) -> int:
    """Queue lives without a job that waits.

    A job may exist and yet be lost: popped by a process that died, or that stands still, before it
    claimed the run.
    """
    if not lives:
        return 0
    waiting = await parts.queue.waiting()
    lost = [(run_id, life) for run_id, life in lives if job_id(run_id, life) not in waiting]
    for run_id, life in lost:
        _log.warning("a run without a process is queued again", extra={"run_id": run_id})
        await parts.queue.enqueue_lost(run_id, life)
    return len(lost)


async def wake_forgotten(parts: Runtime) -> int:
    """Wake waiting runs with an answered question, left by a process that died between the two.
    Says how many.
    """
    async with parts.database.read() as uow:
        query = (
            select(Run.id)
            .join(Approval, col(Approval.run_id) == col(Run.id))
            .join(Step, col(Step.id) == col(Approval.step_id))
            .where(
                col(Run.status) == "waiting",
                col(Approval.status) == "answered",
                col(Step.status).in_(("waiting_human", "interrupted")),
            )
            .limit(AT_ONCE)
        )
        found = (await uow.session.execute(query)).scalars().all()
    for run_id in found:
        try:
            async with parts.database.work() as uow:
                run = await locked_run(uow, run_id)
                woken = await wake_answered(uow, run)
        except NotFound:
            continue
        if woken:
            await parts.queue.enqueue(run.id, run.epoch + 1)
    return len(found)
