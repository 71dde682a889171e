"""Keeps the leases of the runs this process executes, and notices canceled and lost ones."""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, union, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from app.adapters.sql import wakeups
from app.adapters.sql.database import Database
from app.engine.host import Control
from app.kernel.clock import now
from app.models import Run, metadata

_log = logging.getLogger(__name__)
_RUN = metadata.tables["run"]

LEASE = timedelta(seconds=2)
FAR = timedelta(seconds=30)
"""A lease further ahead was given before the clock was put back: it counts as over, or a death would stay unnoticed."""
TICK_S = 0.5
SURE_S = 1.5
"""For how long a lease that was seen to be ours needs no second look: less than it lasts."""
STALLED_S = 10.0


def is_over(until: datetime | None, at: datetime) -> bool:
    """Whether a lease has expired at a moment, or lies so far ahead that the clock was put back since."""
    return until is None or not at < until <= at + FAR


@dataclass
class Lease:
    """A run that this process executes. `why` says how it was taken from us: lost, released, left by us, or not at all.
    `proved_at` is when its lease was last confirmed as ours, or granted, on the monotonic clock.
    """

    run_id: str
    epoch: int
    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[Any]
    proved_at: float
    control: Control = field(default_factory=Control)
    why: str = ""

    async def be_sure(self) -> None:
        """Return while the run is certainly ours. After a freeze of about a lease this waits for the keeper's
        confirmation; if others have the run by now, the task is canceled here.
        """
        while time.monotonic() - self.proved_at > SURE_S:  # noqa: ASYNC110 - said by another thread
            await asyncio.sleep(0.05)

    def take_away(self, why: str) -> None:
        """Stop the work on the run, once. Call in its loop."""
        if not self.why and not self.task.done():
            self.why = why
            self.task.cancel()


