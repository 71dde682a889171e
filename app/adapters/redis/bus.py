"""Live events between processes: a Redis stream per run and workspace, read by one connection per
process.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.engine.events import EPHEMERAL, Event, events_from_json, events_to_json

_log = logging.getLogger(__name__)

MAX_ENTRIES = 2_000
KEEP_AFTER_END_S = 3_600
KEEP_S = 86_400
VIEWER_EVENTS = 256
ANNOUNCE_S = 0.1
FIELD = b"events"
EDIT = b"edit"
EDITS_KEPT = 20
KEEP_EDITS_S = 60
UNSENT_EDITS = 200
"""Editors that miss edits load the draft again: few are kept, and not for long."""

JOIN_S = 0.002
"""How long events wait for more: those of a run that are sent together cost one command."""

UNSENT_EVENTS = 20_000
ENDS = frozenset({"run.completed", "run.failed", "run.canceled"})
OF_WORKSPACE = ENDS | {
    "run.started",
    "run.progress",
    "run.waiting",
    "run.paused",
    "step.waiting_human",
}
_LOST = (RedisError, OSError)
What = TypeVar("What")
Reader = TypeVar("Reader", bound="Inbox[Any]")


def stream_key(run_id: str) -> str:
    """The stream of a run's events."""
    return f"run:{run_id}:events"


def workspace_key(workspace_id: str) -> str:
    """The stream of changes of a workspace's runs."""
    return f"workspace:{workspace_id}:runs"


def draft_key(workflow_id: str) -> str:
    """The stream of edits of a workflow's draft."""
    return f"workflow:{workflow_id}:edits"


def _order(entry_id: str) -> tuple[int, int]:
    millis, _, count = entry_id.partition("-")
    return int(millis), int(count)


