"""Runs that a caller waits for, answered from memory: quick ones are stored as a whole when they end.

Nothing is acknowledged before its commit. A quick run has no effects, so that until then it may simply
be forgotten: when the process dies in the middle the caller got no answer and there is no such run. A
run that only waits for the outside is stored and leased first; when this process dies, a worker goes on.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.adapters.sql.journal import BufferedJournal, KeyTaken
from app.adapters.sql.journal_rows import Row, Rows, rows_of
from app.adapters.sql.leases import LEASE
from app.adapters.sql.statements import defaults_of, once
from app.adapters.sql.values import pack_text
from app.engine.events import TERMINAL_RUN
from app.engine.host import Fact, RunPatch, RunRequest
from app.engine.payloads import dollars
from app.engine.runtime.inputs import check_input
from app.engine.runtime.plan import Plan
from app.engine.sdk import Json
from app.kernel.clock import now
from app.kernel.errors import NotFound, StorageDown, TooLarge
from app.kernel.jsons import json_of
from app.models import Run, Workflow, Workspace, metadata
from app.services.access import Actor, Permission, named_row, require
from app.services.app_context import AppContext
from app.services.runs.lifecycle.claimed_run import ClaimedRun
from app.services.runs.lifecycle.execute import enqueue, execute_in_memory, spawn_run
from app.services.runs.lifecycle.snapshot import RunSnapshot
from app.services.runs.reading.follow import wait_for_run
from app.services.runs.reading.queries import WHOLE_BYTES, get_run
from app.services.runs.reading.views import RunView
from app.services.runs.starting.start import (
    MAX_INPUT_BYTES,
    StartRun,
    earlier_run,
    same_run,
)
from app.services.versions.versions import hashed, locked_workflow, plan_of, version_of

_log = logging.getLogger(__name__)

DEADLINE_S = 0.3
"""A quick run that takes longer is stored and goes on in a worker."""

CACHED_DRAFTS = 512

_HEAD = once(
    select(
        col(Workflow.name),
        col(Workflow.revision),
        col(Workflow.run_settings),
        col(Workspace.max_running),
    )
    .join(Workspace, col(Workspace.id) == col(Workflow.workspace_id))
    .where(
        col(Workflow.id) == bindparam("workflow_id"),
        col(Workflow.workspace_id) == bindparam("workspace_id"),
        col(Workflow.deleted_at).is_(None),
    )
)
_KEYED = once(
    select(col(Run.id)).where(
        col(Run.workspace_id) == bindparam("workspace_id"),
        col(Run.idempotency_key) == bindparam("key"),
    )
)


@dataclass(frozen=True)
class _Head:
    """What every start looks at. `bounded`: how many runs of it go at once is limited, so that the queue decides."""

    name: str
    revision: int
    bounded: bool


@dataclass(frozen=True)
class _Ready:
    """A draft that can run: its version, and its plan."""

    version_id: str
    number: int
    graph: dict[str, Any]
    plan: Plan


@dataclass(frozen=True)
class _Start:
    """Who wants what, and the id that the run is to have."""

    run_id: str
    actor: Actor
    request: StartRun
    hash: str
    head: _Head
    ready: _Ready


class ReadyDrafts:
    """The plans of drafts that ran lately. A draft's revision decides its version, so an entry is never out of date."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], _Ready] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def get(self, workflow_id: str, revision: int) -> _Ready | None:
        """The plan of a draft, if it is known."""
        found = self._known.get((workflow_id, revision))
        if found is not None:
            self._known.move_to_end((workflow_id, revision))
        return found

    def lock(self, workflow_id: str) -> asyncio.Lock:
        """Held by whoever prepares a draft of this workflow."""
        return self._locks.setdefault(workflow_id, asyncio.Lock())

    def put(self, workflow_id: str, revision: int, ready: _Ready) -> None:
        """Keep a plan; the one not asked for the longest is forgotten."""
        self._known[(workflow_id, revision)] = ready
        if len(self._known) > CACHED_DRAFTS:
            self._known.popitem(last=False)


_drafts = ReadyDrafts()


async def run_inline(
    app: AppContext, actor: Actor, request: StartRun, seconds: float, run_id: str
) -> RunView | None:
    """Start a run under this id; return it as it is when it has ended or waits for a person, or after so many
    seconds. It is stored when this returns. None, and nothing done: it has wishes of its own, or how many
    go at once is limited.

    Raises:
        As `start_run`.
    """
    require(actor, Permission.RUN_START)
    if request.extras:
        return None
    app.inline_runs += 1
    try:
        return await _started(app, actor, request, seconds, run_id)
    finally:
        app.inline_runs -= 1


