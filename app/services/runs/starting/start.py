"""Starting runs: at once in this process when quick, else through the queue."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from app.adapters.sql.blobs import put_blobs
from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.leases import LEASE
from app.adapters.sql.values import pack, unpack
from app.engine.runtime.inputs import check_input
from app.engine.runtime.plan import Plan
from app.kernel.clock import now
from app.kernel.errors import Conflict, TooLarge
from app.kernel.ids import new_id
from app.models import Run, Workflow, WorkflowVersion
from app.services.access import Actor, Permission, named_row, require, scoped
from app.services.app_context import AppContext, current_app
from app.services.runs.lifecycle.claimed_run import ClaimedRun
from app.services.runs.lifecycle.execute import enqueue, spawn_run
from app.services.runs.lifecycle.snapshot import RunSnapshot
from app.services.runs.reading.mappers import run_view
from app.services.runs.reading.views import RunView
from app.services.runs.starting.limits import RunLimits, Turn, placing
from app.services.runs.starting.pins import Outputs, PinsFrom, check_pins, recorded
from app.services.versions.versions import (
    hashed,
    locked_workflow,
    locked_workspace,
    plan_of,
    version_of,
)

MAX_INPUT_BYTES = 5_000_000
_WAITS_FOR_REDIS = (
    "Redis does not answer. The run is stored and starts by itself when Redis is back."
)


class StartRun(BaseModel):
    """A wish to run a workflow's draft. The same key with the same wish gives the same run.

    Args:
        pins: Outputs by port that stand in for executing nodes, by node id or path.
        pins_from: More of them, from what a run recorded; `pins` go before.
        limits, priority, concurrency_key: Instead of the workflow's settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_id: str
    input: Any = None
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)
    trigger: str = Field("manual", max_length=40)
    pins: Outputs | None = None
    pins_from: PinsFrom | None = None
    limits: RunLimits | None = None
    priority: int | None = Field(None, ge=0, le=2)
    concurrency_key: str | None = Field(None, min_length=1, max_length=200)

    @property
    def extras(self) -> dict[str, Any]:
        """What is wanted besides the input; empty for most."""
        names = {"pins", "pins_from", "limits", "priority", "concurrency_key"}
        return self.model_dump(mode="json", include=names, exclude_none=True)


async def start_run(uow: UnitOfWork, actor: Actor, request: StartRun) -> RunView:
    """Store a run of the workflow as it is now; it starts after the commit, here when quick, else
    in a worker.

    Raises:
        NotFound: No such workflow.
        GraphInvalid: The graph has errors; `context["problems"]` lists them.
        InvalidInput: The input does not fit the trigger's form; `context["field"]` names the field.
        Conflict: The idempotency key was used for another wish.
    """
    require(actor, Permission.RUN_START)
    # locks the workspace's counter first: starts with one key come one after the other
    workspace = await locked_workspace(uow, actor.workspace_id)
    workflow = await locked_workflow(uow, actor, request.workflow_id)
    extras = request.extras
    wish = hashed(
        [request.workflow_id, request.input, request.trigger, *([extras] if extras else [])]
    )
    if len(wish[1]) > MAX_INPUT_BYTES:
        raise TooLarge(
            f"The input has {len(wish[1]):,} bytes; at most {MAX_INPUT_BYTES:,} are allowed."
        )
    if request.idempotency_key:
        earlier = await earlier_run(uow, actor, request.idempotency_key)
        if earlier is not None:
            return await same_run(uow, actor, earlier, workflow, wish[0])
    version = await version_of(uow, actor, workflow)
    plan = plan_of(version.graph)
    check_input(plan.input_schema, request.input)
    check_pins(plan, request.pins or {})
    workspace.run_count += 1
    place = placing(
        workflow.run_settings,
        request.input,
        request.limits,
        Turn(request.priority, request.concurrency_key),
    )
    leased_at = time.monotonic()
    run = await _store(uow, actor, request, version, _Ticket(workspace.run_count, wish[0], place))
    if request.pins or request.pins_from:
        await _pin(uow, actor, request, run, plan)
    app = current_app()
    notice = None
    bounded = (workflow.run_settings or {}).get("concurrency") or workspace.max_running is not None
    if plan.quick and not bounded:
        # ours from the start: claimed in the same transaction, so that it costs no second one
        run.status, run.epoch, run.worker = "running", 1, app.name
        run.started_at, run.lease_until = run.queued_at, run.queued_at + LEASE
        await uow.session.flush()
        claimed = ClaimedRun(RunSnapshot.of(vars(run)), version.graph, leased_at)
        uow.after_commit(lambda: _spawn(app, claimed))
    else:
        uow.after_commit(lambda: enqueue(app, run.id, 1, priority=run.priority))
        notice = None if await app.queue.answers() else _WAITS_FOR_REDIS
    view = run_view(run, workflow.name, version.number, notice)
    return view.model_copy(update={"input": request.input})


async def _spawn(app: AppContext, claimed: ClaimedRun) -> None:
    spawn_run(app, claimed)


@dataclass(frozen=True)
class _Ticket:
    """A run's number in its workspace, the hash of the wish, and what bounds it."""

    number: int
    wish: str
    place: Mapping[str, Any]


async def _store(
    uow: UnitOfWork, actor: Actor, request: StartRun, version: WorkflowVersion, ticket: _Ticket
) -> Run:
    run_id = new_id("run")
    stored, blobs = pack(request.input, run_id, actor.workspace_id)
    run = Run(
        id=run_id,
        workspace_id=actor.workspace_id,
        workflow_id=version.workflow_id,
        version_id=version.id,
        number=ticket.number,
        trigger=request.trigger,
        started_by=actor.user_id,
        idempotency_key=request.idempotency_key,
        request_hash=ticket.wish,
        input=stored,
        queued_at=now(),
        **ticket.place,
    )
    uow.session.add(run)
    if blobs:
        await uow.session.flush()  # the run's row first: its blobs point to it
        await put_blobs(uow.session, blobs)
    return run


async def _pin(uow: UnitOfWork, actor: Actor, request: StartRun, run: Run, plan: Plan) -> None:
    """Give a run the outputs that stand in for executing nodes."""
    await uow.session.flush()  # the run's row first: blobs point to it
    taken = await recorded(uow, actor, request.pins_from, plan, run.id) if request.pins_from else {}
    given = request.pins or {}
    kept = {
        path: output
        for path, output in taken.items()
        if path not in given and path.rsplit("/", 1)[-1] not in given
    }
    stored, blobs = pack(given, run.id, run.workspace_id)
    await put_blobs(uow.session, blobs)
    run.pins = {**kept, **stored} if isinstance(stored, dict) else kept


async def earlier_run(uow: UnitOfWork, actor: Actor, key: str) -> Run | None:
    """Find the run that was started with this idempotency key."""
    return (
        await uow.session.execute(scoped(Run, actor).where(col(Run.idempotency_key) == key))
    ).scalar_one_or_none()


async def same_run(
    uow: UnitOfWork, actor: Actor, run: Run, workflow: Workflow, wish: str
) -> RunView:
    """Answer a repeated wish with the run that it made.

    Raises:
        Conflict: The key was used for another wish.
    """
    if run.request_hash != wish:
        raise Conflict("This idempotency key was used before with another request.", run_id=run.id)
    version = await named_row(uow, actor, WorkflowVersion, run.version_id)
    view = run_view(run, workflow.name, version.number)
    return view.model_copy(update={"input": await unpack(uow.session, run.input, run.id)})
