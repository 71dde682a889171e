"""Starting a run of a workflow's current draft, as part of a unit of work."""

import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.adapters.sql.database import UnitOfWork
from app.engine.runtime.plan import Plan
from app.kernel.ids import new_id
from app.models import Run
from app.services.access import Actor, Permission, require
from app.services.app_context import AppContext
from app.services.runs.lifecycle import ClaimedRun, RunSnapshot, queue_after_commit, spawn_here
from app.services.runs.reading import RunView, run_view
from app.services.runs.starting.create import NewRun, claimed_by, create_run, request_hash
from app.services.runs.starting.idempotency import repeated_run
from app.services.runs.starting.limits import PlacementRequest, RunLimits
from app.services.runs.starting.pins import Outputs, PinsFrom, recorded
from app.services.runs.starting.strategy import Strategy, choose, is_bounded
from app.services.versions import locked_workflow, locked_workspace, plan_of, version_of

_WAITS_FOR_REDIS = (
    "Redis does not answer. The run is stored and starts by itself when Redis is back."
)


class StartRun(BaseModel):
    """A request to run a workflow's draft. The same key with the same request returns the same run.

    Args:
        pins: Outputs by port that stand in for executing nodes, by node id or path.
        pins_from: More of them, from what a run recorded; `pins` take precedence.
        limits, priority, concurrency_key: Override the workflow's settings.
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
        """What is requested besides the input; empty for most."""
        names = {"pins", "pins_from", "limits", "priority", "concurrency_key"}
        return self.model_dump(mode="json", include=names, exclude_none=True)

    @property
    def hash(self) -> str:
        """What distinguishes a repeated request from another one with the same key.

        Raises:
            InvalidInput: The input is not a JSON value.
            TooLarge: It is larger than any input may be.
        """
        extras = self.extras
        parts = [self.workflow_id, self.input, self.trigger]
        return request_hash([*parts, extras] if extras else parts)

    def new_run(
        self,
        actor: Actor,
        settings: dict[str, Any] | None,
        version_id: str,
        plan: Plan,
        asked: str,
        *,
        run_id: str | None = None,
    ) -> NewRun:
        """The run that is requested.

        Args:
            settings: The workflow's run settings.
            asked: The request's hash.
            run_id: The id for the run; None: any.
        """
        return NewRun(
            id=run_id or new_id("run"),
            workspace_id=actor.workspace_id,
            workflow_id=self.workflow_id,
            version_id=version_id,
            plan=plan,
            trigger=self.trigger,
            started_by=actor.user_id,
            input=self.input,
            pins=self.pins,
            placement=PlacementRequest(settings, self.limits, self.priority, self.concurrency_key),
            idempotency_key=self.idempotency_key,
            request_hash=asked,
        )


async def start_run(app: AppContext, uow: UnitOfWork, actor: Actor, request: StartRun) -> RunView:
    """Store a run of the workflow's current draft; it starts after the commit, here when quick, else in a worker.

    Raises:
        NotFound: No such workflow.
        GraphInvalid: The graph has errors; `context["problems"]` lists them.
        InvalidInput: The input does not fit the trigger's form; `context["field"]` names the field.
        Conflict: The idempotency key was used for another request.
    """
    require(actor, Permission.RUN_START)
    # locks the workspace's counter first: starts with one key are serialized
    workspace = await locked_workspace(uow, actor.workspace_id)
    workflow = await locked_workflow(uow, actor, request.workflow_id)
    asked = request.hash
    repeated = await repeated_run(uow, actor, request.idempotency_key, asked)
    if repeated is not None:
        return repeated
    version = await version_of(uow, actor, workflow)
    plan = plan_of(version.graph)
    new = request.new_run(actor, workflow.run_settings, version.id, plan, asked)
    leased_at = time.monotonic()
    run = await create_run(uow, new)
    if request.pins_from:
        await _add_recorded(uow, actor, request.pins_from, run, new)
    notice = None
    bounded = is_bounded(workflow.run_settings, run.concurrency_key, workspace.max_running)
    if choose(app, plan, bounded=bounded, awaited=False) is Strategy.HERE:
        run.sqlmodel_update(claimed_by(app.name, run.queued_at))
        await uow.session.flush()
        claimed = ClaimedRun(RunSnapshot.of(vars(run)), version.graph, leased_at)
        uow.after_commit(lambda: _spawn(app, claimed))
    else:
        queue_after_commit(uow, run)
        notice = None if await app.queue.answers() else _WAITS_FOR_REDIS
    view = run_view(run, workflow.name, version.number, notice)
    return view.model_copy(update={"input": request.input})


async def _spawn(app: AppContext, claimed: ClaimedRun) -> None:
    spawn_here(app, claimed)


async def _add_recorded(
    uow: UnitOfWork, actor: Actor, source: PinsFrom, run: Run, new: NewRun
) -> None:
    """Add to a run's pins what nodes output in another run; its own pins take precedence."""
    await uow.session.flush()  # the run's row first: blobs point to it
    found = await recorded(uow, actor, source, new.plan, run.id)
    given = new.pins or {}
    kept = {
        path: output
        for path, output in found.items()
        if path not in given and path.rsplit("/", 1)[-1] not in given
    }
    run.pins = {**kept, **(run.pins or {})}
