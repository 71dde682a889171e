"""Read schedules, what happened at their times, and what a rule would mean."""

from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import or_
from sqlalchemy.orm import defer
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.cron import read_rule
from app.kernel.errors import InvalidInput
from app.models import Schedule, ScheduleFire, Workflow
from app.services.access import Actor, Permission, require, scoped
from app.services.page import Page, newest_first, write_cursor
from app.services.triggers.rows import (
    SHOWN,
    fire_view,
    fires,
    last_fires,
    load_schedule,
    summary_view,
    whole_view,
)
from app.services.triggers.views import (
    FireView,
    LocalTime,
    RulePreview,
    ScheduleSummary,
    ScheduleView,
)

MAX_PREVIEW = 50


async def list_schedules(
    uow: UnitOfWork,
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 50,
    search: str | None = None,
    workflow_id: str | None = None,
) -> Page[ScheduleSummary]:
    """List schedules, the newest first. `search` looks in their names and their workflows'."""
    require(actor, Permission.TRIGGER_READ)
    query = (
        scoped(Schedule, actor)
        .options(defer(Schedule.input))  # type: ignore[arg-type]
        .join(Workflow, col(Workflow.id) == col(Schedule.workflow_id))
        .add_columns(Workflow)
        .where(col(Schedule.deleted_at).is_(None))
    )
    if search and search.strip():
        words = search.strip()
        query = query.where(
            or_(
                col(Schedule.name).icontains(words, autoescape=True),
                col(Workflow.name).icontains(words, autoescape=True),
            )
        )
    if workflow_id:
        query = query.where(col(Schedule.workflow_id) == workflow_id)
    query = newest_first(query, col(Schedule.created_at), col(Schedule.id), cursor, limit)
    rows = (await uow.session.execute(query)).all()
    last = await last_fires(uow, actor, [schedule.id for schedule, _ in rows[:limit]])
    items = tuple(
        summary_view(schedule, workflow, last.get(schedule.id))
        for schedule, workflow in rows[:limit]
    )
    more = len(rows) > limit
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].created_at.isoformat(), items[-1].id) if more else None,
    )


async def get_schedule(uow: UnitOfWork, actor: Actor, schedule_id: str) -> ScheduleView:
    """Return a schedule with its input, its next times, and what would keep it from starting.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.TRIGGER_READ)
    return await whole_view(uow, actor, await load_schedule(uow, actor, schedule_id))


async def list_fires(
    uow: UnitOfWork, actor: Actor, schedule_id: str, *, cursor: str | None = None, limit: int = 50
) -> Page[FireView]:
    """List what happened at a schedule's times, the latest first.

    Raises:
        NotFound: There is no such schedule, or it belongs to another workspace.
    """
    require(actor, Permission.TRIGGER_READ)
    schedule = await load_schedule(uow, actor, schedule_id)
    query = newest_first(
        fires(actor).where(col(ScheduleFire.schedule_id) == schedule.id),
        col(ScheduleFire.fire_at),
        col(ScheduleFire.schedule_id),
        cursor,
        limit,
    )
    rows = (await uow.session.execute(query)).all()
    items = tuple(fire_view(fire, *run) for fire, *run in rows[:limit])
    more = len(rows) > limit
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].fire_at.isoformat(), schedule.id) if more else None,
    )


def preview_rule(actor: Actor, cron: str, timezone: str, count: int = SHOWN) -> RulePreview:
    """Say what a rule means and when it is next due, before anything is stored.

    Raises:
        InvalidInput: The rule or the zone cannot be read; `context["field"]` says which.
    """
    require(actor, Permission.TRIGGER_READ)
    if not 1 <= count <= MAX_PREVIEW:
        raise InvalidInput(f"`count` must be between 1 and {MAX_PREVIEW}.", field="count")
    rule = read_rule(cron, timezone)
    moments = islice(rule.after(datetime.now(UTC)), count)
    return RulePreview(
        cron=rule.cron,
        timezone=rule.timezone,
        words=rule.words,
        next_fires=tuple(LocalTime(at=at, local=at.astimezone(rule.zone)) for at in moments),
        warnings=rule.warnings,
    )
