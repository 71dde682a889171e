"""How much is going on in a workspace right now."""

from sqlalchemy import func
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.models import Approval, Run, Workflow
from app.services.access import Actor, Permission, require, scoped
from app.services.runs.reading.views import ActivityView

_LIVE = ("pending", "running")


async def activity(uow: UnitOfWork, actor: Actor) -> ActivityView:
    """Count the live runs, the open questions and the workflows."""
    require(actor, Permission.RUN_READ)
    counting = func.count()
    live = scoped(Run, actor).where(col(Run.status).in_(_LIVE))
    asked = scoped(Approval, actor).where(col(Approval.status) == "open")
    kept = scoped(Workflow, actor).where(col(Workflow.deleted_at).is_(None))
    numbers = [
        int(await uow.session.scalar(query.with_only_columns(counting)) or 0)
        for query in (live, asked, kept)
    ]
    return ActivityView(live=numbers[0], waiting=numbers[1], workflows=numbers[2])
