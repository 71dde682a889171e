"""The worker of a machine without Redis: tasks of the process that starts the runs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.adapters.redis.local import LocalQueue
from app.services.app_context import AppContext
from app.worker.claimer import Claimer
from app.worker.sweeper import Duty, sweep_forever


@asynccontextmanager
async def working_here(
    app: AppContext, *, duties: Sequence[Duty] | None = None
) -> AsyncIterator[None]:
    """Execute runs inside this process while the block lasts, if it has no Redis. What is in flight when the process's
    parts are closed is handed back.

    Args:
        duties: The sweeper's duties to perform as well; None: all.
    """
    if not isinstance(app.queue, LocalQueue):
        yield
        return
    claimer = Claimer(app, app.settings.concurrency)
    working = asyncio.create_task(claimer.work(), name="in-process worker")
    listening = asyncio.create_task(_listen(app.queue, claimer), name="in-process queue")
    sweeping = asyncio.create_task(sweep_forever(app, duties), name="in-process sweeper")
    try:
        yield
    finally:
        claimer.close()
        listening.cancel()
        sweeping.cancel()
        await asyncio.gather(working, listening, sweeping, return_exceptions=True)


async def _listen(queue: LocalQueue, claimer: Claimer) -> None:
    while True:
        await queue.take()
        claimer.call()
