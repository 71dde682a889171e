"""Dead letters, runs given up because their processes kept dying: listing, requeueing and dismissing them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import Conflict
from app.models import Run, Workflow, WorkflowVersion
from app.services import audit
from app.services.access import Actor, Permission, require, scoped
from app.services.page import Page, newest_first, write_cursor
from app.services.runs.lifecycle import locked_run
from app.services.runs.reading import RunView, matching, run_view
from app.services.runs.starting import ForkRun, fork_run


class DeadLetterView(BaseModel):
    """A run that was given up at `dead_at`, after its process had died `crashes` times."""

    model_config = ConfigDict(frozen=True)

    run: RunView
    crashes: int
    dead_at: datetime


async def list_dead_letters(
    uow: UnitOfWork,
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 50,
    search: str | None = None,
) -> Page[DeadLetterView]:
    """List runs that were given up and neither requeued nor dismissed, the latest first.

    `search` looks in the workflow's name, the run's number and its id.
    """
    require(actor, Permission.RUN_READ)
    query: Select[Run, str, int] = (
        scoped(Run, actor)
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .join(WorkflowVersion, col(WorkflowVersion.id) == col(Run.version_id))
        .add_columns(col(Workflow.name), col(WorkflowVersion.number))
        .where(col(Run.dead_at).is_not(None), col(Run.requeued_as).is_(None))
    )
    if search:
        query = query.where(matching(search))
    at: Any = Run.dead_at  # never empty in these rows
    page = newest_first(query, at, col(Run.id), cursor, limit)
    rows = (await uow.session.execute(page)).all()
    items = tuple(
        DeadLetterView(run=run_view(run, name, version), crashes=run.attempts, dead_at=run.dead_at)
        for run, name, version in rows[:limit]
    )
    last = items[-1] if len(rows) > limit else None
    after = write_cursor(last.dead_at.isoformat(), last.run.id) if last else None
    return Page(items=items, next_cursor=after)


async def requeue(uow: UnitOfWork, actor: Actor, run_id: str) -> RunView:
    """Start a new run that continues from what the dead one has finished; return it.

    Raises:
        NotFound: No such run.
        Conflict: It is not, or no longer, a dead letter; or its workflow was deleted.
    """
    require(actor, Permission.RUN_CONTROL)
    made = await fork_run(uow, actor, ForkRun(run_id=run_id))
    run = await _dead(uow, actor, run_id)
    run.requeued_as = made.id
    audit.record(uow, actor, "dead_letter.requeue", run.id, requeued_as=made.id)
    return made


async def discard(uow: UnitOfWork, actor: Actor, run_id: str) -> None:
    """Dismiss a dead letter; the run itself stays, failed.

    Raises:
        NotFound: No such run.
        Conflict: It is not, or no longer, a dead letter.
    """
    require(actor, Permission.RUN_CONTROL)
    run = await _dead(uow, actor, run_id)
    run.dead_at = None
    audit.record(uow, actor, "dead_letter.discard", run.id)


async def _dead(uow: UnitOfWork, actor: Actor, run_id: str) -> Run:
    run = await locked_run(uow, actor, run_id)
    if run.requeued_as is not None:
        raise Conflict("This run was requeued before.", requeued_as=run.requeued_as)
    if run.dead_at is None:
        raise Conflict("This run is not a dead letter, or it was put away.")
    return run
