"""Places in the product's processes where a run dies on purpose. Lives in tests only: the harness
starts children through `tests.chaos.child`, which arms these before it starts the product's own
command.

A run carries its plan in its input: `{"faults": [["write.committed:step.completed:b", "kill", 1]]}`
means: the first process in which the run's facts with the event `step.completed` of step `b` were
committed, but not yet published, is killed at that place, once. Other deeds are `stop` (SIGSTOP; the
harness wakes it later) and `slow` (two seconds). What was done is left behind as a file, so that no
place kills more often than it is told, over all processes.

Places:
    claim.inside      claimed, not committed
    claim.after       committed, nothing done yet
    write.before:T:P  facts with an event of type T of the step P are about to be written
    write.inside:T:P  written, not committed
    write.committed:T:P  committed, not published, nobody told
    write.published:T:P  published
    effect.before:N   the request of node N is about to be sent
    effect.after:N    it was answered, nothing is recorded
    release.inside    handed back, not committed
    start.before      (web) the run is about to be stored
    start.committed   (web) committed, not queued
    start.queued      (web) queued, not answered
"""

import contextvars
import json
import os
import select
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HOME = Path(os.environ.get("CHAOS_HOME", "/nonexistent"))
_plans: dict[str, tuple[str, Sequence[Sequence[Any]]]] = {}
_writing: contextvars.ContextVar[Sequence[Any]] = contextvars.ContextVar("writing", default=())
_lives: dict[str, int] = {}


def at(place: str, run_id: str) -> None:
    """Do what the run's plan says for this place."""
    marker, plan = _plans.get(run_id, ("", ()))
    for number, (where, deed, times) in enumerate(plan):
        if place == where or place.startswith(f"{where}:"):
            for turn in range(times):
                if _first(f"{marker}.{number}.{turn}", place, deed, run_id):
                    _do(deed)
                    return


def know(run_id: str, given: object) -> None:
    """Remember the plan of a run from its input."""
    if isinstance(given, Mapping) and given.get("faults"):
        _plans[run_id] = (str(given.get("marker", run_id)), given["faults"])


def _first(name: str, place: str, deed: str, run_id: str) -> bool:
    # counted from when the machine was started, as the clock may have been set
    facts = {
        "at": time.monotonic(),
        "pid": os.getpid(),
        "place": place,
        "deed": deed,
        "run_id": run_id,
    }
    path = _HOME / "deeds" / name
    try:
        with path.open("x") as file:
            file.write(json.dumps(facts))
    except FileExistsError:
        return False
    return True


def _do(deed: str) -> None:
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        time.sleep(2)


def sleep_otherwise() -> None:
    """libfaketime refuses the call by which Python sleeps, which counts from when the machine was started."""

    def sleep(seconds: float) -> None:
        select.select((), (), (), seconds)

    time.sleep = sleep


def arm_claims() -> None:
    """Watch runs being claimed, worked on, and released."""
    from app.services.runs.claiming import claim
    from app.services.runs.lifecycle import execute

    work, release = execute._work, execute.release
    take_next = claim.take_next

    def watched_next(*args: Any) -> Any:
        taken = take_next(*args)
        for one in taken.claims:
            know(one.run.id, one.run.input)
            at("claim.inside", one.run.id)
        return taken

    async def watched_work(app: Any, claimed: Any, *args: Any) -> Any:
        know(claimed.run.id, claimed.run.input)
        _lives[claimed.run.id] = claimed.run.epoch
        at("claim.after", claimed.run.id)
        return await work(app, claimed, *args)

    async def watched_release(uow: Any, run_id: str, *args: Any) -> Any:
        released = await release(uow, run_id, *args)
        at("release.inside", run_id)
        return released

    claim.take_next = watched_next
    execute._work, execute.release = watched_work, watched_release


def arm_writes() -> None:
    """Watch facts being written and published."""
    from app.adapters.sql import journal
    from app.adapters.sql.database import Database

    write, transact, rows_write = journal.Writer._write, Database.transact, journal.rows.write

    async def watched_write(self: Any, entries: Any) -> None:
        _writing.set(entries)
        _at_events("write.before", entries)
        await write(self, entries)
        _at_events("write.published", entries)

    def watched_rows(*args: Any) -> None:
        rows_write(*args)
        _at_events("write.inside", getattr(_inside, "entries", ()))

    async def watched_transact(self: Any, todo: Any) -> Any:
        entries = _writing.get()

        def noted(connection: Any) -> Any:
            _inside.entries = entries
            return todo(connection)

        result = await transact(self, noted)
        _at_events("write.committed", entries)
        return result

    journal.Writer._write, Database.transact = watched_write, watched_transact
    journal.rows.write = watched_rows


def arm_effects() -> None:
    """Watch calls to the outside, and let the witness know who calls."""
    from app.adapters.http.egress import EgressClient
    from app.kernel import log

    send = EgressClient.send

    async def watched_send(self: Any, request: Any) -> Any:
        run_id = str(log.context.get().get("run_id", ""))
        node = request.url.partition("?")[0].rpartition("/")[2]
        at(f"effect.before:{node}", run_id)
        who = {"X-Process": str(os.getpid()), "X-Life": str(_lives.get(run_id, ""))}
        told = request.model_copy(update={"headers": {**request.headers, **who}})
        reply = await send(self, told)
        at(f"effect.after:{node}", run_id)
        return reply

    EgressClient.send = watched_send


_inside = threading.local()
"""The entries that the current thread is writing."""


def _at_events(place: str, entries: Sequence[Any]) -> None:
    if _plans:
        for entry in entries:
            if entry.run_id in _plans:
                for event in entry.events:
                    at(f"{place}:{event.type}:{event.path or ''}", entry.run_id)


def arm_start() -> None:
    """Watch runs being started in the web process."""
    from app.adapters.sql.journal import Writer
    from app.services.runs.starting import inline

    store, offer = Writer.store, inline.offer

    async def watched_store(self: Any, row: Any, *args: Any, **kwargs: Any) -> Any:
        given = row.get("input")
        know(row["id"], json.loads(given) if isinstance(given, str) else given)
        at("start.before", row["id"])
        result = await store(self, row, *args, **kwargs)
        at("start.committed", row["id"])
        return result

    async def watched_offer(queue: Any, run_id: str, *args: Any, **kwargs: Any) -> None:
        await offer(queue, run_id, *args, **kwargs)
        at("start.queued", run_id)

    Writer.store, inline.offer = watched_store, watched_offer
