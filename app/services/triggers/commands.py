"""Create, change, enable, disable and delete schedules, and start one by hand."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.cron import read_rule
from app.engine.triggers.schedule import Missed
from app.kernel.clock import now
from app.kernel.errors import InvalidInput, NotFound, TooMuch
from app.kernel.ids import new_id
from app.models import Schedule, ScheduleFire, Workflow
from app.services import audit
from app.services.access import Actor, Permission, require, scoped
from app.services.app_context import AppContext
from app.services.runs.lifecycle import database_now
from app.services.runs.reading import RunView
from app.services.runs.starting import StartRun, start_run
from app.services.triggers.checks import check_trigger_input
from app.services.triggers.rows import load_schedule, next_time, whole_view
from app.services.triggers.views import ScheduleView
from app.services.versions import main_draft

MAX_SCHEDULES = 1_000


class NewSchedule(BaseModel):
    """A request for a schedule. Without a name it gets its workflow's.

    `missed` says what happens to times at which nothing ran, such as while the server was off: `once` starts one run
    for all of them, `skip` none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_id: str
    cron: str
    timezone: str = "UTC"
    name: str | None = None
    input: Any = None
    missed: Missed = "once"
    enabled: bool = True


class ScheduleChange(BaseModel):
    """What to change of a schedule; what is not given stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_id: str | None = None
    cron: str | None = None
    timezone: str | None = None
    name: str | None = None
    input: Any = None
    missed: Missed | None = None
    enabled: bool | None = None


async def create_schedule(uow: UnitOfWork, actor: Actor, wish: NewSchedule) -> ScheduleView:
    """Make a workflow start on a schedule. A workflow that cannot run yet is not an error: see `warnings`.

    Raises:
        InvalidInput: Name, rule, zone or input is invalid; `context["field"]` says which.
        NotFound: No such workflow.
        TooMuch: The workspace has a thousand schedules.
    """
    require(actor, Permission.TRIGGER_EDIT)
    workflow = await _workflow(uow, actor, wish.workflow_id)
    rule = read_rule(wish.cron, wish.timezone)
    check_trigger_input(await main_draft(uow, actor, workflow.id), wish.input)
    await _require_room(uow, actor)
    moment = now()
    schedule = Schedule(
        id=new_id("schedule"),
        workspace_id=actor.workspace_id,
        workflow_id=workflow.id,
        name=_name(wish.name or workflow.name),
        cron=rule.cron,
        timezone=rule.timezone,
        input=wish.input,
        enabled=wish.enabled,
        missed=wish.missed,
        created_by=actor.user_id,
        created_at=moment,
        updated_at=moment,
    )
    await _plan(uow, schedule)
    uow.session.add(schedule)
    await uow.session.flush()
    audit.record(uow, actor, "schedule.create", schedule.id, workflow_id=workflow.id)
    return await whole_view(uow, actor, schedule)


async def change_schedule(
    uow: UnitOfWork, actor: Actor, schedule_id: str, wish: ScheduleChange
) -> ScheduleView:
    """Change a schedule. It stays in effect: a new rule or zone counts from now, as does switching it on.

    Raises:
        InvalidInput: A given value is invalid; nothing is changed.
        NotFound: No such schedule or workflow.
    """
    require(actor, Permission.TRIGGER_EDIT)
    schedule = await load_schedule(uow, actor, schedule_id, lock=True)
    given = {name for name in wish.model_fields_set if getattr(wish, name) is not None}
    given |= wish.model_fields_set & {"input"}
    if given & {"workflow_id", "input"}:
        workflow = await _workflow(uow, actor, wish.workflow_id or schedule.workflow_id)
        schedule.workflow_id = workflow.id
        schedule.input = wish.input if "input" in given else schedule.input
        check_trigger_input(await main_draft(uow, actor, workflow.id), schedule.input)
    if wish.name is not None:
        schedule.name = _name(wish.name)
    if wish.missed is not None:
        schedule.missed = wish.missed
    old = schedule.cron, schedule.timezone, schedule.enabled
    if given & {"cron", "timezone"} or wish.enabled:
        rule = read_rule(wish.cron or schedule.cron, wish.timezone or schedule.timezone)
        schedule.cron, schedule.timezone = rule.cron, rule.timezone
    schedule.enabled = schedule.enabled if wish.enabled is None else wish.enabled
    if (schedule.cron, schedule.timezone, schedule.enabled) != old:
        await _plan(uow, schedule)
    schedule.updated_at = now()
    await uow.session.flush()
    audit.record(uow, actor, "schedule.change", schedule.id, fields=", ".join(sorted(given)))
    return await whole_view(uow, actor, schedule)


async def delete_schedule(uow: UnitOfWork, actor: Actor, schedule_id: str) -> None:
    """Delete a schedule; its runs stay, and `restore_schedule` brings it back.

    Raises:
        NotFound: No such schedule.
    """
    require(actor, Permission.TRIGGER_EDIT)
    schedule = await load_schedule(uow, actor, schedule_id, lock=True)
    schedule.deleted_at = schedule.updated_at = now()
    await _plan(uow, schedule)
    audit.record(uow, actor, "schedule.delete", schedule.id)


async def restore_schedule(uow: UnitOfWork, actor: Actor, schedule_id: str) -> ScheduleView:
    """Restore a deleted schedule as it was; times since then are not made up for.

    Raises:
        NotFound: No such schedule was deleted.
    """
    require(actor, Permission.TRIGGER_EDIT)
    schedule = await load_schedule(uow, actor, schedule_id, deleted=True, lock=True)
    schedule.deleted_at, schedule.updated_at = None, now()
    await _plan(uow, schedule)
    audit.record(uow, actor, "schedule.restore", schedule.id)
    await uow.session.flush()
    return await whole_view(uow, actor, schedule)


async def run_schedule_now(
    app: AppContext, uow: UnitOfWork, actor: Actor, schedule_id: str, key: str | None = None
) -> RunView:
    """Start a run with the schedule's input at once; its next time stays as it is.

    Args:
        key: The same key returns the same run.

    Raises:
        NotFound: No such schedule, or its workflow was deleted.
        GraphInvalid, InvalidInput: The workflow cannot run, or not with this input.
    """
    require(actor, Permission.TRIGGER_EDIT)
    schedule = await load_schedule(uow, actor, schedule_id, lock=True)
    request = StartRun(
        workflow_id=schedule.workflow_id,
        input=schedule.input,
        idempotency_key=key,
        trigger="schedule",
    )
    run = await start_run(app, uow, actor, request)
    known = scoped(ScheduleFire, actor).where(
        col(ScheduleFire.schedule_id) == schedule.id, col(ScheduleFire.run_id) == run.id
    )
    if (await uow.session.execute(known)).first() is None:
        moment = now()
        uow.session.add(
            ScheduleFire(
                schedule_id=schedule.id, fire_at=moment, workspace_id=actor.workspace_id,
                run_id=run.id, status="fired", message="Started by hand.", at=moment,
            )
        )  # fmt: skip
        audit.record(uow, actor, "schedule.run", schedule.id, run_id=run.id)
    return run


async def _plan(uow: UnitOfWork, schedule: Schedule) -> None:
    """Compute its next time, from now."""
    on = schedule.enabled and schedule.deleted_at is None
    schedule.planned_at = await database_now(uow)
    schedule.next_at = next_time(schedule, schedule.planned_at) if on else None


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not 1 <= len(clean) <= 200:
        raise InvalidInput("Give the schedule a name of 1 to 200 characters.", field="name")
    return clean


async def _workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> Workflow:
    query = scoped(Workflow, actor).where(
        col(Workflow.id) == workflow_id, col(Workflow.deleted_at).is_(None)
    )
    workflow = (await uow.session.execute(query)).scalar_one_or_none()
    if workflow is None:
        raise NotFound("There is no such workflow.", field="workflow_id")
    return workflow


async def _require_room(uow: UnitOfWork, actor: Actor) -> None:
    query = scoped(Schedule, actor).where(col(Schedule.deleted_at).is_(None))
    counted = query.with_only_columns(func.count(col(Schedule.id)))
    if (await uow.session.scalar(counted) or 0) >= MAX_SCHEDULES:
        raise TooMuch(
            f"The workspace has {MAX_SCHEDULES:,} schedules already. Delete one that is not needed."
        )
