"""A worker process: takes runs from the queues and executes many of them at once."""

import asyncio
import gc
import logging
import signal
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, TypeVar

import uvloop
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from app.adapters.redis.queue import QUEUES, connect
from app.kernel.settings import Settings, settings
from app.services.app_context import AppContext, HostFactory
from app.services.composition import close_app, open_app
from app.services.runs.lifecycle import get_ready
from app.services.runs.starting import help_peers
from app.worker.async_worker import AsyncWorker
from app.worker.claimer import Claimer
from app.worker.sweeper import sweep_forever

_log = logging.getLogger(__name__)

DRAIN_S = 20.0
HAND_OVER_S = 10.0
Got = TypeVar("Got")


@dataclass
class _Signals:
    """What signals request: the first to stop, the second to do so at once."""

    stopping: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Listen for SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._hear)
        signal.signal(signal.SIGINT, self._hear)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping.is_set():
            self.hurry.set()
            return
        self.stopping.set()
        raise StopRequested  # ends whatever the main thread waits for


class _Loop:
    """An asyncio loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="runs", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Got]) -> Got:
        """Run in the loop and wait for the result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        """End the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)


def main(
    queues: Sequence[str] = QUEUES,
    concurrency: int = 50,
    *,
    drain_s: float = DRAIN_S,
    own_settings: Settings | None = None,
    make_host: HostFactory | None = None,
) -> None:
    """Work until SIGTERM or SIGINT; then give runs in flight some seconds and hand the rest to other workers.

    A second signal hands them over at once.
    """
    gc.disable()  # until all is imported: see _settle_memory
    config = own_settings or settings()
    signals, runs = _Signals(), _Loop()
    runs.call(get_ready())
    app = runs.call(_open(config, make_host))
    claimer = Claimer(app, concurrency, tuple(sorted({QUEUES.index(name) for name in queues})))
    working = asyncio.run_coroutine_threadsafe(claimer.work(), runs.loop)
    sweeping = asyncio.run_coroutine_threadsafe(sweep_forever(app), runs.loop)
    helping = runs.call(help_peers(app))
    signals.listen()
    with suppress(StopRequested):
        _settle_memory()
        told = {"queues": ",".join(queues), "concurrency": concurrency}
        _log.info("the worker is ready", extra=told)
        _listen(queues, app, claimer, runs.loop, signals)
    runs.call(_stop_claiming(claimer, working))
    if helping is not None:
        runs.call(helping.close())
    sweeping.cancel()
    _drain(claimer, app, runs, signals, drain_s)
    runs.call(close_app())
    runs.stop()


async def _open(config: Settings, make_host: HostFactory | None) -> AppContext:
    app = await open_app(config, make_host=make_host)
    app.leases.watch()
    return app


def _listen(
    queues: Sequence[str],
    app: AppContext,
    claimer: Claimer,
    loop: asyncio.AbstractEventLoop,
    signals: _Signals,
) -> None:
    """Listen to the queues until asked to stop. While Redis is away the desk continues by polling."""
    away = False
    while not signals.stopping.is_set():
        try:
            worker = AsyncWorker(queues, connect(app.redis_url), app.name, claimer, loop)
            away = False
            try:
                worker.listen()
            except StopRequested:
                worker.leave()
                raise
        except (RedisError, OSError) as error:
            if not away:
                told = {"error": str(error)}
                _log.warning("Redis is away; the worker looks for runs by itself", extra=told)
            away = True
        time.sleep(0.5)


async def _stop_claiming(claimer: Claimer, working: Future[None]) -> None:
    claimer.close()
    await asyncio.wrap_future(working)


def _drain(
    claimer: Claimer, app: AppContext, runs: _Loop, signals: _Signals, drain_s: float
) -> None:
    """Let runs in flight finish for some seconds, then hand them over."""
    until = time.monotonic() + drain_s
    while (
        (claimer.in_flight or app.admission.inline_runs)
        and time.monotonic() < until
        and not signals.hurry.is_set()
    ):
        time.sleep(0.05)
    until = time.monotonic() + HAND_OVER_S
    while (claimer.in_flight or app.admission.inline_runs) and time.monotonic() < until:
        runs.loop.call_soon_threadsafe(app.leases.give_up_all)
        time.sleep(0.05)


def _settle_memory() -> None:
    """Exclude permanent objects from garbage collections: full ones stall the loop for 40 ms (measured). Start-up makes
    no garbage worth a collection (2 MB, measured).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()
