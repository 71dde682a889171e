"""Bus and queue of a machine without Redis: both live inside the one process that does everything.

What is durable is in the database, as with Redis; what a restart loses, the sweeper finds again.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from app.adapters.redis.bus import (
    ENDS,
    MAX_ENTRIES,
    OF_WORKSPACE,
    EventBus,
    Inbox,
    Reader,
    Viewer,
    draft_key,
    stream_key,
    workspace_key,
)
from app.adapters.redis.queue import DEFAULT, job_id
from app.engine.events import Event

MAX_STREAMS = 1_000


class LocalBus(EventBus):
    """Hands events to the viewers of this process, and keeps those of unfinished runs for late
    ones.
    """

    connected = True

    def __init__(self) -> None:
        self._viewers: dict[str, set[Inbox[Any]]] = {}
        self._streams: OrderedDict[str, deque[tuple[str, Event]]] = OrderedDict()
        self._count = 0

    async def start(self) -> None:
        """Nothing to start: events are handed over at once."""

    async def close(self) -> None:
        """Nothing to close."""

    def publish(self, events: Sequence[Event]) -> None:
        """Hand events over, in order."""
        for event in events:
            self._count += 1
            entry_id = f"{self._count}-0"
            self._keep(entry_id, event)
            self._push(stream_key(event.run_id), entry_id, event)
            if event.type in OF_WORKSPACE:
                self._push(workspace_key(event.workspace_id), entry_id, event)

    def announce(self, event: Event) -> None:
        """Tell those who watch the workspace."""
        self._count += 1
        self._push(workspace_key(event.workspace_id), f"{self._count}-0", event)

    def publish_draft(self, workflow_id: str, message: bytes) -> None:
        """Tell the open editors of a workflow of an edit."""
        self._count += 1
        self._push(draft_key(workflow_id), f"{self._count}-0", message)

    async def history(self, run_id: str, viewer: Viewer) -> tuple[Event, ...]:
        """The events kept of an unfinished run; the viewer then gets only later ones."""
        kept = self._streams.get(stream_key(run_id), ())
        viewer.start_after(kept[-1][0] if kept else "0-0")
        return tuple(event for _, event in kept)

    def _keep(self, entry_id: str, event: Event) -> None:
        key = stream_key(event.run_id)
        if event.type in ENDS:
            self._streams.pop(key, None)
            return
        self._streams.setdefault(key, deque(maxlen=MAX_ENTRIES)).append((entry_id, event))
        self._streams.move_to_end(key)
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)

    def _push(self, key: str, entry_id: str, event: Event | bytes) -> None:
        for viewer in self._viewers.get(key, ()):
            viewer.push(entry_id, event)

    @asynccontextmanager
    async def _reader(self, key: str, viewer: Reader) -> AsyncIterator[Reader]:
        self._viewers.setdefault(key, set()).add(viewer)
        try:
            yield viewer
        finally:
            self._viewers[key].discard(viewer)
            if not self._viewers[key]:
                del self._viewers[key]


class LocalQueue:
    """Wakes the one process that does everything; what waits is in the database."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._wake = asyncio.Event()

    async def enqueue(self, run_id: str, life: int, *, priority: int = DEFAULT) -> bool:
        """Queue a run's n-th life; False when it waits already."""
        job = job_id(run_id, life)
        if job in self._waiting:
            return False
        self._waiting.add(job)
        self._wake.set()
        return True

    async def waiting(self) -> frozenset[str]:
        """Ids of all jobs that wait."""
        return frozenset(self._waiting)

    async def take(self) -> frozenset[str]:
        """Wait for jobs, and take all."""
        await self._wake.wait()
        self._wake.clear()
        taken, self._waiting = self._waiting, set()
        return frozenset(taken)

    async def lead(self, role: str, name: str, seconds: float) -> bool:
        """One process alone always leads."""
        return True

    async def answers(self) -> bool:
        """It is here."""
        return True

    async def close(self) -> None:
        """Nothing to close: the rows say what was waiting."""
