"""Triggers: schedules that start workflows, what happened at their times, and previews of rules."""

from typing import Any

from fastapi import Depends, Response
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.deps import Cursor, Id, Key, Limit, Of, Search, Signed
from app.api.http.limits import PREVIEWS, RUNS, limited
from app.api.workflows import StartedRun
from app.engine.triggers.schedule import Missed
from app.services.app_context import current_app
from app.services.page import Page
from app.services.runs.reading import RunView
from app.services.triggers import commands, queries
from app.services.triggers.views import (
    FireView,
    RulePreview,
    ScheduleSummary,
    ScheduleView,
)

schedules = router("/schedules", "schedules")

_CRON = Field(
    max_length=1_000,
    description="Minute, hour, day of the month, month, day of the week; or a name such as @daily.",
    examples=["0 9 * * 1-5"],
)
_ZONE = Field("UTC", max_length=200, description="IANA name.", examples=["Europe/Berlin"])


class ScheduleBody(Body):
    """A schedule to create. Without a name it gets its workflow's.

    `missed`: what happens to times at which nothing ran: `once` starts one run for all, `skip` none.
    """

    workflow_id: str = Field(max_length=100, description="What to run.")
    cron: str = _CRON
    timezone: str = _ZONE
    name: str | None = Field(None, max_length=1_000, description="What people call it.")
    input: Any = Field(None, description="Input of its runs.")
    missed: Missed = Field(
        "once", description="Times at which nothing ran: one run for all, or none."
    )
    enabled: bool = Field(True, description="Whether it starts anything.")


class ScheduleChanges(Body):
    """What to change; omitted fields stay as they are. A new rule or zone counts from now."""

    workflow_id: str | None = Field(None, max_length=100, description="What to run.")
    cron: str | None = Field(None, max_length=1_000, description="Another rule.")
    timezone: str | None = Field(None, max_length=200, description="Another zone, by IANA name.")
    name: str | None = Field(None, max_length=1_000, description="What people call it.")
    input: Any = Field(None, description="Input of its runs.")
    missed: Missed | None = Field(None, description="Times at which nothing ran.")
    enabled: bool | None = Field(None, description="Whether it starts anything.")


class Rule(Body):
    """A rule to preview before it is stored."""

    cron: str = _CRON
    timezone: str = _ZONE
    count: int = Field(5, ge=1, le=queries.MAX_PREVIEW, description="How many times to tell.")


@schedules.get("")
async def list_schedules(
    who: Signed,
    cursor: Cursor = None,
    limit: Limit = 50,
    search: Search = None,
    workflow_id: Of = None,
) -> Page[ScheduleSummary]:
    """Schedules, the newest first; `search` looks in their names and their workflows'."""
    async with current_app().database.read() as uow:
        return await queries.list_schedules(
            uow, who, cursor=cursor, limit=limit, search=search, workflow_id=workflow_id
        )


@schedules.post("", status_code=201)
async def create_schedule(body: ScheduleBody, who: Signed, response: Response) -> ScheduleView:
    """Make a workflow start on a schedule; `warnings` say what would keep it from starting now."""
    wish = commands.NewSchedule(**dict(body))
    async with current_app().database.work() as uow:
        made = await commands.create_schedule(uow, who, wish)
    response.headers["Location"] = f"/api/schedules/{made.id}"
    return made


@schedules.post("/preview", dependencies=[Depends(limited(PREVIEWS))])
async def preview_rule(body: Rule, who: Signed) -> RulePreview:
    """Say what a rule means and when it is next due. Nothing is stored."""
    return queries.preview_rule(who, body.cron, body.timezone, body.count)


@schedules.get("/{schedule_id}")
async def get_schedule(schedule_id: Id, who: Signed) -> ScheduleView:
    """A schedule with its input and its next five times."""
    async with current_app().database.read() as uow:
        return await queries.get_schedule(uow, who, schedule_id)


@schedules.patch("/{schedule_id}")
async def change_schedule(schedule_id: Id, body: ScheduleChanges, who: Signed) -> ScheduleView:
    """Change a schedule; it keeps firing."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    async with current_app().database.work() as uow:
        return await commands.change_schedule(
            uow, who, schedule_id, commands.ScheduleChange(**given)
        )


@schedules.delete("/{schedule_id}", status_code=204)
async def delete_schedule(schedule_id: Id, who: Signed) -> None:
    """Delete a schedule; its runs stay readable."""
    async with current_app().database.work() as uow:
        await commands.delete_schedule(uow, who, schedule_id)


@schedules.get("/{schedule_id}/fires")
async def list_fires(
    schedule_id: Id, who: Signed, cursor: Cursor = None, limit: Limit = 50
) -> Page[FireView]:
    """What happened at a schedule's times, the latest first: fired, skipped or failed, and why."""
    async with current_app().database.read() as uow:
        return await queries.list_fires(uow, who, schedule_id, cursor=cursor, limit=limit)


@schedules.post(
    "/{schedule_id}/run-now",
    status_code=202,
    dependencies=[Depends(limited(RUNS))],
    responses={409: {}},
)
async def run_now(
    schedule_id: Id,
    who: Signed,
    response: Response,
    key: Key = None,
) -> StartedRun:
    """Start a run with the schedule's input at once; its next time stays as it is."""
    app = current_app()
    async with app.database.work() as uow:
        run: RunView = await commands.run_schedule_now(app, uow, who, schedule_id, key)
    response.headers["Location"] = f"/api/runs/{run.id}"
    return StartedRun(run_id=run.id, status=run.status)
