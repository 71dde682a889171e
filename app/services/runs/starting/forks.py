"""Rerunning: from the start, from a step, or from where a run stopped. Always as a new run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert
from sqlmodel import col

from app.adapters.sql.blob_copy import Carrier
from app.adapters.sql.blobs import put_blobs
from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.values import pack
from app.engine.events import TERMINAL_STEP
from app.engine.runtime.plan import Plan, PlanNode
from app.engine.runtime.rerun import Rerun, node_at, places, stopped_by
from app.engine.sdk.node import ERROR_PORT
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.ids import derived_id
from app.models import Run, Step, WorkflowVersion
from app.services import audit
from app.services.access import Actor, Permission, named_row, require, scoped, system
from app.services.runs.lifecycle import queue_after_commit
from app.services.runs.reading import RunView, run_view
from app.services.runs.starting.create import NewRun, create_run
from app.services.runs.starting.idempotency import repeated_run
from app.services.runs.starting.limits import Placement
from app.services.runs.starting.pins import Outputs, check_ports
from app.services.versions import hashed, locked_workflow, locked_workspace, plan_of, version_of

_PAGE = 500


class ForkRun(BaseModel):
    """A request to continue from another run's finished steps.

    Args:
        from_step: Id or path of the step to execute again, with everything after it. None: whatever had not finished,
            and what follows the steps whose outputs are given.
        version: The graph that the run executed, or the workflow's draft as it is now.
        outputs: Outputs to use instead for finished steps, by path and port.
        input: Another input, when `changes_input`.
        pins: Outputs by port that stand in for executing steps, by node id or path; None: the run's.
        copies: False: nothing is copied but what was asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    from_step: str | None = None
    version: Literal["original", "current"] = "original"
    outputs: Outputs = {}
    input: Any = None
    changes_input: bool = False
    pins: Outputs | None = None
    copies: bool = True
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)


async def fork_run(uow: UnitOfWork, actor: Actor, request: ForkRun) -> RunView:
    """Store a new run that copies what another one has finished, and queue it.

    Copied steps use no tokens and cost nothing here. The other run stays as it is.

    Raises:
        NotFound: No such run.
        InvalidInput: No such step, or an output or pin that fits none; `context["field"]` says which.
        GraphInvalid: The draft has errors (`version` current).
        Conflict: The workflow was deleted, or the idempotency key was used for another request.
    """
    require(actor, Permission.RUN_START)
    await locked_workspace(uow, actor.workspace_id)  # starts with one key are serialized
    source = await _source(uow, actor, request.run_id)
    workflow = await locked_workflow(uow, actor, source.workflow_id)
    asked, _ = hashed(request.model_dump(mode="json", exclude={"idempotency_key"}))
    repeated = await repeated_run(uow, actor, request.idempotency_key, asked)
    if repeated is not None:
        return repeated
    before = await named_row(uow, actor, WorkflowVersion, source.version_id)
    version = before if request.version == "original" else await version_of(uow, actor, workflow)
    plan = plan_of(version.graph)
    new = NewRun(
        workspace_id=actor.workspace_id,
        workflow_id=workflow.id,
        version_id=version.id,
        plan=plan,
        trigger=source.trigger,
        started_by=actor.user_id,
        input=request.input if request.changes_input else None,
        copies_input=not request.changes_input,
        pins=request.pins,
        placement=Placement(source.priority, source.concurrency_key, source.limits),
        idempotency_key=request.idempotency_key,
        request_hash=asked,
        forked_from=source.id,
    )
    run = await create_run(uow, new)
    await uow.session.flush()  # the run's row first: steps and blobs point to it
    carrier = Carrier(uow.session, source.id, run.id)
    if not request.changes_input:
        run.input = await carrier.carry(source.input)
    if request.pins is None:
        run.pins = await carrier.carry(source.pins)
    if request.copies:
        old = plan if version is before else plan_of(before.graph)
        await _Copying(uow, source, run, carrier, plan).do(request, old)
    audit.record(uow, actor, "run.fork" if request.copies else "run.rerun", run.id, of=source.id)
    queue_after_commit(uow, run)
    return run_view(run, workflow.name, version.number)


