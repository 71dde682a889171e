"""Reading runs: lists, one run, its steps, its trace, its events, and what waits for a person."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Select, cast, func, or_
from sqlalchemy.orm import aliased
from sqlalchemy.types import String
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.values import unpack
from app.engine.events import Event
from app.kernel.errors import NotFound
from app.models import Approval, Run, RunEvent, Span, Step, Wait, Workflow, WorkflowVersion
from app.services.access import Actor, Permission, named_row, require, scoped
from app.services.page import Page, newest_first, write_cursor
from app.services.runs.reading.mappers import (
    approval_view,
    event_of,
    run_view,
    span_view,
    step_view,
    wait_view,
)
from app.services.runs.reading.step_pages import (
    Filter,
    in_parts,
    loops_of,
    page_steps,
    steps_of_trace,
)
from app.services.runs.reading.views import (
    ApprovalView,
    CallerView,
    RunView,
    SpanView,
    StepView,
    TraceView,
)
from app.services.runs.reading.waited import waited_s

MAX_DEPTH = 8
"""How many runs wait for each other, one above the other, at most."""

WHOLE_BYTES = 5_000_000
"""Parts of a value that are larger stay references; see `values.read_value`."""


async def list_runs(
    uow: UnitOfWork,
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 50,
    workflow_id: str | None = None,
    status: str | None = None,
    search: str | None = None,
) -> Page[RunView]:
    """List runs, newest first. `search` looks in the workflow's name, the run's number and its
    id.
    """
    require(actor, Permission.RUN_READ)
    query = _with_names(actor)
    if workflow_id:
        query = query.where(col(Run.workflow_id) == workflow_id)
    if status:
        query = query.where(col(Run.status) == status)
    if search:
        query = query.where(matching(search))
    query = newest_first(query, col(Run.queued_at), col(Run.id), cursor, limit)
    rows = (await uow.session.execute(query)).all()
    items = tuple(run_view(*row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].queued_at.isoformat(), items[-1].id) if more else None,
    )


def matching(search: str) -> ColumnElement[bool]:
    """What a search for runs matches: words in the workflow's name, a number with or without #, an id."""
    text = search.strip().lstrip("#").lower()
    return or_(
        func.lower(col(Workflow.name)).contains(text, autoescape=True),
        cast(col(Run.number), String) == text,
        col(Run.id) == search.strip(),
    )


async def see_run(uow: UnitOfWork, actor: Actor, run_id: str) -> RunView:
    """Return a run; values over 64 KB are references.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.RUN_READ)
    return run_view(*await _row(uow, actor, run_id))


async def get_run(uow: UnitOfWork, actor: Actor, run_id: str) -> RunView:
    """Return a run with its whole input and output; only parts over 5 MB are references.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    view = await see_run(uow, actor, run_id)
    return view.model_copy(
        update={
            "input": await unpack(uow.session, view.input, run_id, WHOLE_BYTES),
            "output": await unpack(uow.session, view.output, run_id, WHOLE_BYTES),
        }
    )


async def list_steps(uow: UnitOfWork, actor: Actor, run_id: str) -> tuple[StepView, ...]:
    """List a run's steps by start, skipped ones last; values over 64 KB are references."""
    require(actor, Permission.RUN_READ)
    await _row(uow, actor, run_id)
    return tuple(step_view(step) for step in await _steps(uow, actor, run_id))


async def list_some_steps(
    uow: UnitOfWork,
    actor: Actor,
    run_id: str,
    wanted: Filter,
    cursor: str | None = None,
    limit: int = 200,
) -> Page[StepView]:
    """List a page of a run's steps.

    Raises:
        NotFound: No such run.
        InvalidInput: The cursor or the limit is invalid.
    """
    require(actor, Permission.RUN_READ)
    await _row(uow, actor, run_id)
    return await page_steps(uow, actor, run_id, wanted, cursor, limit)


