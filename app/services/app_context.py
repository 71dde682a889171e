"""What the use cases of a process share: its connections, its counters, and the work it has in flight."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from app.adapters.http.egress import EgressClient
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
from app.engine.host import ChildRequest, Host
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings
from app.services.admission import Admission
from app.services.authority import Authority
from app.services.throttle import Throttle, shared_throttle

HostFactory = Callable[["AppContext", RunJournal | BufferedJournal, str], Host]
"""Builds the world of one run from the process's context, its journal and its workflow's id."""

ChildStarter = Callable[["AppContext", ChildRequest], Awaitable[None]]
"""Stores and queues the run that a step of another one calls."""

Got = TypeVar("Got")


class AppContext:
    """What the use cases of one process share. `composition.open_app` returns one that is started.

    Entry points pass it, or the parts needed, to the use cases they call.
    """

    def __init__(
        self, settings: Settings, make_host: HostFactory, start_child: ChildStarter
    ) -> None:
        self.settings = settings
        host = socket.gethostname()
        self.name = f"{host}-{os.getpid()}"
        self.redis_url = redis_url(settings)
        # without Redis this process is alone: it hands events and runs to itself
        self.bus: EventBus = Bus(self.redis_url) if self.redis_url else LocalBus()
        self.queue: RunQueue = Queue(self.redis_url) if self.redis_url else LocalQueue()
        self.database = Database(settings.database, bus=self.bus, queue=self.queue)
        self.writer = Writer(self.database, self.bus)
        self.leases = LeaseHeartbeat(settings.database, self.name)
        self.models = ModelRegistry(settings, prices=Prices(lambda: read_prices(self.database)))
        self.egress = EgressClient(settings.allowed_hosts)
        self.throttle = shared_throttle(self.redis_url) if self.redis_url else Throttle()
        self.authority = Authority(self.database)
        self.admission = Admission()
        self.make_host = make_host
        self.start_child = start_child
        self.peers = Peers(settings.data, host)
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def start(self) -> None:
        """Start the background tasks."""
        await self.bus.start()
        self.writer.start()
        self.leases.start()

    def spawn(self, key: str, work: Coroutine[Any, Any, Got]) -> asyncio.Task[Got]:
        """Run a task in the background until it is done or the process closes."""
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))
        return task

    def _forget(self, key: str, done: asyncio.Task[Any]) -> None:
        if self._tasks.get(key) is done:
            del self._tasks[key]

    def at_work(self, key: str) -> asyncio.Task[Any] | None:
        """What was spawned under this key and has not finished."""
        return self._tasks.get(key)

    async def close(self) -> None:
        """Abandon what is in flight (other processes continue it) and close all connections."""
        await self.peers.close()
        await self.authority.close()
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
        await self.throttle.close()
        await self.database.close()


def task_key(workspace_id: str, run_id: str) -> str:
    """The key under which a spawned run is found; another workspace finds nothing."""
    return f"{workspace_id}/{run_id}"


class _Process:
    app: AppContext | None = None


def set_current_app(app: AppContext | None) -> AppContext | None:
    """Set the process's context; return the previous one."""
    before, _Process.app = _Process.app, app
    return before


def current_app() -> AppContext:
    """Return the context of this process, for entry points.

    Raises:
        Unavailable: It has not been opened yet.
    """
    if _Process.app is None:
        raise Unavailable("The server is still starting. Try again in a moment.")
    return _Process.app
