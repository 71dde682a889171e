"""The journal of runs: one writer per process gathers facts and commits many of them at once."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.adapters.redis.bus import EventBus
from app.adapters.sql import journal_rows as rows
from app.adapters.sql.database import Database, is_away
from app.engine.events import Event
from app.engine.host import Fact, RunPatch
from app.kernel.errors import Fenced, StorageDown

_log = logging.getLogger(__name__)

MAX_FACTS = 500
MAX_BYTES = 1_000_000
NOTE_DELAY_S = 0.05
JOIN_S = 0.002
"""How long facts wait for more when nobody waits for them: the last steps of a run and its end are one transaction."""

FIRST_NOTE_S = 0.005
"""After a rest: what begins together is seen at once, and out of the way when the step ends."""
TOKEN_DELAY_S = 0.04
TOKEN_COUNT = 32
RETRY_S = 30.0
MAX_BROKEN = 1_000
_CLOSED = "This process ends; the run goes on in another one."


class KeyTaken(Exception):
    """A new run's idempotency key belongs to an earlier run of its workspace."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


@dataclass(eq=False)
class Entry:
    """Facts of one run that are written together; `done` is None when nobody awaits them.

    Args:
        new: The row of a run that is stored with these facts; it gets its number when it is written.
        again: An earlier try may have committed them although it failed.
    """

    run_id: str
    epoch: int
    batch: rows.Rows
    events: Sequence[Event]
    done: asyncio.Future[None] | None = None
    new: rows.Row | None = None
    again: bool = False


class Writer:
    """Drains a queue of facts into the database, at most 500 facts or 1 MB a transaction.

    Runs whose epoch is out of date are fenced: their facts are dropped and whoever awaits them gets Fenced. Events go
    to the bus after the commit, never before. When facts of an execution of a run could not be stored, nothing later
    of that execution is: its events would have a gap.
    """

    def __init__(self, database: Database, bus: EventBus) -> None:
        self._database = database
        self._bus = bus
        self._queue: deque[Entry] = deque()
        self._broken: dict[tuple[str, int], BaseException] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Start writing."""
        self._task = asyncio.create_task(self._drain(), name="journal writer")

    async def close(self) -> None:
        """Write what is queued, then stop. Later entries are refused with StorageDown."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._idle.wait(), 5)
        except TimeoutError:
            _log.warning("the journal could not write everything before the end")
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._closed = True
        self._fail(self._queue, StorageDown(_CLOSED))
        self._queue.clear()

    def put(self, entry: Entry, *, awaited: bool = True) -> None:
        """Accept an entry; entries of a run are written in the order given.

        Args:
            awaited: Somebody awaits the commit. Otherwise it may wait a moment for what follows.
        """
        if self._closed:  # a waiter must not wait forever
            self._fail([entry], StorageDown(_CLOSED))
            return
        self._queue.append(entry)
        self._idle.clear()
        if awaited:
            self._wake.set()
        elif not self._wake.is_set():
            asyncio.get_running_loop().call_later(JOIN_S, self._wake.set)

    async def store(self, row: rows.Row, batch: rows.Rows, events: Sequence[Event] = ()) -> None:
        """Store a new run with what is known of it; return when it is committed. The row then has
        its number.

        Raises:
            KeyTaken: An earlier run has its idempotency key; nothing was stored.
            StorageDown: The database stayed away for half a minute.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(Entry(row["id"], row["epoch"], batch, events, done, row))
        await done

    def publish(self, events: Sequence[Event]) -> None:
        """Publish ephemeral events at once."""
        self._bus.publish(events)

    async def _drain(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                taken = self._take()
                try:
                    await self._write_surely(taken)
                except asyncio.CancelledError:
                    self._fail(taken, StorageDown(_CLOSED))
                    raise
            self._idle.set()

    def _take(self) -> list[Entry]:
        taken = [self._queue.popleft()]
        facts, size = taken[0].batch.count, taken[0].batch.size
        while self._queue and facts < MAX_FACTS and size < MAX_BYTES:
            entry = self._queue.popleft()
            facts, size = facts + entry.batch.count, size + entry.batch.size
            taken.append(entry)
        return taken

    async def _write_surely(self, entries: list[Entry]) -> None:
        """Write; wait out a database that is away, and keep one bad entry from failing the others.

        Every statement may be repeated: rows have keys, so a commit whose answer was lost does no harm.
        """
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + RETRY_S, 0.05
        entries = self._unbroken(entries)
        while entries:
            try:
                return await self._write(entries)
            except (SQLAlchemyError, OSError, LookupError, TypeError, ValueError) as error:
                if not is_away(error):
                    return await self._write_apart(entries, error)
                if loop.time() > until:
                    _log.error("the database did not come back in time", exc_info=error)
                    self._break(
                        entries,
                        StorageDown("The database does not answer; the run could not be recorded."),
                    )
                    return None
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
        return None

    async def _write_apart(self, entries: list[Entry], error: BaseException) -> None:
        """One of the facts is bad: write each entry separately, so that only that one's run suffers."""
        if len(entries) == 1:
            _log.error(
                "facts could not be stored", exc_info=error, extra={"run_id": entries[0].run_id}
            )
            self._break(entries, error)
            return
        for entry in entries:
            await self._write_surely([entry])

    def _unbroken(self, entries: list[Entry]) -> list[Entry]:
        """Refuse entries that follow facts that could not be stored; return the rest."""
        sound = []
        for entry in entries:
            error = self._broken.get((entry.run_id, entry.epoch))
            if error is None:
                sound.append(entry)
            else:
                self._fail([entry], error)
        return sound

    def _break(self, entries: list[Entry], error: BaseException) -> None:
        for entry in entries:
            self._broken[entry.run_id, entry.epoch] = error
        while len(self._broken) > MAX_BROKEN:
            del self._broken[next(iter(self._broken))]
        self._fail(entries, error)

    async def _write(self, entries: list[Entry]) -> None:
        try:
            refused = await self._database.transact(lambda connection: _apply(connection, entries))
        except (SQLAlchemyError, OSError):
            for entry in entries:
                entry.again = True
            raise
        published: list[Event] = []
        for entry in entries:
            if entry in refused:
                self._fail([entry], refused[entry])
                continue
            published += entry.events
            if entry.done is not None and not entry.done.done():
                entry.done.set_result(None)
        self._bus.publish(published)

    @staticmethod
    def _fail(entries: Iterable[Entry], error: BaseException) -> None:
        for entry in entries:
            if entry.done is not None and not entry.done.done():
                entry.done.set_exception(error)