async def get_step(uow: UnitOfWork, actor: Actor, run_id: str, step_id: str) -> StepView:
    """Return a step with its whole input and output; only parts over 5 MB are references.

    Raises:
        NotFound: There is none in this run.
    """
    require(actor, Permission.RUN_READ)
    query = scoped(Step, actor).where(col(Step.id) == step_id, col(Step.run_id) == run_id)
    step = (await uow.session.execute(query)).scalar_one_or_none()
    if step is None:
        raise NotFound("There is no such step.")
    view = step_view(step)
    return view.model_copy(
        update={
            "input": await unpack(uow.session, step.input, run_id, WHOLE_BYTES),
            "output": await unpack(uow.session, step.output, run_id, WHOLE_BYTES),
            "child_run_id": await _called_by(uow, actor, step),
            "waited_s": await waited_s(uow, actor, step),
        }
    )


async def _called_by(uow: UnitOfWork, actor: Actor, step: Step) -> str | None:
    called = scoped(Run, actor).where(
        col(Run.parent_run_id) == step.run_id, col(Run.parent_path) == step.path
    )
    latest = called.order_by(col(Run.queued_at).desc(), col(Run.id).desc()).limit(1)
    return await uow.session.scalar(latest.with_only_columns(col(Run.id)))


async def get_trace(
    uow: UnitOfWork, actor: Actor, run_id: str, parent: str | None = None
) -> TraceView:
    """Return a snapshot of a run; `seq` is read first, so later events may repeat a change but never miss one.

    Args:
        parent: An iteration such as `loop[3]`: only what is in it, in all its tries; `loop[3.2]` is one try. None: the
            whole run; of a large one the graph's own steps and some inside iterations.
    """
    require(actor, Permission.RUN_READ)
    seq = await last_seq(uow, actor, run_id)
    run, name, version = await _row(uow, actor, run_id)
    graph = (await named_row(uow, actor, WorkflowVersion, run.version_id)).graph
    steps, hidden = await steps_of_trace(uow, actor, run_id, parent)
    some = [step.path for step in steps] if hidden or parent else None
    asked = await uow.session.execute(
        scoped(Approval, actor)
        .where(col(Approval.run_id) == run_id)
        .order_by(col(Approval.created_at))
    )
    waits = await uow.session.execute(
        scoped(Wait, actor)
        .where(col(Wait.run_id) == run_id, col(Wait.status) == "open")
        .order_by(col(Wait.until).nulls_last(), col(Wait.id))
    )
    return TraceView(
        run=run_view(run, name, version),
        steps=tuple(step_view(step) for step in steps),
        spans=tuple(
            [await _whole_span(uow, span) for span in await _spans(uow, actor, run_id, some)]
        ),
        approvals=tuple(
            approval_view(row, run.number, run.workflow_id, name) for row in asked.scalars()
        ),
        waits=tuple(wait_view(row) for row in waits.scalars()),
        graph=graph,
        seq=seq,
        loops=await loops_of(uow, actor, run_id, parent),
        hidden=hidden,
    )


async def _spans(
    uow: UnitOfWork, actor: Actor, run_id: str, paths: Sequence[str] | None
) -> list[Span]:
    """The spans of a run, or of some of its steps."""
    query = scoped(Span, actor).where(col(Span.run_id) == run_id)
    if paths is None:
        return list((await uow.session.execute(_by_start(query))).scalars())
    found: list[Span] = []
    for some in in_parts(paths):
        of_some = query.where(col(Span.step_path).in_(some))
        found += (await uow.session.execute(_by_start(of_some))).scalars()
    return found


def _by_start(query: Select[Span]) -> Select[Span]:
    return query.order_by(col(Span.started_at), col(Span.id))


async def list_events(
    uow: UnitOfWork, actor: Actor, run_id: str, *, after: int = 0, limit: int = 1_000
) -> tuple[Event, ...]:
    """List a run's stored events with a greater sequence number, in order, at most `limit`."""
    require(actor, Permission.RUN_READ)
    query = (
        scoped(RunEvent, actor)
        .where(col(RunEvent.run_id) == run_id, col(RunEvent.seq) > after)
        .order_by(col(RunEvent.seq))
        .limit(limit)
    )
    return tuple(event_of(row) for row in (await uow.session.execute(query)).scalars())


