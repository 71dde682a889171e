"""How much of a step's time was spent waiting."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.clock import now
from app.models import Approval, RunEvent, Step, Wait
from app.services.access import Actor, scoped

_RESTS = ("step.waiting", "step.waiting_human")


async def waited_s(uow: UnitOfWork, actor: Actor, step: Step) -> float | None:
    """How many seconds a step has waited, counting a wait in progress; None when it never did.

    A container waits while what is open in it waits and nothing in it is active, as its events show.
    """
    waits, asked = (
        scoped(table, actor).where(
            col(table.run_id) == step.run_id,
            or_(
                col(table.step_path) == step.path,
                col(table.step_path).startswith(f"{step.path}[", autoescape=True),
            ),
        )
        for table in (Wait, Approval)
    )
    rows = [
        *await _rows(uow, waits, Wait.created_at, Wait.done_at, Wait.step_path, Wait.kind),
        *await _rows(
            uow, asked, Approval.created_at, Approval.decided_at, Approval.step_path, Approval.kind
        ),
    ]
    if not rows:
        return None
    if any(path != step.path or kind == "turn" for _, _, path, kind in rows):
        return await _rested_s(uow, actor, step)
    return _sum([(begun, end) for begun, end, _, _ in rows], step)


async def _rested_s(uow: UnitOfWork, actor: Actor, step: Step) -> float | None:
    """How many seconds a container was idle as a whole."""
    told = scoped(RunEvent, actor).where(
        col(RunEvent.run_id) == step.run_id,
        col(RunEvent.path) == step.path,
        col(RunEvent.type).startswith("step."),
    )
    events = await _rows(uow, told.order_by(col(RunEvent.seq)), RunEvent.type, RunEvent.at)
    ends = [at for _, at in events[1:]]
    times = [
        (at, end) for (type_, at), end in zip(events, [*ends, None], strict=True) if type_ in _RESTS
    ]
    return _sum(times, step) if times else None


def _sum(times: list[tuple[datetime, datetime | None]], step: Step) -> float:
    last = step.finished_at or now()
    return round(sum(((end or last) - begun).total_seconds() for begun, end in times), 3)


async def _rows(uow: UnitOfWork, query: Select[Any], *columns: Any) -> list[Any]:  # noqa: ANN401 - columns
    return list((await uow.session.execute(query.with_only_columns(*map(col, columns)))).all())
