"""Workflows: drafts, checks, edits, and starting runs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.deps import MAX_INT, Cursor, Id, Key, Limit, Of, Search, Signed, Status
from app.api.http.limits import CHECKS, RUNS, limited
from app.engine.events import TERMINAL_RUN
from app.engine.graph.document import GraphJson
from app.engine.graph.edits import MAX_OPS, EditJson
from app.kernel.errors import InvalidInput, PreconditionFailed, RevisionConflict
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.page import Page
from app.services.runs.reading import RunStatusName, RunView, list_runs
from app.services.runs.starting import (
    PinsFrom,
    RunLimits,
    RunSettings,
    StartRun,
    get_settings,
    put_settings,
    run_and_wait,
)
from app.services.workflows import commands, queries
from app.services.workflows.views import CompileView, EditResult, WorkflowSummary, WorkflowView

workflows = router("/workflows", "workflows")


Name = Annotated[
    str, Field(max_length=1_000, description="What people call it.", examples=["Greeting"])
]
Base = Annotated[
    int | None,
    Field(ge=1, le=MAX_INT, description="Revision it was made from; or send `If-Match`."),
]
IfMatch = Annotated[
    str | None,
    Header(
        max_length=100,
        description="ETag of the draft this was made from; 412 when it is not that one any more.",
        examples=['"7"'],
    ),
]
_REVISION = re.compile(r'"([1-9]\d{0,9})"')
_EXAMPLE = {
    "nodes": [
        {"id": "start", "kind": "trigger.manual"},
        {"id": "greet", "kind": "data.template", "config": {"template": "Hello {{ trigger.name }}"}},
    ],
    "edges": [
        {"id": "e1", "source": "start", "source_port": "data", "target": "greet", "target_port": "input"}
    ],
}  # fmt: skip


class NewWorkflow(Body):
    """A workflow to create; without a graph it is blank."""

    name: Name
    graph: GraphJson | None = Field(
        None, description="Nodes and the wires between them.", examples=[_EXAMPLE]
    )
    project_id: str | None = Field(
        None, max_length=100, description="Without it, the workspace's first project."
    )


class Draft(Body):
    """A whole draft, and the revision it was made from."""

    graph: GraphJson = Field(description="All of it.", examples=[_EXAMPLE])
    base_revision: Base = None
    name: str | None = Field(
        None, max_length=1_000, description="Another name, if it is to change."
    )


class Edits(Body):
    """Edits of an open editor; `seq` counts its batches, and a repeated one changes nothing."""

    base_revision: Base = None
    client: str = Field(min_length=1, max_length=64, description="The editor's own name.")
    seq: int = Field(ge=1, le=MAX_INT, description="Counts its batches of edits.")
    ops: list[EditJson] = Field(min_length=1, max_length=MAX_OPS, description="Applied in order.")


class NewRun(Body):
    """Input of a run. With `wait` the response is the whole run if it ends or responds within these seconds. Pins are
    outputs that stand in for executing nodes; limits, priority and key override the workflow's run settings.
    """

    input: Any = Field(None, description="What the trigger takes.", examples=[{"name": "Ada"}])
    wait: float = Field(0, ge=0, le=60, description="Seconds to wait for the end; 0: none.")
    pins: dict[str, dict[str, Any]] | None = Field(
        None, max_length=10_000, description="`{node id or path: {port: value}}`"
    )
    pins_from: PinsFrom | None = Field(
        None, description="Outputs that these nodes gave in another run."
    )
    limits: RunLimits | None = Field(None, description="Bounds of this run.")
    priority: int | None = Field(None, ge=0, le=2, description="0 high, 1 normal, 2 low.")
    concurrency_key: str | None = Field(
        None, min_length=1, max_length=200, description="Runs with the same one share its bound."
    )


class StartedRun(Body):
    """A run that is still in progress."""

    run_id: str
    status: RunStatusName


def _base(stated: int | None, if_match: str | None) -> int:
    """The revision that a change was made from.

    Raises:
        InvalidInput: None is named, or two different ones.
        PreconditionFailed: The ETag is not that of a draft.
    """
    if if_match is None:
        if stated is None:
            raise InvalidInput(
                "Say from which revision this was made: `base_revision`, or the header If-Match.",
                field="base_revision",
            )
        return stated
    found = _REVISION.fullmatch(if_match.strip())
    if found is None:
        raise PreconditionFailed(f"The draft has no ETag {if_match}; send the one that you read.")
    if stated not in (None, int(found[1])):
        raise InvalidInput(
            f"`base_revision` says {stated}, If-Match {if_match}. Send one of them.",
            field="base_revision",
        )
    return int(found[1])


@contextmanager
def _precondition(if_match: str | None) -> Iterator[None]:
    """Report that a draft has moved on, in the form a caller with `If-Match` expects."""
    try:
        yield
    except RevisionConflict as error:
        if if_match is None:
            raise
        raise PreconditionFailed(error.message, **error.context) from error


def _tag(response: Response, revision: int) -> None:
    response.headers["ETag"] = f'"{revision}"'


@workflows.get("")
async def list_workflows(
    who: Signed,
    cursor: Cursor = None,
    limit: Limit = 50,
    search: Search = None,
    project_id: Of = None,
    sort: Annotated[queries.WorkflowSort, Query(description="What to sort by.")] = "updated_at",
    descending: Annotated[bool, Query(description="The last, or largest, first.")] = True,
) -> Page[WorkflowSummary]:
    """Workflows, the most recently changed first, or by name, number of nodes or last run."""
    async with current_app().database.read() as uow:
        return await queries.list_workflows(
            uow, who, cursor=cursor, limit=limit, search=search, project_id=project_id,
            sorting=queries.Sorting(sort, descending),
        )  # fmt: skip


@workflows.post("", status_code=201, dependencies=[Depends(limited(CHECKS))])
async def create_workflow(body: NewWorkflow, who: Signed, response: Response) -> WorkflowView:
    """Create a workflow, blank or from a graph."""
    async with current_app().database.work() as uow:
        made = await commands.create_workflow(uow, who, body.name, body.graph, body.project_id)
    response.headers["Location"] = f"/api/workflows/{made.id}"
    _tag(response, made.revision)
    return made


@workflows.get("/{workflow_id}")
async def get_workflow(workflow_id: Id, who: Signed, response: Response) -> WorkflowView:
    """A workflow with its draft graph. The ETag names the draft's revision, for `If-Match`."""
    async with current_app().database.read() as uow:
        found = await queries.get_workflow(uow, who, workflow_id)
    _tag(response, found.revision)
    return found


