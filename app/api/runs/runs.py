"""Runs: read, watch and cancel. Mounted twice: `executions` is an older name for runs."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.deps import MAX_INT, Cursor, Id, Key, Limit, Of, Search, Signed, Status
from app.api.http.limits import RUNS, limited
from app.api.http.streams import EVENTS, Lasting, event_stream
from app.engine.events import TERMINAL_RUN, Event, StepStatus
from app.engine.sdk.text import MAX_SIGNAL
from app.kernel.errors import InvalidInput
from app.services.app_context import current_app
from app.services.page import Page
from app.services.runs import lifecycle, reading
from app.services.runs.lifecycle import with_second_look
from app.services.runs.reading import Filter, RunView, StepView, TraceView
from app.services.runs.starting import ForkRun, fork_run

runs = router("", "runs")

InTurn = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=1_000,
        description="Only steps in this container (`loop`), turn (`loop[3]`) or try of one (`loop[3.2]`).",
    ),
]
_LOG_PAGE = 1_000


class Rerun(Body):
    """How to rerun: with the same input, or with another one."""

    input: Any = Field(None, description="Another input; without it, the same one.")
    version: Literal["original", "current"] = Field(
        "original", description="The graph that ran, or the workflow's draft as it is now."
    )


class Fork(Body):
    """Where to continue from, and what is to be different. Empty: continue from where the run stopped."""

    from_step: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        description="Id or path of the step to execute anew, with all that follows it.",
    )
    version: Literal["original", "current"] = Field(
        "original", description="The graph that ran, or the workflow's draft as it is now."
    )
    outputs: dict[str, dict[str, Any]] = Field(
        {},
        max_length=10_000,
        description="What copied steps are to have given instead: `{path: {port: value}}`.",
    )
    input: Any = Field(None, description="Another input of the run.")
    pins: dict[str, dict[str, Any]] | None = Field(
        None,
        max_length=10_000,
        description="Outputs that stand in for executing nodes: `{node id or path: {port: value}}`.",
    )


class Signal(Body):
    """The payload of a signal; any JSON value."""

    payload: Any = Field(None, description="Any JSON value.", examples=[{"amount": 3}])


def _seq(text: str | None, message: str, field: str) -> int:
    """Read the number of an event.

    Raises:
        InvalidInput: It is not a number, or out of range.
    """
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and int(text) <= MAX_INT):
        raise InvalidInput(message, field=field)
    return int(text)


@runs.get("")
async def list_runs(
    who: Signed,
    cursor: Cursor = None,
    limit: Limit = 50,
    workflow_id: Of = None,
    status: Status = None,
    search: Search = None,
) -> Page[RunView]:
    """Runs, newest first."""
    async with current_app().database.read() as uow:
        return await reading.list_runs(
            uow,
            who,
            cursor=cursor,
            limit=limit,
            workflow_id=workflow_id,
            status=status,
            search=search,
        )


@runs.get("/{run_id}")
async def get_run(run_id: Id, who: Signed) -> RunView:
    """A run with its input and output; of these, parts over 5 MB are references `{"$blob", "size",
    "preview"}`, see values.
    """
    async with current_app().database.read() as uow:
        return await reading.get_run(uow, who, run_id)


@runs.get("/{run_id}/steps")
async def list_steps(
    run_id: Id,
    who: Signed,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most.")] = 200,
    parent: InTurn = None,
    status: Annotated[StepStatus | None, Query(description="Only steps in this status.")] = None,
    node_id: Of = None,
) -> Page[StepView]:
    """The steps of a run by start; very large values are references, see the single step."""
    wanted = Filter(parent=parent, status=status, node_id=node_id)
    async with current_app().database.read() as uow:
        return await reading.list_some_steps(uow, who, run_id, wanted, cursor, limit)


@runs.get("/{run_id}/steps/{step_id}")
async def get_step(run_id: Id, step_id: Id, who: Signed) -> StepView:
    """A step with its input and output; of these, parts over 5 MB are references."""
    async with current_app().database.read() as uow:
        return await reading.get_step(uow, who, run_id, step_id)


@runs.get("/{run_id}/trace")
async def get_trace(run_id: Id, who: Signed, parent: InTurn = None) -> TraceView:
    """A snapshot of a run: steps, spans, questions and the graph that ran. Of a large run the graph's own steps and at
    most 1,000 inside iterations, with counts by loop; `parent` loads an iteration.
    """
    async with current_app().database.read() as uow:
        return await reading.get_trace(uow, who, run_id, parent)


@runs.get("/{run_id}/log")
async def get_log(run_id: Id, who: Signed, cursor: Cursor = None) -> Page[Event]:
    """The stored events of a run, oldest first."""
    after = _seq(cursor, "The cursor is not one of this list.", "cursor")
    async with current_app().database.read() as uow:
        await reading.see_run(uow, who, run_id)
        events = await reading.list_events(uow, who, run_id, after=after, limit=_LOG_PAGE)
    more = str(events[-1].seq) if len(events) == _LOG_PAGE else None
    return Page(items=events, next_cursor=more)


@runs.get(
    "/{run_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Frames of `id`, `event` and `data`; `data` is an event as in the log.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The run has ended, and there is nothing after `Last-Event-ID`."},
    },
)
async def stream_events(
    run_id: Id,
    who: Signed,
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="Go on after this event.")
    ] = None,
) -> Response:
    """Server-sent events of a run, from its first or after `Last-Event-ID`, until it ends. A browser that reconnects
    after the last one gets 204, which tells it to stay away.
    """
    after = _seq(last_event_id, "Last-Event-ID must be the number of an event.", "Last-Event-ID")
    async with current_app().database.read() as uow:
        run = await reading.see_run(uow, who, run_id)
        if run.status in TERMINAL_RUN and await reading.last_seq(uow, who, run_id) <= after:
            return Response(status_code=204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Lasting(who, event_stream(who, run_id, after), EVENTS, headers)


@runs.post("/{run_id}/cancel")
async def cancel_run(run_id: Id, who: Signed) -> RunView:
    """Cancel a run; a finished one stays as it is."""
    return await with_second_look(current_app().database, lifecycle.cancel_run, who, run_id)


@runs.post("/{run_id}/pause", responses={409: {}})
async def pause_run(run_id: Id, who: Signed) -> RunView:
    """Pause a run: nothing new starts, and what is in flight finishes first. 409 when it has ended."""
    return await with_second_look(current_app().database, lifecycle.pause_run, who, run_id)


@runs.post("/{run_id}/resume", responses={409: {}})
async def resume_run(run_id: Id, who: Signed) -> RunView:
    """Resume a paused run; answers and signals that came meanwhile are kept. 409 when it is not paused."""
    async with current_app().database.work() as uow:
        return await lifecycle.resume_run(uow, who, run_id)


@runs.post("/{run_id}/signals/{name:path}", responses={409: {}})
async def send_signal(
    run_id: Id,
    name: Annotated[
        str,
        Path(
            min_length=1,
            max_length=MAX_SIGNAL,
            description="What a step waits for; may have slashes.",
            examples=["paid"],
        ),
    ],
    who: Signed,
    body: Signal | None = None,
) -> RunView:
    """Give a run what a step waits for under this name; an early signal is kept. 409 when the run has ended."""
    async with current_app().database.work() as uow:
        return await lifecycle.send_signal(uow, who, run_id, name, (body or Signal()).payload)


@runs.post(
    "/{run_id}/rerun", status_code=202, dependencies=[Depends(limited(RUNS))], responses={409: {}}
)
async def rerun_run(
    run_id: Id, who: Signed, response: Response, body: Rerun | None = None, key: Key = None
) -> RunView:
    """Run again from the start, as a new run: same input and version unless given otherwise."""
    given = body or Rerun()
    request = ForkRun(
        run_id=run_id,
        version=given.version,
        input=given.input,
        changes_input="input" in given.model_fields_set,
        copies=False,
        idempotency_key=key,
    )
    return await _forked(who, request, response)


@runs.post(
    "/{run_id}/fork", status_code=202, dependencies=[Depends(limited(RUNS))], responses={409: {}}
)
async def fork_from_run(
    run_id: Id, who: Signed, response: Response, body: Fork | None = None, key: Key = None
) -> RunView:
    """Continue from a run's finished steps, as a new run: from a step, with other outputs or input, or from where it
    stopped. What is copied is not executed and costs nothing again.
    """
    given = body or Fork()
    request = ForkRun(
        run_id=run_id,
        **given.model_dump(),
        changes_input="input" in given.model_fields_set,
        idempotency_key=key,
    )
    return await _forked(who, request, response)


async def _forked(who: Signed, request: ForkRun, response: Response) -> RunView:
    async with current_app().database.work() as uow:
        run = await fork_run(uow, who, request)
    response.headers["Location"] = f"/api/runs/{run.id}"
    return run
