"""Runs that a caller waits for, started without a unit of work: quick ones are stored as a whole when they end.

Nothing is acknowledged before its commit. A quick run has no effects, so until then it may simply be forgotten: if the
process dies midway, the caller got no answer and there is no such run. A run that only waits on external calls is
stored and leased first; if this process dies, a worker continues it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.adapters.redis.queue import offer
from app.adapters.sql.journal import BufferedJournal, KeyTaken
from app.adapters.sql.journal_rows import Row, Rows, rows_of
from app.adapters.sql.statements import once
from app.engine.events import TERMINAL_RUN
from app.engine.host import Fact, RunPatch, RunRequest
from app.engine.runtime.plan import Plan
from app.engine.sdk import Json
from app.kernel.errors import NotFound, StorageDown
from app.kernel.jsons import json_of
from app.models import MAIN, Draft, Run, Workflow, Workspace
from app.services.access import Actor
from app.services.app_context import AppContext
from app.services.runs.lifecycle import (
    ClaimedRun,
    RunSnapshot,
    execute_in_memory,
    limits_of,
    spawn_here,
)
from app.services.runs.reading import WHOLE_BYTES, RunView, get_run, view_of_row, wait_for_run
from app.services.runs.starting.create import (
    check_fit,
    claimed_by,
    new_run_row,
    values_of,
)
from app.services.runs.starting.idempotency import repeated_run
from app.services.runs.starting.start import StartRun, start_run
from app.services.runs.starting.strategy import Strategy, choose, is_bounded
from app.services.versions import locked_workflow, main_draft, plan_of, version_of

DEADLINE_S = 0.3
"""A quick run that takes longer is stored and goes on in a worker."""

CACHED_DRAFTS = 512

_HEAD = once(
    select(
        col(Workflow.name),
        col(Draft.revision),
        col(Workflow.run_settings),
        col(Workspace.max_running),
    )
    .join(Workspace, col(Workspace.id) == col(Workflow.workspace_id))
    .join(Draft, (col(Draft.workflow_id) == col(Workflow.id)) & (col(Draft.branch) == MAIN))
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
class _Workflow:
    """The columns of a workflow that every start reads."""

    name: str
    revision: int
    settings: dict[str, Any] | None
    max_running: int | None


@dataclass(frozen=True)
class RunnableDraft:
    """A draft that can run: its version, and its plan."""

    version_id: str
    number: int
    graph: dict[str, Any]
    plan: Plan


class RunnableDrafts:
    """The plans of drafts that ran recently. A draft's revision decides its version, so entries never go stale."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], RunnableDraft] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def get(self, workflow_id: str, revision: int) -> RunnableDraft | None:
        """The plan of a draft, if it is known."""
        found = self._known.get((workflow_id, revision))
        if found is not None:
            self._known.move_to_end((workflow_id, revision))
        return found

    def lock(self, workflow_id: str) -> asyncio.Lock:
        """The lock held by whoever prepares a draft of this workflow."""
        return self._locks.setdefault(workflow_id, asyncio.Lock())

    def put(self, workflow_id: str, revision: int, draft: RunnableDraft) -> None:
        """Keep a plan; the least recently used one is dropped."""
        self._known[(workflow_id, revision)] = draft
        if len(self._known) > CACHED_DRAFTS:
            self._known.popitem(last=False)


_drafts = RunnableDrafts()


@dataclass(frozen=True)
class _Start:
    """A run that may start: its row, not stored yet, and what else its view needs."""

    actor: Actor
    request: StartRun
    workflow: _Workflow
    draft: RunnableDraft
    row: Row
    large: Rows
    leased_at: float


@dataclass(frozen=True)
class _Started:
    """A run that is stored, and the task of this process that executes it, if one was started for it."""

    view: RunView
    start: _Start | None = None
    task: asyncio.Task[RunPatch | None] | None = None


