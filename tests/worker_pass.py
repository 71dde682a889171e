"""What a worker does, once: for tests that look at a run between its lives."""

import asyncio

from app.services.app_context import AppContext
from app.services.runs.recovery.crash_detector import CrashDetector
from app.worker.claimer import Claimer
from app.worker.sweeper import Crashes


async def worker_pass(app: AppContext) -> None:
    """Find runs whose process has died, claim once what is due, and execute it until all of it ends or waits."""
    await Crashes(CrashDetector(patience_s=0)).sweep_dead(app)
    claimer, changed = Claimer(app, 50), asyncio.Event()
    claimer.on_change = changed.set
    working = asyncio.create_task(claimer.work())
    await claimer.called()
    claimer.close()
    while claimer.in_flight:
        await changed.wait()
        changed.clear()
    await working
