"""What a process needs to start, execute and watch runs, put together once: web, worker and cli
alike.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.adapters.host import RunHost, World
from app.adapters.http.egress import EgressClient
from app.adapters.models import embeddings
from app.adapters.models.prices import Prices, read_prices
from app.adapters.models.registry import ModelRegistry
from app.adapters.process import blocking, sandbox
from app.adapters.process.peers import Peers
from app.adapters.redis.bus import Bus, EventBus
from app.adapters.redis.ladder import redis_url
from app.adapters.redis.local import LocalBus, LocalQueue
from app.adapters.redis.queue import Queue, RunQueue
from app.adapters.sql.database import Database
from app.adapters.sql.journal import BufferedJournal, RunJournal, Writer
from app.adapters.sql.leases import LeaseHeartbeat
from app.adapters.sql.memory import SqlMemory
from app.adapters.sql.step_cache import SqlStepCache
from app.engine.host import Host
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings
from app.services import throttle
from app.services.runs.recovery.crash_detector import CrashDetector

HostFactory = Callable[["AppContext", RunJournal | BufferedJournal, str], Host]
"""Builds the world of one run from the process's context, its journal and its workflow's id."""


Got = TypeVar("Got")

QUICK_AT_ONCE = 2
"""Quick runs executed at once in this process. They only use its processor: more would all end later."""

LIGHT_AT_ONCE = 128
"""Runs without effects on this process's time that are executed here while a caller waits for them."""


class AppContext:
    """What the use cases of one process share. Use `open_app` to get one that works."""

    def __init__(self, settings: Settings, make_host: HostFactory) -> None:
        self.settings = settings
        host = socket.gethostname()
        self.name = f"{host}-{os.getpid()}"
        self.database = Database(settings.database)
        self.redis_url = redis_url(settings)
        # without Redis this process is alone: it hands events and runs to itself
        self.bus: EventBus = Bus(self.redis_url) if self.redis_url else LocalBus()
        self.queue: RunQueue = Queue(self.redis_url) if self.redis_url else LocalQueue()
        self.writer = Writer(self.database, self.bus)
        self.leases = LeaseHeartbeat(settings.database, self.name)
        self.models = ModelRegistry(settings, prices=Prices(lambda: read_prices(self.database)))
        self.crashes = CrashDetector()
        self.egress = EgressClient(settings.allowed_hosts)
        self.make_host = make_host
        self.quick_slots = asyncio.Semaphore(QUICK_AT_ONCE)
        self.quick_waiting = 0
        self.light_slots = LIGHT_AT_ONCE
        self.inline_runs = 0
        """Runs that callers wait for and that this process sees to."""
        self.peers = Peers(settings.data, host)
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def start(self) -> None:
        """Start what runs in the background."""
        if self.redis_url:
            throttle.connect(self.redis_url)
        await self.bus.start()
        self.writer.start()
        self.leases.start()

    def spawn(self, key: str, work: Coroutine[Any, Any, Got]) -> asyncio.Task[Got]:
        """Work in the background until done or until the process closes."""
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))
        return task

    def _forget(self, key: str, done: asyncio.Task[Any]) -> None:
        if self._tasks.get(key) is done:
            del self._tasks[key]

    def at_work(self, key: str) -> asyncio.Task[Any] | None:
        """What was spawned under this key and is not done yet."""
        return self._tasks.get(key)

    async def close(self) -> None:
        """Give up what is in flight (other processes go on with it) and close all connections."""
        await self.peers.close()
        self.leases.give_up_all()
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.writer.close()
        await self.leases.close()
        await self.bus.close()
        await self.queue.close()
        await self.models.close()
        await self.egress.close()
        await sandbox.close()
        await blocking.close()
        await throttle.disconnect()
        await self.database.close()


class _Process:
    app: AppContext | None = None


async def open_app(settings: Settings, *, make_host: HostFactory | None = None) -> AppContext:
    """Open the process's context and make it the one that `current_app()` returns."""
    opened = AppContext(settings, make_host or default_host)
    await opened.start()
    _Process.app = opened
    return opened


async def close_app() -> None:
    """Close the process's context, if it is open."""
    opened, _Process.app = _Process.app, None
    if opened is not None:
        await opened.close()


def current_app() -> AppContext:
    """Return the context of this process.

    Raises:
        Unavailable: It has not been opened yet.
    """
    if _Process.app is None:
        raise Unavailable("The server is still starting. Try again in a moment.")
    return _Process.app


def default_host(app: AppContext, journal: RunJournal | BufferedJournal, workflow_id: str) -> Host:
    """The real world of a run: models, memory, embeddings, egress and sandbox."""
    world = World(app.models, embeddings.embed, app.egress.send, sandbox.run_python)
    workspace_id = journal.workspace_id
    return RunHost(
        world,
        journal,
        SqlMemory(app.database, workspace_id, workflow_id),
        SqlStepCache(app.database, workspace_id),
        workspace_id,
    )