async def run_here(
    app: AppContext, actor: Actor, request: StartRun, seconds: float, run_id: str
) -> RunView:
    """Start a run in this process, under this id; return it when it has ended or waits for a person, or as it is after
    this many seconds. It is stored when this returns.

    Raises:
        As `start_run`.
    """
    app.admission.inline_runs += 1
    try:
        if request.pins_from is None:
            started = await _start(app, actor, request, run_id, awaited=seconds > 0)
        else:  # other runs' values are copied, which takes a unit of work
            async with app.database.work() as uow:
                started = _Started(await start_run(app, uow, actor, request))
        return await _wait(app, actor, started, seconds)
    finally:
        app.admission.inline_runs -= 1


async def _wait(app: AppContext, actor: Actor, started: _Started, seconds: float) -> RunView:
    if seconds > 0 and started.view.status not in TERMINAL_RUN:
        with suppress(StorageDown):  # it was accepted, and continues when the database is back
            if started.start is not None and started.task is not None:
                return await _end_of(app, started.start, started.task, seconds)
            return await wait_for_run(app, actor, started.view.id, seconds)
    return started.view


async def _start(
    app: AppContext, actor: Actor, request: StartRun, run_id: str, *, awaited: bool
) -> _Started:
    workflow = await _look_up(app, actor, request.workflow_id)
    asked = request.hash
    try:
        await _refuse_repeated(app, actor, request.idempotency_key)
        draft = _drafts.get(request.workflow_id, workflow.revision) or await _prepared(
            app, actor, request, workflow.revision
        )
        leased_at = time.monotonic()
        new = request.new_run(
            actor, workflow.settings, draft.version_id, draft.plan, asked, run_id=run_id
        )
        row, blobs = new_run_row(new)
        large = Rows(blobs={blob["id"]: blob for blob in blobs})
        start = _Start(actor, request, workflow, draft, row, large, leased_at)
        return await _execute(app, start, awaited=awaited)
    except KeyTaken:
        async with app.database.read() as uow:
            repeated = await repeated_run(uow, actor, request.idempotency_key, asked)
        if repeated is None:
            raise NotFound("The run of this idempotency key is gone.") from None
        return _Started(repeated)
    except IntegrityError:
        await _look_up(app, actor, request.workflow_id)  # deleted for good while it was to start?
        raise


async def _look_up(app: AppContext, actor: Actor, workflow_id: str) -> _Workflow:
    place = {"workflow_id": workflow_id, "workspace_id": actor.workspace_id}
    row = await app.database.look(_HEAD, place)
    if row is None:
        raise NotFound("There is no such workflow.")
    name, revision, settings, max_running = row
    return _Workflow(name, revision, orjson.loads(settings) if settings else None, max_running)


async def _refuse_repeated(app: AppContext, actor: Actor, key: str | None) -> None:
    """Check that the key is free before anything is executed; the writer checks again when it stores the run.

    Raises:
        KeyTaken: An earlier run used it.
    """
    if key is not None:
        found = await app.database.look(_KEYED, {"workspace_id": actor.workspace_id, "key": key})
        if found is not None:
            raise KeyTaken(found[0])


async def _prepared(
    app: AppContext, actor: Actor, request: StartRun, revision: int
) -> RunnableDraft:
    """Compile the draft and make its version, once per revision: of many simultaneous first runs, one does it."""
    async with _drafts.lock(request.workflow_id):
        return _drafts.get(request.workflow_id, revision) or await _prepare(app, actor, request)


async def _prepare(app: AppContext, actor: Actor, request: StartRun) -> RunnableDraft:
    async with app.database.work() as uow:
        workflow = await locked_workflow(uow, actor, request.workflow_id)
        draft = await main_draft(uow, actor, workflow.id)
        plan = plan_of(draft.graph)
        check_fit(plan, request.input, request.pins)  # what cannot start makes no version
        version = await version_of(uow, actor, workflow)
        runnable = RunnableDraft(version.id, version.number, version.graph, plan)
        revision = draft.revision
    _drafts.put(request.workflow_id, revision, runnable)
    return runnable