@dataclass(frozen=True)
class _Brief:
    """The facts that decide about a step, small enough to keep a hundred thousand in memory."""

    path: str
    kind: str
    status: str
    handled: bool
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether a run continues after it without executing it: an error that nobody handled does not count."""
        return self.status in ("succeeded", "skipped") or (self.status == "failed" and self.handled)


class _Copying:
    """Copies the finished steps of a run."""

    def __init__(
        self, uow: UnitOfWork, source: Run, run: Run, carrier: Carrier, plan: Plan
    ) -> None:
        self._uow = uow
        self._source = source
        self._run = run
        self._carrier = carrier
        self._plan = plan

    async def do(self, request: ForkRun, before: Plan) -> None:
        """Copy what is not to be executed again, with the given outputs in place."""
        steps = await self._briefs()
        rerun = Rerun(self._plan)
        if before is not self._plan:
            rerun.changed_since(before)
        if request.from_step:
            self._run.fork_path = await self._path_of(request.from_step, steps)
            rerun.step(self._run.fork_path)
        else:
            for path in request.outputs:
                rerun.follows(path)
        if request.changes_input:
            for node_id in self._plan.triggers:
                (rerun.step if request.from_step is None else rerun.only)(node_id)
        given = {path for path in request.outputs if not request.from_step or path not in rerun}
        kept = self._kept([step for step in steps.values() if self._fits(step)], rerun, given)
        self._check(request.outputs, kept, steps)
        await self._copy(self._moments(kept, steps), request.outputs)

    def _fits(self, step: _Brief) -> bool:
        """Whether the step's node is still what it was."""
        node = node_at(self._plan, step.path)
        return node is not None and node.type.kind == step.kind

    def _moments(self, kept: Collection[str], steps: Mapping[str, _Brief]) -> dict[str, datetime]:
        """When each copied step counts as done: in the old order, but all just before this run, since their time was
        spent in the other one.
        """
        at = self._run.queued_at
        ordered = sorted(kept, key=lambda path: (steps[path].finished_at or at, path))
        first = at - timedelta(microseconds=len(ordered))
        return {path: first + timedelta(microseconds=i) for i, path in enumerate(ordered)}

    def _kept(self, steps: Sequence[_Brief], rerun: Rerun, given: set[str]) -> set[str]:
        """The paths of the steps to copy: those that are over, and everything in a container that is over, in an
        earlier try of an iteration, or stopped by a merge.
        """
        fresh = [step for step in steps if step.path not in rerun]
        kept = {step.path for step in fresh if step.is_over}
        tries: dict[tuple[str, int], int] = {}
        for step in fresh:
            for place in places(step.path)[:-1]:
                iteration = (place.path, place.iteration)
                tries[iteration] = max(place.attempt, tries.get(iteration, 1))
        for step in fresh:
            if step.status in TERMINAL_STEP and step.path not in kept:
                around = places(step.path)[:-1]
                inside = any(
                    p.path in kept or p.attempt < tries[p.path, p.iteration] for p in around
                )
                if inside or stopped_by(self._plan, step.path) in kept:
                    kept.add(step.path)
        return kept | (given & {step.path for step in steps})

    async def _briefs(self) -> dict[str, _Brief]:
        query = self._steps().with_only_columns(
            col(Step.path),
            col(Step.kind),
            col(Step.status),
            col(Step.output).is_not(None),
            col(Step.finished_at),
        )
        rows = (await self._uow.session.execute(query)).all()
        return {row[0]: _Brief(*row) for row in rows}

    async def _path_of(self, step: str, steps: Mapping[str, _Brief]) -> str:
        query = self._steps().where(col(Step.id) == step).with_only_columns(col(Step.path))
        path = step if step in steps else await self._uow.session.scalar(query)
        if path is None:
            raise InvalidInput(f"The run has no step '{step}'.", field="from_step")
        if node_at(self._plan, path) is None:
            raise InvalidInput(
                f"The step '{path}' has no node in the workflow as it is now. Fork with the "
                "original version, or from another step.",
                field="from_step",
            )
        return str(path)

    def _check(self, outputs: Outputs, kept: set[str], steps: Mapping[str, _Brief]) -> None:
        for path, output in outputs.items():
            field = f"outputs.{path}"
            if path not in steps:
                raise InvalidInput(f"The run has no step '{path}'.", field=field)
            if path not in kept:
                raise InvalidInput(
                    f"The step '{path}' is executed anew, so its output cannot be given. Pin it "
                    "instead, or fork from a later step.",
                    field=field,
                )
            node = node_at(self._plan, path)
            assert node is not None
            check_ports(node, output, field)

    async def _copy(self, moments: Mapping[str, datetime], outputs: Outputs) -> None:
        last = ""
        while True:
            query = self._steps().where(col(Step.path) > last).order_by(col(Step.path))
            page = list((await self._uow.session.execute(query.limit(_PAGE))).scalars())
            rows = [
                await self._row(step, moments, outputs) for step in page if step.path in moments
            ]
            if rows:
                self._run.warning_count += sum(len(row["warnings"] or ()) for row in rows)
                await self._uow.session.execute(insert(Step), rows)
            for step in page:
                self._uow.session.expunge(step)
            if len(page) < _PAGE:
                return
            last = page[-1].path

    async def _row(
        self, step: Step, moments: Mapping[str, datetime], outputs: Outputs
    ) -> dict[str, Any]:
        at = moments[step.path]
        row = {
            "id": derived_id("step", self._run.id, step.path),
            "workspace_id": self._run.workspace_id,
            "run_id": self._run.id,
            "node_id": step.node_id,
            "path": step.path,
            "kind": step.kind,
            "label": step.label,
            "status": step.status,
            "origin": "copied",
            "attempt": step.attempt,
            "alive": step.alive,
            "input": await self._carrier.carry(step.input),
            "output": await self._carrier.carry(step.output),
            "error": await self._carrier.carry(step.error),
            "warnings": step.warnings,
            "tokens": 0,
            "cost_microusd": 0,
            "started_at": at if step.started_at else None,
            "finished_at": at,
        }
        if (given := outputs.get(step.path)) is not None:
            node = node_at(self._plan, step.path)
            assert node is not None
            row.update(
                status="succeeded",
                origin="given",
                alive=_alive(node, given),
                output=await _packed(self._uow, self._run, given),
                error=None,
                warnings=None,
                started_at=at,
            )
        return row

    def _steps(self) -> Any:  # noqa: ANN401 - a select, whose columns its users choose
        return scoped(Step, system(self._source.workspace_id)).where(
            col(Step.run_id) == self._source.id
        )


async def _source(uow: UnitOfWork, actor: Actor, run_id: str) -> Run:
    query = scoped(Run, actor).where(col(Run.id) == run_id)
    run = (await uow.session.execute(query)).scalar_one_or_none()
    if run is None:
        raise NotFound("There is no such run.")
    return run


async def _packed(uow: UnitOfWork, run: Run, value: Any) -> Any:  # noqa: ANN401 - JSON
    stored, blobs = pack(value, run.id, run.workspace_id)
    await put_blobs(uow.session, blobs)
    return stored


def _alive(node: PlanNode, output: Mapping[str, Any]) -> list[str] | None:
    """The ports that are alive with a given output: of branches, those that it has."""
    branches = {port.name for port in node.type.output_ports(node.config) if port.branch}
    if not branches and ERROR_PORT not in node.outputs:
        return None
    chosen = branches | {ERROR_PORT}
    return [name for name in node.outputs if name in output or name not in chosen]