async def list_approvals(
    uow: UnitOfWork, actor: Actor, *, open_only: bool = True, limit: int = 100
) -> tuple[ApprovalView, ...]:
    """List questions of the workspace's runs, oldest open ones first."""
    require(actor, Permission.APPROVAL_READ)
    query = (
        scoped(Approval, actor)
        .join(Run, col(Run.id) == col(Approval.run_id))
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .add_columns(col(Run.number), col(Run.workflow_id), col(Workflow.name))
        .order_by(col(Approval.created_at))
        .limit(limit)
    )
    if open_only:
        query = query.where(col(Approval.status) == "open")
    views = [approval_view(*row) for row in (await uow.session.execute(query)).all()]
    above = await callers(uow, actor, {view.run_id for view in views})
    return tuple(
        view.model_copy(update={"parents": above[view.run_id]}) if view.run_id in above else view
        for view in views
    )


async def callers(
    uow: UnitOfWork, actor: Actor, run_ids: Collection[str]
) -> dict[str, tuple[CallerView, ...]]:
    """The runs that wait for these, each under the one that waits for it; runs that nobody waits for are left out."""
    steps: dict[str, tuple[str, CallerView]] = {}
    below = set(run_ids)
    caller = aliased(Run)
    for _ in range(MAX_DEPTH):
        query = (
            scoped(Run, actor)
            .join(caller, col(caller.id) == col(Run.parent_run_id))
            .join(Workflow, col(Workflow.id) == col(caller.workflow_id))
            .where(col(Run.id).in_(below))
            .with_only_columns(
                col(Run.id),
                col(Run.parent_path),
                col(caller.id),
                col(caller.number),
                col(Workflow.id),
                col(Workflow.name),
            )
        )
        rows = (await uow.session.execute(query)).all() if below else ()
        for run_id, path, caller_id, number, workflow_id, name in rows:
            view = CallerView(
                run_id=caller_id,
                run_number=number,
                workflow_id=workflow_id,
                workflow_name=name,
                path=path or "",
            )
            steps[run_id] = (caller_id, view)
        below = {caller_id for _, _, caller_id, *_ in rows}
    return {run_id: _chain(steps, run_id) for run_id in run_ids if run_id in steps}


def _chain(steps: Mapping[str, tuple[str, CallerView]], run_id: str) -> tuple[CallerView, ...]:
    found = []
    while run_id in steps:
        run_id, view = steps[run_id]
        found.append(view)
    return tuple(found)


async def last_seq(uow: UnitOfWork, actor: Actor, run_id: str) -> int:
    """The sequence number of a run's last stored event; 0 before the first."""
    events = scoped(RunEvent, actor).where(col(RunEvent.run_id) == run_id)
    found = await uow.session.scalar(events.with_only_columns(func.max(RunEvent.seq)))
    return int(found or 0)


def _with_names(actor: Actor) -> Select[Run, str, int]:
    query: Select[Run, str, int] = (
        scoped(Run, actor)
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .join(WorkflowVersion, col(WorkflowVersion.id) == col(Run.version_id))
        .add_columns(col(Workflow.name), col(WorkflowVersion.number))
    )
    return query


async def _row(uow: UnitOfWork, actor: Actor, run_id: str) -> tuple[Run, str, int]:
    found = (
        await uow.session.execute(_with_names(actor).where(col(Run.id) == run_id))
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such run.")
    run, name, version = found
    return run, name, version


async def _steps(uow: UnitOfWork, actor: Actor, run_id: str) -> list[Step]:
    query = (
        scoped(Step, actor)
        .where(col(Step.run_id) == run_id)
        .order_by(col(Step.started_at).nulls_last(), col(Step.id))
    )
    return list((await uow.session.execute(query)).scalars())


async def _whole_span(uow: UnitOfWork, span: Span) -> SpanView:
    view = span_view(span)
    return view.model_copy(
        update={"attributes": await unpack(uow.session, span.attributes, span.run_id, WHOLE_BYTES)}
    )
