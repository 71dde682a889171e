"""Workflows: drafts, checks, edits, and starting runs."""

from typing import Any

from fastapi import Response
from pydantic import Field

from app.api.bodies import Body, router
from app.api.deps import Cursor, Id, Key, Limit, Search, Signed
from app.engine.events import TERMINAL_RUN
from app.services.access import Actor
from app.services.page import Page
from app.services.runs.limits import RunLimits, RunSettings, get_settings, put_settings
from app.services.runs.pins import PinsFrom
from app.services.runs.spread import run_and_wait
from app.services.runs.start import StartRun
from app.services.runs.views import RunView
from app.services.runtime import runtime
from app.services.workflows import commands, queries
from app.services.workflows.views import CompileView, EditResult, WorkflowSummary, WorkflowView

workflows = router("/workflows", "workflows")


class NewWorkflow(Body):
    """A workflow to create; without a graph it is blank."""

    name: str = Field(max_length=1_000)
    graph: dict[str, Any] | None = None
    project_id: str | None = Field(None, max_length=100)


class Draft(Body):
    """A whole draft, and the revision it was made from."""

    graph: dict[str, Any]
    base_revision: int = Field(ge=1)
    name: str | None = Field(None, max_length=1_000)


class Edits(Body):
    """Edits of an open editor; `seq` counts its batches, and a repeated one changes nothing."""

    base_revision: int = Field(ge=1)
    client: str = Field(min_length=1, max_length=64)
    seq: int = Field(ge=1)
    ops: list[dict[str, Any]] = Field(min_length=1)


class NewRun(Body):
    """Input of a run. With `wait` the answer is the whole run if it ends or responds within these
    seconds. Pins are outputs that stand in for executing nodes; limits, priority and key go before
    the workflow's run settings.
    """

    input: Any = None
    wait: float = Field(0, ge=0, le=60)
    pins: dict[str, dict[str, Any]] | None = Field(
        None, description="`{node id or path: {port: value}}`"
    )
    pins_from: PinsFrom | None = Field(
        None, description="Outputs that these nodes gave in another run."
    )
    limits: RunLimits | None = None
    priority: int | None = Field(None, ge=0, le=2, description="0 high, 1 normal, 2 low.")
    concurrency_key: str | None = Field(None, min_length=1, max_length=200)


class StartedRun(Body):
    """A run that goes on."""

    run_id: str
    status: str


@workflows.get("")
async def list_workflows(
    who: Signed,
    cursor: Cursor = None,
    limit: Limit = 50,
    search: Search = None,
    project_id: Search = None,
    sort: queries.WorkflowSort = "updated_at",
    descending: bool = True,
) -> Page[WorkflowSummary]:
    """Workflows, the last changed first, or by name, number of nodes or last run."""
    async with runtime().database.read() as uow:
        return await queries.list_workflows(
            uow, who, cursor=cursor, limit=limit, search=search, project_id=project_id,
            sorting=queries.Sorting(sort, descending),
        )  # fmt: skip


@workflows.post("", status_code=201)
async def create_workflow(body: NewWorkflow, who: Signed) -> WorkflowView:
    """Create a workflow, blank or from a graph."""
    async with runtime().database.work() as uow:
        return await commands.create_workflow(uow, who, body.name, body.graph, body.project_id)


@workflows.get("/{workflow_id}")
async def get_workflow(workflow_id: Id, who: Signed) -> WorkflowView:
    """A workflow with its draft graph."""
    async with runtime().database.read() as uow:
        return await queries.get_workflow(uow, who, workflow_id)


@workflows.put("/{workflow_id}")
async def save_draft(workflow_id: Id, body: Draft, who: Signed) -> WorkflowView:
    """Replace the draft; 409 when somebody saved since `base_revision`."""
    async with runtime().database.work() as uow:
        return await commands.save_draft(
            uow, who, workflow_id, body.graph, body.base_revision, body.name
        )


@workflows.delete("/{workflow_id}", status_code=204)
async def delete_workflow(workflow_id: Id, who: Signed) -> None:
    """Take a workflow away; its runs stay readable."""
    async with runtime().database.work() as uow:
        await commands.delete_workflow(uow, who, workflow_id)


@workflows.post("/{workflow_id}/edits")
async def edit_draft(workflow_id: Id, body: Edits, who: Signed) -> EditResult:
    """Apply edits to the draft as it is now; `behind` tells the editor to load it again."""
    models = await runtime().models.here()
    async with runtime().database.work() as uow:
        return await commands.edit_draft(
            uow,
            who,
            workflow_id,
            body.base_revision,
            body.ops,
            body.client,
            body.seq,
            models=models,
        )


@workflows.post("/{workflow_id}/compile")
async def compile_workflow(workflow_id: Id, who: Signed) -> CompileView:
    """Say whether the draft can run, and what to mend."""
    models = await runtime().models.here()
    async with runtime().database.read() as uow:
        return await queries.compile_workflow(uow, who, workflow_id, models)


@workflows.post(
    "/{workflow_id}/runs",
    status_code=202,
    response_model=None,
    responses={
        200: {
            "model": RunView,
            "description": "The run ended, or responded, within `wait` seconds.",
        },
        202: {"model": StartedRun, "description": "The run is stored and goes on."},
    },
)
async def run_workflow(
    workflow_id: Id,
    who: Signed,
    body: NewRun | None = None,
    key: Key = None,
) -> Response:
    """Start a run of the draft as it is now."""
    return await run_and_answer(who, workflow_id, body or NewRun(), key)


async def run_and_answer(who: Actor, workflow_id: str, wish: NewRun, key: str | None) -> Response:
    """Start a run, and write the answer: the whole run when it ended in time."""
    request = StartRun(
        workflow_id=workflow_id,
        idempotency_key=key,
        trigger="api",
        **{name: getattr(wish, name) for name in wish.model_fields_set - {"wait"}},
    )
    run = await run_and_wait(runtime(), who, request, wish.wait)
    ended = wish.wait > 0 and (run.status in TERMINAL_RUN or run.responded)
    answer = run if ended else StartedRun(run_id=run.id, status=run.status)
    return Response(
        answer.model_dump_json(),
        status_code=200 if ended else 202,
        headers={"Location": f"/api/runs/{run.id}"},
        media_type="application/json",
    )


@workflows.get("/{workflow_id}/run-settings")
async def get_run_settings(workflow_id: Id, who: Signed) -> RunSettings:
    """What holds for the workflow's runs: limits, priority, and how many run at once."""
    async with runtime().database.read() as uow:
        return await get_settings(uow, who, workflow_id)


@workflows.put("/{workflow_id}/run-settings")
async def put_run_settings(workflow_id: Id, body: RunSettings, who: Signed) -> RunSettings:
    """Replace what holds for the workflow's runs, from the next one on; null is the default."""
    async with runtime().database.work() as uow:
        return await put_settings(uow, who, workflow_id, body)
