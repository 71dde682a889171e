"""The only way to execute a claimed run: hand it to the engine, and store how the engine left it."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

from app.adapters.host import Http, RunHost
from app.adapters.sql.journal import BufferedJournal, RunJournal
from app.adapters.sql.leases import Lease
from app.adapters.sql.values import has_references, unpack
from app.engine.catalog import catalog
from app.engine.events import TERMINAL_RUN, TERMINAL_STEP
from app.engine.host import Limits, Outcome, RunPatch, RunRequest, StepRecord
from app.engine.runtime.driver import warm_up
from app.engine.runtime.execute import execute
from app.engine.runtime.plan import Plan
from app.engine.sdk import HttpReply, HttpRequest
from app.kernel import log
from app.kernel.errors import AppError, Defect, Fenced, NotFound, StorageDown
from app.models import Step
from app.services.access import system
from app.services.app_context import AppContext, task_key
from app.services.runs.lifecycle.claimed_run import (
    ClaimedRun,
    after_end,
    end,
    locked_run,
    reconcile,
    release,
)
from app.services.runs.lifecycle.deliveries import deliveries_of
from app.services.runs.lifecycle.history import count_inside, recall_of, was_executed
from app.services.runs.lifecycle.snapshot import RunSnapshot
from app.services.runs.reading import step_record
from app.services.versions import plan_to_execute

_log = logging.getLogger(__name__)

_ON_OUR_SIDE = (
    "Something went wrong on our side while the run was executed. Run it again; "
    "if it stays, see the server's log."
)


def spawn_run(
    app: AppContext,
    claimed: ClaimedRun,
    plan: Plan | None = None,
    on_left: Callable[[], None] | None = None,
) -> asyncio.Task[RunPatch | None]:
    """Execute a run owned by this process, in the background; the task returns the last change of the run's row that
    this process has committed.

    Its lease is renewed from now on: when many start together, the last may wait a while for its turn.

    Args:
        on_left: Called when everything but the commit of the last facts is done, possibly more than once; not when the
            task ends otherwise.
    """
    key = task_key(claimed.run.workspace_id, claimed.run.id)
    task = app.spawn(key, _work(app, claimed, plan, on_left))
    lease = app.leases.hold(claimed.run.id, claimed.run.epoch, claimed.leased_at, task)
    task.add_done_callback(lambda _: app.leases.let_go(lease))
    return task


def spawn_here(
    app: AppContext, claimed: ClaimedRun, plan: Plan | None = None
) -> asyncio.Task[RunPatch | None]:
    """`spawn_run` for a run that this process started itself: it takes one of the slots for such runs."""

    def give_back(_: asyncio.Task[RunPatch | None]) -> None:
        app.admission.light_slots += 1

    app.admission.light_slots -= 1
    task = spawn_run(app, claimed, plan)
    task.add_done_callback(give_back)
    return task


async def get_ready() -> None:
    """Load everything runs need now, so that the first run does not hold up the others."""
    catalog()
    await warm_up()


async def execute_in_memory(
    app: AppContext, plan: Plan, request: RunRequest, journal: BufferedJournal, seconds: float
) -> bool:
    """Execute a run without effects that is not stored yet; say whether it finished in time.

    If not, all of it is discarded, and a worker executes it.
    """
    host = app.make_host(app, journal, request.workflow_id)
    try:
        async with asyncio.timeout(seconds):
            await execute(plan, request, host)
    except TimeoutError:
        return False
    except AppError:
        raise
    except Exception:  # noqa: BLE001 - the edge: a worker tries again, and records what it finds
        _log.exception("a quick run stopped unexpectedly", extra={"run_id": request.run_id})
        return False
    return True


async def _work(
    app: AppContext,
    claimed: ClaimedRun,
    plan: Plan | None = None,
    on_left: Callable[[], None] | None = None,
) -> RunPatch | None:
    """Do the work of one life, and return how it ended."""
    run_id = claimed.run.id
    log.context.set({**log.context.get(), "run_id": run_id})
    lease = app.leases.hold(run_id, claimed.run.epoch, claimed.leased_at)
    run = claimed.run
    journal = RunJournal(app.writer, run_id, run.workspace_id, run.epoch, on_left)
    try:
        return await _live(app, claimed, lease, journal, plan)
    except Fenced:
        _log.info("another process has this run now")
    except asyncio.CancelledError:
        if lease.why != "lost":
            await _hand_back(app, claimed, journal)
        if not lease.why:
            raise
    except StorageDown:
        _log.warning("the database stayed away: whoever finds the run next goes on with it")
    except Exception as error:  # noqa: BLE001 - the edge: a job never ends without the run knowing
        await _fail(app, claimed, error)
    finally:
        app.leases.let_go(lease)
    return None


async def _live(
    app: AppContext, claimed: ClaimedRun, lease: Lease, journal: RunJournal, plan: Plan | None
) -> RunPatch:
    run = claimed.run
    host = app.make_host(app, journal, run.workflow_id)
    request = await _request(app, claimed)
    if isinstance(host, RunHost):
        world = replace(
            host.world,
            start_child=partial(app.start_child, app),
            deliveries=partial(deliveries_of, app, run.id, run.epoch),
            http=partial(_send, lease, host.world.http),
        )
        host = replace(host, world=world)
    plan = plan or plan_to_execute(claimed.graph)
    await _leave(app, claimed, await execute(plan, request, host, control=lease.control))
    return journal.patch


async def _send(lease: Lease, http: Http, request: HttpRequest) -> HttpReply:
    """Make external calls only while the run is certainly ours: another process may have taken it by now."""
    await lease.be_sure()
    return await http(request)


async def _leave(app: AppContext, claimed: ClaimedRun, outcome: Outcome) -> None:
    """Handle what follows from how the engine left the run."""
    run = claimed.run
    if outcome.status in TERMINAL_RUN:
        # a run that succeeded in its first life has called nobody
        if run.parent_run_id or claimed.steps or outcome.status != "succeeded":
            await after_end(app.database, system(run.workspace_id), run.id)
        return
    async with app.database.work() as uow:
        row = await locked_run(uow, system(run.workspace_id), run.id)
        if row.epoch == run.epoch:
            await reconcile(uow, row)


async def _request(app: AppContext, claimed: ClaimedRun) -> RunRequest:
    run = claimed.run
    records = {step.path: await _record(app, step) for step in claimed.steps}
    given = await _whole(app, run.id, run.input)
    inside = await count_inside(app, run, claimed.steps)
    over = [step for step in claimed.steps if step.status in TERMINAL_STEP]
    done = {step.path: records[step.path] for step in over}
    return RunRequest(
        run_id=run.id,
        workspace_id=run.workspace_id,
        workflow_id=run.workflow_id,
        input=given,
        done=done,
        waiting={
            path: record for path, record in records.items() if record.status not in TERMINAL_STEP
        },
        by_hand=run.trigger == "manual",
        answers=claimed.answers,
        recoveries=claimed.recoveries,
        next_seq=claimed.next_seq,
        recall=recall_of(app, run, _record),
        may_recall=_may_recall(run, inside.recorded, records.keys() - done.keys()),
        steps_before=inside.executed + sum(map(was_executed, over)),
        limits=limits_of(app, run.limits),
        elapsed_s=run.worked_s,
        started_at=run.started_at,
        tokens=run.tokens,
        cost_microusd=run.cost_microusd,
        unpriced=run.unpriced,
        warning_count=run.warning_count,
        pins=await _whole(app, run.id, run.pins) or {},
        depth=run.depth,
        wait_results={
            path: await _whole(app, run.id, it) for path, it in claimed.delivered.results.items()
        },
        retry_due=claimed.delivered.retry_due,
        deferred=claimed.delivered.deferred,
    )


def limits_of(app: AppContext, limits: dict[str, Any] | None) -> Limits:
    """The limits of a run, from its row and from this installation."""
    return replace(Limits(max_output_bytes=app.settings.max_output_mb << 20), **(limits or {}))


def _may_recall(
    run: RunSnapshot, inside: int, unfinished: Collection[str]
) -> Collection[str] | None:
    """The containers in which earlier lives have finished iterations; None: it may be any."""
    if not inside:
        return frozenset()
    return None if run.forked_from else frozenset(unfinished)


async def _whole(app: AppContext, run_id: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value with its large parts; most have none, and need no database query."""
    if not has_references(value):
        return value
    async with app.database.read() as uow:
        return await unpack(uow.session, value, run_id)