async def _started(
    app: AppContext, actor: Actor, request: StartRun, seconds: float, run_id: str
) -> RunView | None:
    head = await _head(app, actor, request.workflow_id)
    if head.bounded:
        return None
    digest, data = hashed([request.workflow_id, request.input, request.trigger])
    if len(data) > MAX_INPUT_BYTES:
        raise TooLarge(
            f"The input has {len(data):,} bytes; at most {MAX_INPUT_BYTES:,} are allowed."
        )
    if request.idempotency_key:
        key = {"workspace_id": actor.workspace_id, "key": request.idempotency_key}
        if await app.database.look(_KEYED, key) is not None:
            return await _repeated(app, actor, request, digest, seconds)
    ready = _drafts.get(request.workflow_id, head.revision) or await _prepared(
        app, actor, request, head.revision
    )
    check_input(ready.plan.input_schema, request.input)
    start = _Start(run_id, actor, request, digest, head, ready)
    try:
        return await _begun(app, start, seconds)
    except KeyTaken:
        return await _repeated(app, actor, request, digest, seconds)
    except IntegrityError:
        await _head(app, actor, request.workflow_id)  # deleted for good while it was to start?
        raise


async def _begun(app: AppContext, start: _Start, seconds: float) -> RunView:
    """Execute or queue a new run, wherever it belongs."""
    plan = start.ready.plan
    if plan.quick and seconds > 0:
        return await _quickly(app, start) or await _queued(app, start, seconds)
    if (plan.quick or (plan.light and seconds > 0)) and app.light_slots > 0:
        return await _here(app, start, seconds)
    return await _queued(app, start, seconds)


async def _head(app: AppContext, actor: Actor, workflow_id: str) -> _Head:
    place = {"workflow_id": workflow_id, "workspace_id": actor.workspace_id}
    row = await app.database.look(_HEAD, place)
    if row is None:
        raise NotFound("There is no such workflow.")
    has_settings = row[2] is not None and row[2] not in ("null", "{}")
    return _Head(row[0], row[1], has_settings or row[3] is not None)


async def _prepared(app: AppContext, actor: Actor, request: StartRun, revision: int) -> _Ready:
    """Compile the draft and make its version, once for each revision: of many first runs at once, one does it."""
    async with _drafts.lock(request.workflow_id):
        return _drafts.get(request.workflow_id, revision) or await _prepare(app, actor, request)


async def _prepare(app: AppContext, actor: Actor, request: StartRun) -> _Ready:
    async with app.database.work() as uow:
        workflow = await locked_workflow(uow, actor, request.workflow_id)
        plan = plan_of(workflow.graph)
        check_input(plan.input_schema, request.input)
        version = await version_of(uow, actor, workflow)
        ready = _Ready(version.id, version.number, version.graph, plan)
        revision = workflow.revision
    _drafts.put(request.workflow_id, revision, ready)
    return ready


async def _repeated(
    app: AppContext, actor: Actor, request: StartRun, digest: str, seconds: float
) -> RunView:
    """The run that the same wish made before."""
    assert request.idempotency_key is not None
    async with app.database.read() as uow:
        earlier = await earlier_run(uow, actor, request.idempotency_key)
        if earlier is None:
            raise NotFound("The run of this idempotency key is gone.")
        workflow = await named_row(uow, actor, Workflow, earlier.workflow_id)
        view = await same_run(uow, actor, earlier, workflow, digest)
    if seconds > 0 and view.status not in TERMINAL_RUN:
        return await wait_for_run(app, actor, view.id, seconds)
    return view


def _row(start: _Start) -> tuple[Row, Rows]:
    """The row of a new run that waits for its turn, and the blobs of a large input."""
    run_id, workspace_id = start.run_id, start.actor.workspace_id
    text, blobs = pack_text(start.request.input, run_id, workspace_id)
    row = {
        **_NEW_RUN, "id": run_id, "workspace_id": workspace_id, "workflow_id": start.request.workflow_id,
        "version_id": start.ready.version_id, "trigger": start.request.trigger, "started_by": start.actor.user_id,
        "idempotency_key": start.request.idempotency_key, "request_hash": start.hash,
        "input": None if start.request.input is None else text, "queued_at": now(),
    }  # fmt: skip
    return row, Rows(blobs={blob["id"]: blob for blob in blobs})


_NEW_RUN: Mapping[str, Any] = {**defaults_of(metadata.tables["run"]), "number": 0}


