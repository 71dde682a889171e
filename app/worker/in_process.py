"""The worker of a machine without Redis: a task of the process that starts the runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.adapters.local import LocalQueue
from app.services.runs.execute import execute_run
from app.services.runtime import Runtime
from app.worker.sweeper import sweep_forever

_log = logging.getLogger(__name__)


@asynccontextmanager
async def working_here(parts: Runtime, *, sweep: bool = True) -> AsyncIterator[None]:
    """Execute runs inside this process while the block lasts, if it has no Redis. What is in flight
    when the process's parts are closed is handed back.

    Args:
        sweep: Also look for runs that an earlier process has left.
    """
    if not isinstance(parts.queue, LocalQueue):
        yield
        return
    tasks = [asyncio.create_task(_take_jobs(parts, parts.queue), name="in-process worker")]
    if sweep:
        tasks.append(asyncio.create_task(sweep_forever(parts), name="in-process sweeper"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _take_jobs(parts: Runtime, queue: LocalQueue) -> None:
    slots = asyncio.Semaphore(parts.settings.concurrency)
    while True:
        await slots.acquire()
        run_id = await queue.take()
        parts.spawn(f"queued/{run_id}", _run(parts, run_id, slots))


async def _run(parts: Runtime, run_id: str, slots: asyncio.Semaphore) -> None:
    try:
        await execute_run(parts, run_id)
    except Exception:  # noqa: BLE001 - the edge: one job never takes the process down
        _log.exception("a job failed", extra={"run_id": run_id})
    finally:
        slots.release()