async def _record(app: AppContext, step: Step) -> StepRecord:
    """A step as the engine knows it, with its whole output, and its whole input while it is open."""
    record = step_record(step).but(output=await _whole(app, step.run_id, step.output))
    if step.status in TERMINAL_STEP:
        return record
    return record.but(input=await _whole(app, step.run_id, step.input))


async def _hand_back(app: AppContext, claimed: ClaimedRun, journal: RunJournal) -> None:
    """Let another process continue the run, from the last step that was finished here."""
    try:
        await journal.record()
        async with app.database.work() as uow:
            if await release(uow, claimed.run.id, claimed.run.epoch):
                run = claimed.run
                uow.enqueue(run.id, run.epoch + 2, priority=run.priority)
    except (StorageDown, Fenced):
        _log.warning("the run could not be handed back; its lease runs out by itself")


async def _fail(app: AppContext, claimed: ClaimedRun, error: Exception) -> None:
    _log.error("a run stopped with an unexpected error", exc_info=error)
    known = error if isinstance(error, AppError) else Defect(_ON_OUR_SIDE)
    told = {"code": known.code, "message": known.message}
    try:
        async with app.database.work() as uow:
            run = await locked_run(uow, system(claimed.run.workspace_id), claimed.run.id)
            if run.epoch == claimed.run.epoch and run.status == "running":
                await end(uow, run, "failed", told)
    except (StorageDown, NotFound):
        _log.warning(
            "the failure could not be recorded; whoever finds the run next goes on with it"
        )
