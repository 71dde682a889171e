"""The numbers of the home page."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.payloads import dollars
from app.kernel.clock import now
from app.models import Approval, Run, Workflow, WorkflowVersion
from app.services.access import Actor, Permission, require, scoped
from app.services.runs.reading.mappers import approval_view, run_view
from app.services.runs.reading.views import (
    ApprovalView,
    HourView,
    OverviewView,
    RunView,
    WorkflowHealth,
    WorkflowTokens,
)

_DAY_ROWS = 20_000
_SHOWN = 5
_ACTIVE = ("pending", "running", "paused", "waiting")


@dataclass(frozen=True)
class _Line:
    id: str
    workflow_id: str
    name: str
    status: str
    error: dict[str, Any] | None
    tokens: int
    cost_microusd: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


async def overview(uow: UnitOfWork, actor: Actor) -> OverviewView:
    """Sum up the workspace's last 24 hours (of at most 20,000 runs) and current activity."""
    require(actor, Permission.RUN_READ)
    at = now()
    lines = await _day(uow, actor, at - timedelta(hours=24))
    done = [line for line in lines if line.status in ("succeeded", "failed")]
    succeeded = sum(line.status == "succeeded" for line in done)
    seconds = [
        (line.finished_at - line.started_at).total_seconds()
        for line in done
        if line.started_at and line.finished_at
    ]
    health = _health(lines)
    runs_before, rate_before = await _day_before(uow, actor, at - timedelta(hours=24))
    return OverviewView(
        active=await _active(uow, actor),
        runs=len(lines),
        succeeded=succeeded,
        failed=len(done) - succeeded,
        success_rate=_rate(succeeded, len(done)),
        runs_before=runs_before,
        success_rate_before=rate_before,
        median_seconds=round(median(seconds), 3) if seconds else None,
        p95_seconds=round(_nearly_all(seconds), 3) if seconds else None,
        tokens=sum(line.tokens for line in lines),
        cost_usd=_usd(lines),
        hours=_hours(lines, at),
        tokens_by_workflow=_tokens(lines, at),
        waiting=await _waiting(uow, actor),
        failing=tuple(sorted((h for h in health if h.failed), key=lambda h: -h.failed)[:_SHOWN]),
        most_expensive=tuple(
            sorted((h for h in health if h.cost_usd), key=lambda h: -h.cost_usd)[:_SHOWN]
        ),
        recent=await _recent(uow, actor),
        is_partial=len(lines) == _DAY_ROWS,
    )


async def _day(uow: UnitOfWork, actor: Actor, since: datetime) -> list[_Line]:
    query = (
        scoped(Run, actor)
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .where(col(Run.queued_at) >= since)
        .order_by(col(Run.queued_at).desc())
        .limit(_DAY_ROWS)
        .with_only_columns(
            col(Run.id),
            col(Run.workflow_id),
            col(Workflow.name),
            col(Run.status),
            col(Run.error),
            col(Run.tokens),
            col(Run.cost_microusd),
            col(Run.queued_at),
            col(Run.started_at),
            col(Run.finished_at),
        )
    )
    return [_Line(*row) for row in (await uow.session.execute(query)).all()]


async def _day_before(uow: UnitOfWork, actor: Actor, until: datetime) -> tuple[int, float | None]:
    queued = col(Run.queued_at)
    query = (
        scoped(Run, actor)
        .where(queued >= until - timedelta(hours=24), queued < until)
        .with_only_columns(col(Run.status), func.count())
        .group_by(col(Run.status))
    )
    by_status = {status: int(number) for status, number in (await uow.session.execute(query)).all()}
    succeeded = by_status.get("succeeded", 0)
    return sum(by_status.values()), _rate(succeeded, succeeded + by_status.get("failed", 0))


def _rate(succeeded: int, done: int) -> float | None:
    return round(succeeded / done, 4) if done else None


def _nearly_all(seconds: Sequence[float]) -> float:
    """The time within which 95 of 100 runs ended."""
    return sorted(seconds)[math.ceil(len(seconds) * 0.95) - 1]


def _tokens(lines: Sequence[_Line], at: datetime) -> tuple[WorkflowTokens, ...]:
    last = at.replace(minute=0, second=0, microsecond=0)
    names: dict[str, str] = {}
    hours: dict[str, list[int]] = defaultdict(lambda: [0] * 24)
    for line in lines:
        back = int(
            (last - line.queued_at.replace(minute=0, second=0, microsecond=0)).total_seconds()
            // 3600
        )
        if line.tokens and 0 <= back < 24:
            names[line.workflow_id] = line.name
            hours[line.workflow_id][23 - back] += line.tokens
    most = sorted(hours, key=lambda one: -sum(hours[one]))[:_SHOWN]
    return tuple(
        WorkflowTokens(workflow_id=one, name=names[one], hours=tuple(hours[one])) for one in most
    )


def _usd(lines: Sequence[_Line]) -> float:
    return dollars(sum(line.cost_microusd for line in lines)) or 0.0


def _hours(lines: Sequence[_Line], at: datetime) -> tuple[HourView, ...]:
    last = at.replace(minute=0, second=0, microsecond=0)
    by_hour: dict[datetime, list[_Line]] = defaultdict(list)
    for line in lines:
        by_hour[line.queued_at.replace(minute=0, second=0, microsecond=0)].append(line)
    views = []
    for back in range(23, -1, -1):
        hour = last - timedelta(hours=back)
        own = by_hour[hour]
        views.append(
            HourView(
                at=hour,
                runs=len(own),
                cost_usd=_usd(own),
                succeeded=sum(line.status == "succeeded" for line in own),
                failed=sum(line.status == "failed" for line in own),
            )
        )
    return tuple(views)


def _health(lines: Sequence[_Line]) -> list[WorkflowHealth]:
    by_workflow: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        by_workflow[line.workflow_id].append(line)
    views = []
    for workflow_id, own in by_workflow.items():
        failed = [line for line in own if line.status == "failed"]
        latest = failed[0] if failed else None
        views.append(
            WorkflowHealth(
                workflow_id=workflow_id,
                name=own[0].name,
                runs=len(own),
                failed=len(failed),
                cost_usd=_usd(own),
                last_error=(latest.error or {}).get("message") if latest else None,
                last_run_id=latest.id if latest else None,
            )
        )
    return views


async def _active(uow: UnitOfWork, actor: Actor) -> int:
    query = scoped(Run, actor).where(col(Run.status).in_(_ACTIVE)).with_only_columns(func.count())
    return int(await uow.session.scalar(query) or 0)


async def _waiting(uow: UnitOfWork, actor: Actor) -> tuple[ApprovalView, ...]:
    query = (
        scoped(Approval, actor)
        .join(Run, col(Run.id) == col(Approval.run_id))
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .where(col(Approval.status) == "open")
        .add_columns(col(Run.number), col(Run.workflow_id), col(Workflow.name))
        .order_by(col(Approval.created_at))
        .limit(_SHOWN * 2)
    )
    return tuple(approval_view(*row) for row in (await uow.session.execute(query)).all())


async def _recent(uow: UnitOfWork, actor: Actor) -> tuple[RunView, ...]:
    query = (
        scoped(Run, actor)
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .join(WorkflowVersion, col(WorkflowVersion.id) == col(Run.version_id))
        .add_columns(col(Workflow.name), col(WorkflowVersion.number))
        .order_by(col(Run.queued_at).desc())
        .limit(_SHOWN * 2)
    )
    rows = (await uow.session.execute(query)).all()
    return tuple(run_view(run, name, version) for run, name, version in rows)