class LeaseHeartbeat:
    """A thread with its own loop and connections, so that a busy process keeps its leases.

    Every half second it renews the leases (2 s), counts the time since the last renewal as work on each of these runs,
    and reads what others request of them and what has arrived for those that listen. A life's first and last moments
    are thus counted by chance, on average at their true length; time beyond a lease does not count. With `watch` it
    also ends the process when the main loop has been stuck for ten seconds: the thread alone would keep a stuck
    process alive.
    """

    def __init__(self, database_url: str, name: str) -> None:
        self._url = database_url
        self._name = name
        self._held: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._end_wait: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._moved = self._counted = time.monotonic()
        self._on_stall: Callable[[], None] | None = None
        self._beat: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def watch(self, on_stall: Callable[[], None] = lambda: os._exit(70)) -> None:
        """Watch the running loop; call `on_stall` from the thread when it stalls."""
        self._moved = time.monotonic()
        self._beat = asyncio.create_task(self._beats(), name="keeper beat")
        self._on_stall = on_stall

    def hold(
        self, run_id: str, epoch: int, leased_at: float, by: asyncio.Task[Any] | None = None
    ) -> Lease:
        """Keep the lease of a run that a task executes, the current task unless another is given; calling it once is
        enough.

        Args:
            leased_at: Before the lease was written, on the monotonic clock: it may have expired on the way here.
        """
        with self._lock:
            known = self._held.get(run_id)
        if known is not None and known.epoch == epoch:
            return known
        task = by or asyncio.current_task()
        if task is None:
            raise RuntimeError("a run is held by a task")
        held = Lease(run_id, epoch, asyncio.get_running_loop(), task, leased_at)
        with self._lock:
            self._held[run_id] = held
        return held

    def let_go(self, held: Lease) -> None:
        """Forget a run; its lease expires by itself unless it was ended or released."""
        with self._lock:
            if self._held.get(held.run_id) is held:  # else a later life of it is held by now
                del self._held[held.run_id]
        held.why = held.why or "left"  # the thread may still be about to take it away

    @property
    def count(self) -> int:
        """The number of runs in flight here."""
        return len(self._held)

    def give_up_all(self) -> None:
        """Take all runs away from their tasks, to be released for other processes. Call in their loop."""
        for held in self._snapshot():
            held.take_away("released")

    async def close(self) -> None:
        """Stop the thread."""
        if self._beat is not None:
            self._on_stall = None
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)
        self._stop.set()
        if self._thread.is_alive():
            self._end_wait()
            await asyncio.to_thread(self._thread.join, 5)

    async def _beats(self) -> None:
        while True:
            self._moved = time.monotonic()
            await asyncio.sleep(TICK_S)

    def _snapshot(self) -> list[Lease]:
        with self._lock:
            return list(self._held.values())

    def _run(self) -> None:
        asyncio.run(self._keep())

    async def _keep(self) -> None:
        database = Database(self._url, pool_size=1)
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        self._end_wait = lambda: loop.call_soon_threadsafe(wake.set)
        try:
            while not self._stop.is_set():
                held = self._snapshot()
                if held:
                    await self._renew(database, {one.run_id: one for one in held})
                else:
                    self._counted = time.monotonic()
                on_stall = self._on_stall
                if on_stall is not None and time.monotonic() - self._moved > STALLED_S:
                    _log.error(
                        "the process has not moved for ten seconds; it ends so that others go on"
                    )
                    on_stall()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), TICK_S)
        finally:
            await database.close()

    async def _renew(self, database: Database, held: dict[str, Lease]) -> None:
        looked_at = time.monotonic()
        worked_s = min(looked_at - self._counted, LEASE.total_seconds())
        listening = [run_id for run_id, one in held.items() if one.control.listens.is_set()]
        try:
            async with database.writer.begin() as connection:
                found = await _renew_rows(connection, held, worked_s)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("leases could not be renewed", extra={"error": str(error)})
            return
        self._counted = looked_at
        for run_id, one in held.items():
            epoch, control, is_ours = found.get(run_id, (-1, None, False))
            if is_ours:
                one.proved_at = looked_at
            if epoch != one.epoch:
                one.loop.call_soon_threadsafe(one.take_away, "lost")
            elif control == "cancel":
                one.loop.call_soon_threadsafe(one.control.cancelled.set)
            elif control == "pause":
                one.loop.call_soon_threadsafe(one.control.pausing.set)
        for run_id in await _delivered_for(database, listening) if listening else ():
            one = held[run_id]
            one.loop.call_soon_threadsafe(one.control.delivered.set)


async def _delivered_for(database: Database, run_ids: list[str]) -> frozenset[str]:
    """For which of these runs something has arrived that they do not know of."""
    these = col(Run.id).in_(run_ids)
    looks = (
        wakeups.answered(these),
        wakeups.delivered(these),
        wakeups.early(these),
        wakeups.due(these, now()),
        wakeups.called_ended(these).with_only_columns(col(Run.id)),
    )
    try:
        async with database.reader.connect() as connection:
            found = await connection.execute(union(*looks))
    except (SQLAlchemyError, OSError) as error:
        _log.warning("what came for runs could not be read", extra={"error": str(error)})
        return frozenset()
    return frozenset(found.scalars())


async def _renew_rows(
    connection: AsyncConnection, held: dict[str, Lease], worked_s: float
) -> dict[str, tuple[int, str | None, bool]]:
    # rows are locked in the order of their ids, like in the journal, so that the two never wait for
    # each other
    query = select(_RUN.c.id, _RUN.c.epoch, _RUN.c.status, _RUN.c.control).where(
        _RUN.c.id.in_(sorted(held))
    )
    rows = (
        await connection.execute(query.order_by(_RUN.c.id).with_for_update(key_share=True))
    ).all()
    ours = {row.id for row in rows if row.epoch == held[row.id].epoch and row.status == "running"}
    if ours:
        postgres = connection.dialect.name == "postgresql"
        until = func.clock_timestamp() + LEASE if postgres else now() + LEASE
        kept = {"lease_until": until, "worked_s": _RUN.c.worked_s + worked_s}
        await connection.execute(update(_RUN).where(_RUN.c.id.in_(ours)).values(kept))
    return {row.id: (row.epoch, row.control, row.id in ours) for row in rows}