async def _quickly(app: AppContext, start: _Start) -> RunView | None:
    """Execute a run without effects in memory and store it as a whole; None when it takes too long."""
    row, batch = _row(start)
    journal = BufferedJournal(row["id"], row["workspace_id"])
    request = RunRequest(
        row["id"],
        row["workspace_id"],
        row["workflow_id"],
        start.request.input,
        started_at=row["queued_at"],
        by_hand=row["trigger"] == "manual",
    )
    if app.quick_waiting >= MAX_WAITING:
        return None
    app.quick_waiting += 1
    try:
        async with app.quick_slots:
            if not await execute_in_memory(app, start.ready.plan, request, journal, DEADLINE_S):
                return None
    finally:
        app.quick_waiting -= 1
    facts = rows_of(journal.facts, row["id"], row["workspace_id"])
    row |= {"epoch": 1, **facts.runs.pop(row["id"])}
    facts.blobs |= batch.blobs
    await app.writer.store(row, facts)
    app.bus.announce(journal.events[-1])
    return await _answer(app, start, row, _output(journal.facts))


def _output(facts: Sequence[Fact]) -> Json:
    """What a run gave, whole."""
    return next((f.output for f in reversed(facts) if isinstance(f, RunPatch) and f.status), None)


MAX_WAITING = 64
"""Quick runs that may wait for a slot here; more go to the workers."""


async def _here(app: AppContext, start: _Start, seconds: float) -> RunView:
    """Store a run as this process's own, execute it here, and answer from memory."""
    leased_at = time.monotonic()
    row, batch = _row(start)
    at = row["queued_at"]
    row |= {
        "status": "running", "epoch": 1, "worker": app.name, "started_at": at, "lease_until": at + LEASE,
    }  # fmt: skip
    await app.writer.store(row, batch)
    run = RunSnapshot.of({**row, "input": start.request.input})
    claimed = ClaimedRun(run, start.ready.graph, leased_at)
    app.light_slots -= 1
    task = spawn_run(app, claimed, start.ready.plan)
    task.add_done_callback(lambda _: _one_less(app))
    if seconds <= 0:
        return _view(start, row)
    try:
        return await _ended(app, start, row, task, seconds)
    except StorageDown:  # it was accepted, and goes on when the database is back
        return _view(start, row)


async def _ended(
    app: AppContext, start: _Start, row: Row, task: asyncio.Task[RunPatch | None], seconds: float
) -> RunView:
    """The run that a task executes here, when it has ended or after so many seconds."""
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.wait({task}, timeout=seconds)
    patch = task.result() if task.done() and not task.cancelled() else None
    if patch is None and (left := until - asyncio.get_running_loop().time()) > 0:
        return await wait_for_run(app, start.actor, row["id"], left)  # another process has it now
    if patch is None or patch.status not in TERMINAL_RUN:
        async with app.database.read() as uow:
            return await get_run(uow, start.actor, row["id"])
    changed = {name: value for name, value in vars(patch).items() if value is not None}
    return await _answer(app, start, {**row, **changed}, patch.output)


def _one_less(app: AppContext) -> None:
    app.light_slots += 1


async def _queued(app: AppContext, start: _Start, seconds: float) -> RunView:
    """Store a run for the workers."""
    row, batch = _row(start)
    await app.writer.store(row, batch)
    await enqueue(app, row["id"], 1)
    with suppress(StorageDown):  # it was accepted, and goes on when the database is back
        if seconds > 0:
            return await wait_for_run(app, start.actor, row["id"], seconds)
    return _view(start, row)


async def _answer(app: AppContext, start: _Start, row: Row, output: Json) -> RunView:
    """A run that has ended, from memory unless what it gave is very large."""
    data = None if output is None else json_of(output)
    if data is not None and len(data) > WHOLE_BYTES:
        async with app.database.read() as uow:
            return await get_run(uow, start.actor, row["id"])
    return _view(start, row, data)


def _view(start: _Start, row: Row, output: bytes | None = None) -> RunView:
    """A run as its caller sees it; `output` is JSON."""
    error = row["error"]
    return RunView(
        id=row["id"], number=row["number"], workflow_id=row["workflow_id"], workflow_name=start.head.name,
        version=start.ready.number, status=row["status"], trigger=row["trigger"], input=start.request.input,
        output=None if output is None else orjson.loads(output),
        error=orjson.loads(error) if isinstance(error, str) else error, tokens=row["tokens"],
        cost_usd=None if row["unpriced"] else dollars(row["cost_microusd"]), queued_at=row["queued_at"],
        started_at=row["started_at"], finished_at=row["finished_at"],
        warning_count=row["warning_count"],
    )  # fmt: skip