@workflows.put(
    "/{workflow_id}", dependencies=[Depends(limited(CHECKS))], responses={409: {}, 412: {}}
)
async def save_draft(
    workflow_id: Id, body: Draft, who: Signed, response: Response, if_match: IfMatch = None
) -> WorkflowView:
    """Replace the draft; 409 when somebody saved since `base_revision`, 412 when since `If-Match`."""
    base = _base(body.base_revision, if_match)
    with _precondition(if_match):
        async with current_app().database.work() as uow:
            saved = await commands.save_draft(uow, who, workflow_id, body.graph, base, body.name)
    _tag(response, saved.revision)
    return saved


@workflows.delete("/{workflow_id}", status_code=204)
async def delete_workflow(workflow_id: Id, who: Signed) -> None:
    """Delete a workflow; its runs stay readable."""
    async with current_app().database.work() as uow:
        await commands.delete_workflow(uow, who, workflow_id)


@workflows.post(
    "/{workflow_id}/edits", dependencies=[Depends(limited(CHECKS))], responses={412: {}}
)
async def edit_draft(
    workflow_id: Id, body: Edits, who: Signed, response: Response, if_match: IfMatch = None
) -> EditResult:
    """Apply edits to the current draft; `behind` tells the editor to load it again. With `If-Match` they are applied to
    that draft only.
    """
    base = _base(body.base_revision, if_match)
    models = await current_app().models.here()
    with _precondition(if_match):
        async with current_app().database.work() as uow:
            result = await commands.edit_draft(
                uow, who, workflow_id, base, body.ops, body.client, body.seq,
                models=models, exact=if_match is not None,
            )  # fmt: skip
    _tag(response, result.revision)
    return result


@workflows.post("/{workflow_id}/compile", dependencies=[Depends(limited(CHECKS))])
async def compile_workflow(workflow_id: Id, who: Signed) -> CompileView:
    """Say whether the draft can run, and what to fix."""
    models = await current_app().models.here()
    async with current_app().database.read() as uow:
        return await queries.compile_workflow(uow, who, workflow_id, models)


@workflows.post(
    "/{workflow_id}/runs",
    dependencies=[Depends(limited(RUNS))],
    status_code=202,
    response_model=None,
    responses={
        409: {},
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
    """Start a run of the current draft."""
    return await run_and_answer(who, workflow_id, body or NewRun(), key)


async def run_and_answer(who: Actor, workflow_id: str, body: NewRun, key: str | None) -> Response:
    """Start a run, and write the response: the whole run if it ended in time. Also called without the web app
    (`fast_path.py`).
    """
    request = StartRun(
        workflow_id=workflow_id,
        idempotency_key=key,
        trigger="api",
        **{name: getattr(body, name) for name in body.model_fields_set - {"wait"}},
    )
    app = current_app()
    run = await app.authority.kept(who, run_and_wait(app, who, request, body.wait))
    ended = body.wait > 0 and (run.status in TERMINAL_RUN or run.responded)
    answer = run if ended else StartedRun(run_id=run.id, status=run.status)
    return Response(
        answer.model_dump_json(),
        status_code=200 if ended else 202,
        headers={"Location": f"/api/runs/{run.id}"},
        media_type="application/json",
    )


@workflows.get("/{workflow_id}/runs")
async def list_runs_of_workflow(
    workflow_id: Id,
    who: Signed,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = None,
    search: Search = None,
) -> Page[RunView]:
    """Runs of a workflow, newest first."""
    async with current_app().database.read() as uow:
        await queries.see_workflow(uow, who, workflow_id)
        return await list_runs(
            uow,
            who,
            cursor=cursor,
            limit=limit,
            workflow_id=workflow_id,
            status=status,
            search=search,
        )


@workflows.get("/{workflow_id}/run-settings")
async def get_run_settings(workflow_id: Id, who: Signed) -> RunSettings:
    """The settings of the workflow's runs: limits, priority, and how many run at once."""
    async with current_app().database.read() as uow:
        return await get_settings(uow, who, workflow_id)


@workflows.put("/{workflow_id}/run-settings")
async def put_run_settings(workflow_id: Id, body: RunSettings, who: Signed) -> RunSettings:
    """Replace the settings of the workflow's runs, from the next one on; null is the default."""
    async with current_app().database.work() as uow:
        return await put_settings(uow, who, workflow_id, body)
