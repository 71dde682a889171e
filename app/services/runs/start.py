"""Starting runs: at once in this process when quick, else through the queue."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from app.adapters.database import UnitOfWork
from app.adapters.values import pack, unpack
from app.engine.runtime.inputs import check_input
from app.kernel.clock import now
from app.kernel.errors import Conflict, InvalidInput, NotFound, TooLarge
from app.kernel.ids import new_id
from app.models import Blob, Run, Workflow, WorkflowVersion, Workspace
from app.services.access import Actor, require, scoped
from app.services.runs.execute import enqueue, plan_of, spawn_run
from app.services.runs.life import LEASE, Life
from app.services.runs.present import run_view
from app.services.runs.views import RunView
from app.services.runtime import Runtime, runtime

MAX_INPUT_BYTES = 5_000_000
_WAITS_FOR_REDIS = (
    "Redis does not answer. The run is stored and starts by itself when Redis is back."
)


class StartRun(BaseModel):
    """A wish to run a workflow's draft. The same key with the same wish gives the same run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_id: str
    input: Any = None
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)
    trigger: str = Field("manual", max_length=40)


async def start_run(uow: UnitOfWork, actor: Actor, request: StartRun) -> RunView:
    """Store a run of the workflow as it is now; it starts after the commit, here when quick, else
    in a worker.

    Raises:
        NotFound: No such workflow.
        GraphInvalid: The graph has errors; `context["problems"]` lists them.
        InvalidInput: The input does not fit the trigger's form; `context["field"]` names the field.
        Conflict: The idempotency key was used for another wish.
    """
    require(actor, "member")
    # locks the workspace's counter first: starts with one key come one after the other
    workspace = await uow.session.get_one(
        Workspace, actor.workspace_id, with_for_update=True, populate_existing=True
    )
    workflow = await locked_workflow(uow, actor, request.workflow_id)
    wish = hashed([request.workflow_id, request.input, request.trigger])
    if len(wish[1]) > MAX_INPUT_BYTES:
        raise TooLarge(
            f"The input has {len(wish[1]):,} bytes; at most {MAX_INPUT_BYTES:,} are allowed."
        )
    if request.idempotency_key:
        earlier = await earlier_run(uow, actor, request.idempotency_key)
        if earlier is not None:
            return await same_run(uow, earlier, workflow, wish[0])
    version = await version_of(uow, actor, workflow)
    plan = plan_of(version.graph)
    check_input(plan.input_schema, request.input)
    workspace.run_count += 1
    run = await _store(uow, actor, request, version, _Ticket(workspace.run_count, wish[0]))
    parts = runtime()
    notice = None
    if plan.quick:
        # ours from the start: claimed in the same transaction, so that it costs no second one
        run.status, run.epoch, run.worker = "running", 1, parts.name
        run.started_at, run.lease_until = run.queued_at, run.queued_at + LEASE
        await uow.session.flush()
        uow.after_commit(lambda: _spawn(parts, Life(run=run, graph=version.graph)))
    else:
        uow.after_commit(lambda: enqueue(parts, run.id, 1, priority=run.priority))
        notice = None if await parts.queue.answers() else _WAITS_FOR_REDIS
    view = run_view(run, workflow.name, version.number, notice)
    return view.model_copy(update={"input": request.input})


async def _spawn(parts: Runtime, life: Life) -> None:
    spawn_run(parts, life)


@dataclass(frozen=True)
class _Ticket:
    """A run's number in its workspace, and the hash of the wish."""

    number: int
    wish: str


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
    )
    uow.session.add(run)
    if blobs:
        await uow.session.flush()  # the run's row first: its blobs point to it
        uow.session.add_all(Blob(**blob) for blob in blobs)
    return run


def hashed(value: Any) -> tuple[str, bytes]:  # noqa: ANN401 - JSON
    """Hash a wish or a graph; its JSON comes along.

    Raises:
        InvalidInput: It is no JSON value.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidInput("The input must be a JSON value.", field="input") from error
    return hashlib.sha256(data).hexdigest(), data


async def locked_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> Workflow:
    """Read a workflow, locked, so that two first runs of a graph do not both make its version.

    Raises:
        NotFound: There is none, or it was deleted.
    """
    query = scoped(Workflow, actor).where(
        col(Workflow.id) == workflow_id, col(Workflow.deleted_at).is_(None)
    )
    workflow = (await uow.session.execute(query.with_for_update())).scalar_one_or_none()
    if workflow is None:
        raise NotFound("There is no such workflow.")
    return workflow


async def earlier_run(uow: UnitOfWork, actor: Actor, key: str) -> Run | None:
    """Find the run that was started with this idempotency key."""
    return (
        await uow.session.execute(scoped(Run, actor).where(col(Run.idempotency_key) == key))
    ).scalar_one_or_none()


async def same_run(uow: UnitOfWork, run: Run, workflow: Workflow, wish: str) -> RunView:
    """Answer a repeated wish with the run that it made.

    Raises:
        Conflict: The key was used for another wish.
    """
    if run.request_hash != wish:
        raise Conflict("This idempotency key was used before with another request.", run_id=run.id)
    version = await uow.session.get_one(WorkflowVersion, run.version_id)
    view = run_view(run, workflow.name, version.number)
    return view.model_copy(update={"input": await unpack(uow.session, run.input, run.id)})


async def version_of(uow: UnitOfWork, actor: Actor, workflow: Workflow) -> WorkflowVersion:
    """Return the version of a workflow's draft as it is now, made when there is none. The workflow is locked."""
    query = scoped(WorkflowVersion, actor).where(col(WorkflowVersion.workflow_id) == workflow.id)
    latest = (
        await uow.session.execute(query.order_by(col(WorkflowVersion.number).desc()).limit(1))
    ).scalar_one_or_none()
    digest = hashed(workflow.graph)[0]
    if latest is not None and latest.graph_hash == digest:
        return latest
    version = WorkflowVersion(
        id=new_id("version"),
        workspace_id=workflow.workspace_id,
        workflow_id=workflow.id,
        number=latest.number + 1 if latest else 1,
        graph=workflow.graph,
        graph_hash=digest,
        created_by=actor.user_id,
        created_at=now(),
    )
    uow.session.add(version)
    await uow.session.flush()
    return version