def _by_stream(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events by the stream they go to: those of a run that are sent together are one entry of it."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(stream_key(event.run_id), []).append(event)
    return found


@dataclass(frozen=True)
class Batch(Generic[What]):
    """What a reader gets: events in order. After a `gap` it must read again what it has missed."""

    events: tuple[What, ...] = ()
    gap: bool = False


class Inbox(Generic[What]):
    """What has come for one reader, in a bounded queue: a full one becomes a gap."""

    def __init__(self) -> None:
        self._events: deque[tuple[str, What]] = deque()
        self._gap = False
        self._wake = asyncio.Event()

    def push(self, entry_id: str, event: What) -> None:
        """Add an event; never blocks."""
        if len(self._events) >= VIEWER_EVENTS:
            self.lose()
        else:
            self._events.append((entry_id, event))
        self._wake.set()

    def lose(self) -> None:
        """Forget what waits; the reader reads it again from where it is stored."""
        self._events.clear()
        self._gap = True
        self._wake.set()

    def wake(self) -> None:
        """End the reader's wait."""
        self._wake.set()

    async def take(self, seconds: float) -> Batch[What]:
        """Wait at most so long for events, and take all there are."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()
        batch = Batch(tuple(event for _, event in self._events), self._gap)
        self._events.clear()
        self._gap = False
        return batch


class Viewer(Inbox[Event]):
    """One reader of one run: tokens of a step are merged."""

    def __init__(self) -> None:
        super().__init__()
        self._merging = False
        self._floor = (0, 0)

    def push(self, entry_id: str, event: Event) -> None:
        """Add an event; never blocks."""
        if _order(entry_id) <= self._floor:
            return
        last = self._events[-1][1] if self._events and self._merging else None
        if (
            last is not None
            and event.type == "llm.token"
            and last.type == "llm.token"
            and last.path == event.path
        ):
            text = str(last.payload.get("text", "")) + str(event.payload.get("text", ""))
            self._events[-1] = (
                entry_id,
                event.with_payload(text=text),
            )
        else:
            super().push(entry_id, event)
        self._wake.set()

    def hold(self) -> None:
        """Keep entries apart until `start_after` has said which of them are known."""
        self._merging = False

    def start_after(self, entry_id: str) -> None:
        """Leave out entries up to this one: the reader has them from the history."""
        self._floor = _order(entry_id)
        self._events = deque(entry for entry in self._events if _order(entry[0]) > self._floor)
        self._merging = True


class EventBus(ABC):
    """What follows and publishes events: `Bus` between processes, `local.LocalBus` inside one."""

    connected: bool
    """Whether events come as they happen."""

    @abstractmethod
    async def start(self) -> None:
        """Start what runs in the background."""

    @abstractmethod
    async def close(self) -> None:
        """Stop it."""

    @abstractmethod
    def publish(self, events: Sequence[Event]) -> None:
        """Send events soon, in order."""

    @abstractmethod
    def announce(self, event: Event) -> None:
        """Say that a run which nobody could watch has ended; of many at once, say it of the last."""

    @abstractmethod
    def _reader(self, key: str, viewer: Reader) -> AbstractAsyncContextManager[Reader]:
        """Have a viewer receive what is published under a key, from now on."""

    def subscribe(self, run_id: str) -> AbstractAsyncContextManager[Viewer]:
        """Receive a run's events from now on; read the `history` inside the block to miss none."""
        return self._reader(stream_key(run_id), Viewer())

    def subscribe_workspace(self, workspace_id: str) -> AbstractAsyncContextManager[Viewer]:
        """Receive, from now on, what changes the state of any run of a workspace."""
        return self._reader(workspace_key(workspace_id), Viewer())

    @abstractmethod
    def publish_draft(self, workflow_id: str, message: bytes) -> None:
        """Tell the open editors of a workflow of an edit; who is not there does not hear it later."""

    def subscribe_draft(self, workflow_id: str) -> AbstractAsyncContextManager[Inbox[bytes]]:
        """Receive, from now on, what was told of edits of a workflow's draft."""
        return self._reader(draft_key(workflow_id), Inbox[bytes]())

    @abstractmethod
    async def history(self, run_id: str, viewer: Viewer) -> tuple[Event, ...]:
        """The events still kept of a run; the viewer then gets only later ones."""


class Bus(EventBus):
    """Publishes and follows events. Without Redis both wait for it to come back: what is durable is
    in the database.
    """

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2
        )
        self._unsent: deque[Event] = deque(maxlen=UNSENT_EVENTS)
        self._announced: dict[str, Event] = {}
        self._drafts: deque[tuple[str, bytes]] = deque(maxlen=UNSENT_EDITS)
        self._wake = asyncio.Event()
        self._viewers: dict[str, set[Inbox[Any]]] = {}
        self._positions: dict[str, str] = {}
        self._wake_key = f"bus:wake:{uuid4().hex}"
        self._tasks: list[asyncio.Task[None]] = []
        self.connected = True

    async def start(self) -> None:
        """Start to send and to read."""
        self._positions[self._wake_key] = "0-0"
        self._tasks = [
            asyncio.create_task(self._forever(self._send_all), name="bus sender"),
            asyncio.create_task(self._forever(self._read), name="bus reader"),
        ]

    async def close(self) -> None:
        """Send what waits for at most a second, then stop."""
        for _ in range(20):
            if not self._unsent or not self.connected:
                break
            await asyncio.sleep(0.05)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*_LOST):
            await self._redis.delete(self._wake_key)
        await self._redis.aclose()

    def publish(self, events: Sequence[Event]) -> None:
        """Send events soon, in order."""
        if events:
            if not self._unsent:
                asyncio.get_running_loop().call_later(JOIN_S, self._wake.set)
            self._unsent.extend(events)

    def announce(self, event: Event) -> None:
        """Tell those who watch the workspace, at most ten times a second."""
        if not self._announced:
            asyncio.get_running_loop().call_later(ANNOUNCE_S, self._wake.set)
        self._announced[event.workspace_id] = event

    def publish_draft(self, workflow_id: str, message: bytes) -> None:
        """Tell the open editors of a workflow of an edit."""
        self._drafts.append((draft_key(workflow_id), message))
        self._wake.set()

    @asynccontextmanager
    async def _reader(self, key: str, viewer: Reader) -> AsyncIterator[Reader]:
        if key not in self._positions:
            try:
                self._positions.setdefault(key, await self._last_id(key))
                await self._wake_reader()
            except _LOST:
                self._positions.setdefault(key, "0-0")
        self._viewers.setdefault(key, set()).add(viewer)
        try:
            yield viewer
        finally:
            self._viewers[key].discard(viewer)
            if not self._viewers[key]:
                del self._viewers[key]
                self._positions.pop(key, None)

    async def history(self, run_id: str, viewer: Viewer) -> tuple[Event, ...]:
        """The events still in a run's stream; the viewer then gets only later ones. None without
        Redis.
        """
        viewer.hold()
        try:
            entries = await self._redis.xrange(stream_key(run_id))
        except _LOST:
            entries = []
        viewer.start_after(entries[-1][0].decode() if entries else "0-0")
        return tuple(e for _, fields in entries for e in events_from_json(fields.get(FIELD, b"[]")))

    async def _forever(self, work: Any) -> None:  # noqa: ANN401 - a coroutine function
        pause = 0.1
        while True:
            try:
                if not self.connected:
                    await self._redis.exists(self._wake_key)
                    self.connected, pause = True, 0.1
                await work()
            except _LOST as error:
                if self.connected:
                    _log.warning(
                        "Redis is away; live events wait for it", extra={"error": str(error)}
                    )
                self.connected = False
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
                for viewers in self._viewers.values():
                    for viewer in viewers:
                        viewer.lose()

    async def _send_all(self) -> None:
        if not self._unsent and not self._drafts:
            self._wake.clear()
            await self._wake.wait()
        batch = [self._unsent[i] for i in range(min(len(self._unsent), 200))]
        pipe = self._redis.pipeline(transaction=False)
        announced, self._announced = self._announced, {}
        edits = self._add_edits(pipe)
        for event in announced.values():
            self._tell_workspace(pipe, event)
        for event in batch:
            if event.type in OF_WORKSPACE:
                self._tell_workspace(pipe, event)
        for key, events in _by_stream(batch).items():
            pipe.xadd(key, {FIELD: events_to_json(events)}, maxlen=MAX_ENTRIES, approximate=True)
            if stays := [event.type for event in events if event.type not in EPHEMERAL]:
                pipe.expire(key, KEEP_AFTER_END_S if stays[-1] in ENDS else KEEP_S)
        if pipe:
            await pipe.execute()
        for _ in range(min(len(batch), len(self._unsent))):
            self._unsent.popleft()
        for _ in range(min(edits, len(self._drafts))):
            self._drafts.popleft()

    def _add_edits(self, pipe: Any) -> int:  # noqa: ANN401 - untyped
        """Put the edits that wait into the pipe; return how many."""
        for key, message in self._drafts:
            pipe.xadd(key, {EDIT: message}, maxlen=EDITS_KEPT, approximate=False)
            pipe.expire(key, KEEP_EDITS_S)
        return len(self._drafts)

    @staticmethod
    def _tell_workspace(pipe: Any, event: Event) -> None:  # noqa: ANN401 - untyped
        shared = workspace_key(event.workspace_id)
        pipe.xadd(shared, {FIELD: events_to_json([event])}, maxlen=VIEWER_EVENTS, approximate=True)
        pipe.expire(shared, KEEP_AFTER_END_S)

    async def _read(self) -> None:
        positions: dict[Any, Any] = dict(self._positions)
        reply = await self._redis.xread(positions, count=500, block=5_000)
        for raw_key, entries in reply or ():
            key = raw_key.decode()
            if key in self._positions:
                self._positions[key] = entries[-1][0].decode()
            for entry_id, fields in entries:
                told = (
                    (fields[EDIT],)
                    if EDIT in fields
                    else events_from_json(fields.get(FIELD, b"[]"))
                )
                for event in told:
                    for viewer in self._viewers.get(key, ()):
                        viewer.push(entry_id.decode(), event)

    async def _last_id(self, key: str) -> str:
        newest = await self._redis.xrevrange(key, count=1)
        return newest[0][0].decode() if newest else "0-0"

    async def _wake_reader(self) -> None:
        """End the reader's wait, so that it reads the new stream too."""
        await self._redis.xadd(self._wake_key, {"w": "1"}, maxlen=1, approximate=False)
        await self._redis.expire(self._wake_key, KEEP_S)
