"""The worker of a machine without Redis: tasks of the process that starts the runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.adapters.local import LocalQueue
from app.services.runtime import Runtime
from app.worker.desk import Desk
from app.worker.sweeper import sweep_forever


@asynccontextmanager
async def working_here(parts: Runtime, *, sweep: bool = True) -> AsyncIterator[None]:
    """Execute runs inside this process while the block lasts, if it has no Redis. What is in flight
    when the process's parts are closed is handed back.

    Args:
        sweep: Also do the duties of the sweeper, such as to look for runs that an earlier process has left.
    """
    if not isinstance(parts.queue, LocalQueue):
        yield
        return
    desk = Desk(parts, parts.settings.concurrency)
    working = asyncio.create_task(desk.work(), name="in-process worker")
    listening = asyncio.create_task(_listen(parts.queue, desk), name="in-process queue")
    others = [listening]
    if sweep:
        others.append(asyncio.create_task(sweep_forever(parts), name="in-process sweeper"))
    try:
        yield
    finally:
        desk.close()
        for task in others:
            task.cancel()
        await asyncio.gather(working, *others, return_exceptions=True)


async def _listen(queue: LocalQueue, desk: Desk) -> None:
    while True:
        await queue.take()
        desk.call()