def _apply(connection: Connection, entries: list[Entry]) -> dict[Entry, BaseException]:
    """Write the entries of new runs, and those whose runs are still held under their epochs; return
    the others with the reason.
    """
    refused: dict[Entry, BaseException] = {}
    new = [(entry, entry.new) for entry in entries if entry.new is not None]
    if any(entry.again for entry, _ in new):
        known = rows.stored_before(connection, [row for _, row in new])
        new = [(entry, row) for entry, row in new if row["id"] not in known]
    if new:
        taken = rows.number_runs(connection, [row for _, row in new])
        for (entry, _), earlier in zip(new, taken, strict=True):
            if earlier is not None:
                refused[entry] = KeyTaken(earlier)
    old = [entry for entry in entries if entry.new is None]
    epochs = rows.lock_epochs(connection, {entry.run_id for entry in old})
    for entry in old:
        if epochs.get(entry.run_id) != entry.epoch:
            refused[entry] = Fenced()
    held = [entry.batch for entry in entries if entry not in refused]
    rows.write(connection, held[0] if len(held) == 1 else rows.merge(held))
    return refused


@dataclass
class _Tokens:
    """Text of one step that waits to be published."""

    last: Event
    texts: list[str] = field(default_factory=list)


class RunJournal:
    """The durable memory of one run, held under its epoch (host.Journal).

    Args:
        on_left: Called when the last facts of this execution have been handed over: only their commit is left.
    """

    def __init__(
        self,
        writer: Writer,
        run_id: str,
        workspace_id: str,
        epoch: int,
        on_left: Callable[[], None] | None = None,
    ) -> None:
        self.run_id = run_id
        self.workspace_id = workspace_id
        self.epoch = epoch
        self.patch = RunPatch()
        """The last change of the run's row that set a status."""
        self.last_seq = 0
        self._writer = writer
        self._on_left = on_left
        self._noted: list[Fact] = []
        self._sent_at = -NOTE_DELAY_S
        self._tokens: dict[str, _Tokens] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def record(self, *facts: Fact) -> None:
        """Write the facts with those noted before; return when they are committed.

        Raises:
            Fenced: Another worker owns the run now; nothing was written.
            StorageDown: The database stayed away for half a minute.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._send(facts, done, awaited=True)
        await done

    def post(self, *facts: Fact) -> asyncio.Future[None]:
        """Write the facts with those noted before, at once; the future completes when they are committed, or fails as
        `record` does.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._send(facts, done, awaited=False)
        return done

    def note(self, *facts: Fact) -> None:
        """Write within 50 ms, or with the next record."""
        self._noted.extend(facts)
        if "notes" not in self._timers:
            rested = asyncio.get_running_loop().time() - self._sent_at > NOTE_DELAY_S
            self._later("notes", FIRST_NOTE_S if rested else NOTE_DELAY_S, self._flush_notes)

    def stream(self, event: Event) -> None:
        """Publish a token soon, joined with others of its step."""
        path = event.path or ""
        tokens = self._tokens.setdefault(path, _Tokens(event))
        tokens.last = event
        tokens.texts.append(str(event.payload.get("text", "")))
        if len(tokens.texts) >= TOKEN_COUNT:
            self._flush_tokens()
        else:
            self._later("tokens", TOKEN_DELAY_S, self._flush_tokens)

    def _later(self, what: str, seconds: float, work: Any) -> None:  # noqa: ANN401 - a callback
        if what not in self._timers:
            self._timers[what] = asyncio.get_running_loop().call_later(seconds, work)

    def _flush_notes(self) -> None:
        if self._noted:
            self._send((), None, awaited=False)
        self._stop_timer("notes")

    def _flush_tokens(self) -> None:
        self._stop_timer("tokens")
        waiting, self._tokens = self._tokens, {}
        self._writer.publish(
            [one.last.with_payload(text="".join(one.texts)) for one in waiting.values()]
        )

    def _stop_timer(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer is not None:
            timer.cancel()

    def _send(
        self, facts: Sequence[Fact], done: asyncio.Future[None] | None, *, awaited: bool
    ) -> None:
        if self._tokens:
            self._flush_tokens()  # the text of a step comes before the event that ends it
        self._stop_timer("notes")
        self._sent_at = asyncio.get_running_loop().time()
        noted, self._noted = self._noted, []
        whole = [*noted, *facts]
        for fact in whole:
            if isinstance(fact, RunPatch) and fact.status is not None:
                self.patch = fact
            elif isinstance(fact, Event):
                self.last_seq = max(self.last_seq, fact.seq)
        batch = rows.rows_of(whole, self.run_id, self.workspace_id)
        events = [fact for fact in whole if isinstance(fact, Event)]
        self._writer.put(Entry(self.run_id, self.epoch, batch, events, done), awaited=awaited)
        if self._on_left and self.patch.status in rows.LEFT:
            self._on_left()


class BufferedJournal:
    """The memory of a run that is stored as a whole when it ends (host.Journal). Only for runs without effects: if the
    process dies, there never was such a run.
    """

    def __init__(self, run_id: str, workspace_id: str) -> None:
        self.run_id = run_id
        self.workspace_id = workspace_id
        self.facts: list[Fact] = []

    async def record(self, *facts: Fact) -> None:
        """Keep the facts."""
        self.facts += facts

    def post(self, *facts: Fact) -> asyncio.Future[None]:
        """Keep the facts."""
        self.facts += facts
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def note(self, *facts: Fact) -> None:
        """Keep the facts."""
        self.facts += facts

    def stream(self, event: Event) -> None:
        """Do nothing: nobody can watch a run that is not stored yet."""

    @property
    def events(self) -> list[Event]:
        """The events to publish."""
        return [fact for fact in self.facts if isinstance(fact, Event)]
