"""Reading the steps of large runs: page by page, and summed up by loop."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    false,
    func,
    or_,
    select,
)
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.events import StepStatus
from app.kernel.errors import InvalidInput
from app.models import Step
from app.services.access import Actor, Permission, require, scoped
from app.services.page import Page, read_cursor, write_cursor
from app.services.runs.reading.mappers import step_view
from app.services.runs.reading.views import LoopView, StepView

MAX_PAGE = 1_000
INNER = 1_000
"""So many steps inside of turns a trace holds at most."""

_OPEN = ("running", "pending", "waiting", "waiting_human", "interrupted")
_AT_ONCE = 500
_TURN = re.compile(r"\[\d+\]$")


@dataclass(frozen=True)
class Filter:
    """Which steps of a run: all those in a container or one of its iterations, of a status, of a node.

    `loop[3]` means all tries of that iteration, `loop[3.2]` the second.
    """

    parent: str | None = None
    status: StepStatus | None = None
    node_id: str | None = None


async def page_steps(
    uow: UnitOfWork,
    actor: Actor,
    run_id: str,
    wanted: Filter,
    cursor: str | None = None,
    limit: int = 200,
) -> Page[StepView]:
    """List steps of a run by start, those that never started last; values over 64 KB are references.

    Args:
        cursor: `next_cursor` of the previous page, with the same filter.

    Raises:
        InvalidInput: The cursor does not belong to this list, or the limit is out of bounds.
    """
    require(actor, Permission.RUN_READ)
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"`limit` must be between 1 and {MAX_PAGE:,}.", field="limit")
    query = scoped(Step, actor).where(col(Step.run_id) == run_id)
    if wanted.parent:
        query = query.where(inside(wanted.parent))
    if wanted.status:
        query = query.where(col(Step.status) == wanted.status)
    if wanted.node_id:
        query = query.where(col(Step.node_id) == wanted.node_id)
    if cursor:
        query = query.where(_after(cursor))
    query = query.order_by(col(Step.started_at).nulls_last(), col(Step.id)).limit(limit + 1)
    rows = (await uow.session.execute(query)).scalars().all()
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page(
        items=tuple(step_view(step) for step in rows[:limit]),
        next_cursor=last and write_cursor(_moment(last.started_at), last.id),
    )


async def steps_of_trace(
    uow: UnitOfWork, actor: Actor, run_id: str, parent: str | None
) -> tuple[list[Step], int]:
    """The steps of a level, and at most 1,000 inside iterations below it: open and failed ones first. Also how many are
    left out.
    """
    whole = _below(actor, run_id, parent)
    rest = _rest(uow, parent)
    direct, deeper = rest.not_like("%/%"), rest.like("%/%")
    own = list((await uow.session.execute(whole.where(direct))).scalars())
    count = await uow.session.scalar(whole.where(deeper).with_only_columns(func.count())) or 0
    pressing = case((col(Step.status).in_((*_OPEN, "failed")), 0), else_=1)
    query = whole.where(deeper).order_by(pressing, col(Step.started_at).nulls_last(), col(Step.id))
    inner = list((await uow.session.execute(query.limit(INNER))).scalars()) if count else []
    late = datetime.max.replace(tzinfo=UTC)
    steps = sorted([*own, *inner], key=lambda step: (step.started_at or late, step.id))
    return steps, int(count) - len(inner)


async def loops_of(
    uow: UnitOfWork, actor: Actor, run_id: str, parent: str | None
) -> tuple[LoopView, ...]:
    """The progress of a level's loops. Each try of an iteration counts separately."""
    path, rest = col(Step.path), _rest(uow, parent)
    above = func.length(path) - func.length(rest)
    loop = func.substr(path, 1, above + _place(uow, rest, "[") - 1)
    turn = func.substr(path, 1, above + _place(uow, rest, "]"))
    broken = and_(col(Step.status) == "failed", col(Step.output).is_(None))
    turns = (
        _below(actor, run_id, parent)
        .where(_place(uow, rest, "]") > 0)
        .with_only_columns(
            loop.label("loop"),
            turn.label("turn"),
            func.max(case((broken, 1), else_=0)).label("failed"),
            func.max(case((col(Step.status).in_(_OPEN), 1), else_=0)).label("open"),
        )
        .group_by(loop, turn)
        .subquery()
    )
    failed, still = turns.c.failed == 1, turns.c.open == 1
    counted = [
        func.count(),
        *(
            func.sum(case((which, 1), else_=0))
            for which in (failed, and_(~failed, still), and_(~failed, ~still))
        ),
    ]
    query = select(turns.c.loop, *counted).group_by(turns.c.loop).order_by(turns.c.loop)
    return tuple(
        LoopView(path=name, turns=count, failed=broken_ones, running=at_work, succeeded=done)
        for name, count, broken_ones, at_work, done in (await uow.session.execute(query)).all()
    )


def inside(parent: str) -> ColumnElement[bool]:
    """Steps in a container (`loop`), in one of its iterations (`loop[3]`), or in one try of it (`loop[3.2]`)."""
    path = col(Step.path)
    again = f"{parent[:-1]}." if _TURN.search(parent) else f"{parent}["
    return or_(
        path.startswith(again, autoescape=True), path.startswith(f"{parent}/", autoescape=True)
    )


def in_parts(paths: Sequence[str]) -> list[Sequence[str]]:
    """Paths in batches that a statement can take."""
    return [paths[at : at + _AT_ONCE] for at in range(0, len(paths), _AT_ONCE)]


def _below(actor: Actor, run_id: str, parent: str | None) -> Select[Step]:
    query = scoped(Step, actor).where(col(Step.run_id) == run_id)
    if not parent:
        return query
    if parent.endswith("]"):
        return query.where(inside(parent))
    return query.where(false())  # only iterations hold steps


def _rest(uow: UnitOfWork, parent: str | None) -> SQLColumnExpression[str]:
    """What a step's path says below an iteration, whichever try: `b` of `loop[3]/b` and `loop[3.2]/b`."""
    if not parent:
        return col(Step.path)
    end = func.substr(col(Step.path), len(parent))  # "]/b" or ".2]/b"
    return func.substr(end, _place(uow, end, "]") + 2)


def _place(uow: UnitOfWork, text: SQLColumnExpression[str], what: str) -> ColumnElement[int]:
    """The position of one text in another, from 1; 0: not found."""
    dialect = uow.session.get_bind().dialect.name
    return (func.strpos if dialect == "postgresql" else func.instr)(text, what)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _after(cursor: str) -> ColumnElement[bool]:
    text, last = read_cursor(cursor, 2)
    began, step_id = col(Step.started_at), col(Step.id)
    if not text:
        return and_(began.is_(None), step_id > last)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _wrong_cursor() from error
    if moment.tzinfo is None:
        raise _wrong_cursor()
    return or_(began.is_(None), began > moment, and_(began == moment, step_id > last))


def _wrong_cursor() -> InvalidInput:
    return InvalidInput(
        "The cursor is not one of this list. Start again without it.", field="cursor"
    )