async def _execute(app: AppContext, start: _Start, *, awaited: bool) -> _Started:
    """Store a new run and have it executed wherever it belongs."""
    row = start.row
    workflow = start.workflow
    bounded = is_bounded(workflow.settings, row["concurrency_key"], workflow.max_running)
    strategy = choose(app, start.draft.plan, bounded=bounded, awaited=awaited)
    if strategy is Strategy.IN_MEMORY:
        ended = await _run_in_memory(app, start)
        if ended is not None:
            return _Started(ended)
    if strategy is Strategy.HERE:
        row |= claimed_by(app.name, row["queued_at"])
    await app.writer.store(row, start.large)
    if strategy is Strategy.HERE:
        return _Started(_view(start), start, _spawn(app, start))
    await offer(app.queue, row["id"], 1, priority=row["priority"])
    return _Started(_view(start))


async def _run_in_memory(app: AppContext, start: _Start) -> RunView | None:
    """Execute a run without effects and store it as a whole; None when it takes too long."""
    row, request = start.row, start.request
    journal = BufferedJournal(row["id"], row["workspace_id"])
    asked = RunRequest(
        row["id"],
        row["workspace_id"],
        row["workflow_id"],
        request.input,
        pins=request.pins or {},
        limits=limits_of(app, values_of(row, "limits")["limits"]),
        started_at=row["queued_at"],
        by_hand=row["trigger"] == "manual",
    )
    app.admission.quick_waiting += 1
    try:
        async with app.admission.quick_slots:
            if not await execute_in_memory(app, start.draft.plan, asked, journal, DEADLINE_S):
                return None
    finally:
        app.admission.quick_waiting -= 1
    facts = rows_of(journal.facts, row["id"], row["workspace_id"])
    row |= {"epoch": 1, **facts.runs.pop(row["id"])}
    facts.blobs |= start.large.blobs
    await app.writer.store(row, facts)
    app.bus.announce(journal.events[-1])
    return await _ended(app, start, row, _output(journal.facts))


def _output(facts: Sequence[Fact]) -> Json:
    """The whole output of a run."""
    return next((f.output for f in reversed(facts) if isinstance(f, RunPatch) and f.status), None)


def _spawn(app: AppContext, start: _Start) -> asyncio.Task[RunPatch | None]:
    """Execute a run that is stored as owned by this process."""
    row = start.row
    values = {**row, **values_of(row, "limits", "pins"), "input": start.request.input}
    claimed = ClaimedRun(RunSnapshot.of(values), start.draft.graph, start.leased_at)
    return spawn_here(app, claimed, start.draft.plan)


async def _end_of(
    app: AppContext, start: _Start, task: asyncio.Task[RunPatch | None], seconds: float
) -> RunView:
    """The run that a task executes here, when it has ended or after this many seconds."""
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.wait({task}, timeout=seconds)
    patch = task.result() if task.done() and not task.cancelled() else None
    if patch is None and (left := until - asyncio.get_running_loop().time()) > 0:
        # another process has it now
        return await wait_for_run(app, start.actor, start.row["id"], left)
    if patch is None or patch.status not in TERMINAL_RUN:
        async with app.database.read() as uow:
            return await get_run(uow, start.actor, start.row["id"])
    changed = {name: value for name, value in vars(patch).items() if value is not None}
    return await _ended(app, start, {**start.row, **changed}, patch.output)


async def _ended(app: AppContext, start: _Start, row: Row, output: Json) -> RunView:
    """A run that has ended, from memory unless its output is very large."""
    data = None if output is None else json_of(output)
    if data is not None and len(data) > WHOLE_BYTES:
        async with app.database.read() as uow:
            return await get_run(uow, start.actor, row["id"])
    return _view(start, row, data)


def _view(start: _Start, row: Row | None = None, output: bytes | None = None) -> RunView:
    """A run as its caller sees it; `output` is JSON."""
    row = row or start.row
    error = row["error"]
    values = {
        "input": start.request.input,
        "output": None if output is None else orjson.loads(output),
        "error": orjson.loads(error) if isinstance(error, str) else error,
    }
    return view_of_row({**row, **values}, start.workflow.name, start.draft.number)
