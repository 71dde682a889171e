"""Load triggers of a workspace, ask their type about them, and turn rows into views."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.catalog import trigger_types
from app.engine.cron import Rule
from app.engine.sdk import TriggerType
from app.kernel.errors import NotFound
from app.models import Run, Schedule, ScheduleFire, Workflow
from app.services.access import Actor, named_row, scoped
from app.services.triggers.checks import warnings_of
from app.services.triggers.views import FireView, ScheduleSummary, ScheduleView
from app.services.versions import main_draft

SHOWN = 5
AGAIN = timedelta(hours=1)
_KIND = "schedule"


async def load_schedule(
    uow: UnitOfWork, actor: Actor, schedule_id: str, *, deleted: bool = False, lock: bool = False
) -> Schedule:
    """Return a schedule of the actor's workspace.

    Args:
        deleted: Look among the deleted ones instead.
        lock: Keep others from changing or firing it until the transaction ends.

    Raises:
        NotFound: There is none, it is deleted, or it belongs to another workspace.
    """
    gone = col(Schedule.deleted_at)
    query = scoped(Schedule, actor).where(
        col(Schedule.id) == schedule_id, gone.is_not(None) if deleted else gone.is_(None)
    )
    if lock:
        query = query.with_for_update()
    found = (await uow.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such schedule.")
    return found


def rule_of(schedule: Schedule) -> Rule:
    """The schedule's rule; it was parsed before it was stored."""
    return Rule(schedule.cron, schedule.timezone)


def type_of(_: Schedule) -> TriggerType:
    """The type of a trigger: rows of this table are schedules."""
    return trigger_types()[_KIND]


def config_of(schedule: Schedule) -> Any:  # noqa: ANN401 - the form of the trigger's type
    """The form of a trigger; it was checked before it was stored."""
    form = type_of(schedule).config
    return form.model_construct(**{name: getattr(schedule, name) for name in form.model_fields})


def next_time(schedule: Schedule, at: datetime) -> datetime | None:
    """When the trigger is next due; while its times cannot be computed, when to check again."""
    kind, config = type_of(schedule), config_of(schedule)
    return at + AGAIN if kind.trouble(config) else kind.next_at(config, at)


async def last_fires(
    uow: UnitOfWork, actor: Actor, schedule_ids: Sequence[str]
) -> dict[str, FireView]:
    """Return the latest time of each schedule that had any."""
    if not schedule_ids:
        return {}
    latest = (
        scoped(ScheduleFire, actor)
        .where(col(ScheduleFire.schedule_id).in_(schedule_ids))
        .with_only_columns(
            col(ScheduleFire.schedule_id), func.max(ScheduleFire.fire_at).label("fire_at")
        )
        .group_by(col(ScheduleFire.schedule_id))
        .subquery()
    )
    query = (
        fires(actor)
        .join(latest, (col(ScheduleFire.schedule_id) == latest.c.schedule_id))
        .where(col(ScheduleFire.fire_at) == latest.c.fire_at)
    )
    rows = (await uow.session.execute(query)).all()
    return {fire.schedule_id: fire_view(fire, *run) for fire, *run in rows}


def fires(actor: Actor) -> Any:  # noqa: ANN401 - a query of three columns
    """Start a query on fires, each with number and status of its run."""
    return (
        scoped(ScheduleFire, actor)
        .outerjoin(Run, col(Run.id) == col(ScheduleFire.run_id))
        .add_columns(col(Run.number), col(Run.status))
    )


def fire_view(
    fire: ScheduleFire, run_number: int | None = None, run_status: str | None = None
) -> FireView:
    """A time of a schedule as callers see it."""
    return FireView(
        fire_at=fire.fire_at,
        at=fire.at,
        status=fire.status,
        message=fire.message,
        run_id=fire.run_id,
        run_number=run_number,
        run_status=run_status,
    )


def _shared(schedule: Schedule, workflow: Workflow, last: FireView | None) -> dict[str, Any]:
    rule = rule_of(schedule)
    return {
        "id": schedule.id,
        "name": schedule.name,
        "workflow_id": schedule.workflow_id,
        "workflow_name": workflow.name,
        "workflow_deleted": workflow.deleted_at is not None,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "zone_known": rule.zone_known,
        "words": rule.words,
        "enabled": schedule.enabled,
        "missed": schedule.missed,
        "next_at": schedule.next_at if rule.zone_known else None,
        "last_fire": last,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }


def summary_view(
    schedule: Schedule, workflow: Workflow, last: FireView | None = None
) -> ScheduleSummary:
    """A schedule as a line of a list."""
    return ScheduleSummary(**_shared(schedule, workflow, last))


async def whole_view(uow: UnitOfWork, actor: Actor, schedule: Schedule) -> ScheduleView:
    """A schedule as callers see it."""
    workflow = await named_row(uow, actor, Workflow, schedule.workflow_id)
    draft = await main_draft(uow, actor, workflow.id)
    last = (await last_fires(uow, actor, [schedule.id])).get(schedule.id)
    rule = rule_of(schedule)
    known, trouble = rule.zone_known, type_of(schedule).trouble(config_of(schedule))
    return ScheduleView(
        **_shared(schedule, workflow, last),
        input=schedule.input,
        next_fires=rule.upcoming(datetime.now(UTC), SHOWN) if known else (),
        warnings=(
            *((trouble,) if trouble else ()),
            *rule.warnings,
            *warnings_of(workflow, draft),
        ),
    )
