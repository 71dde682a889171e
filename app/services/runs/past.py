"""What earlier lives of a run recorded, without holding it all: a loop may have 100,000 turns.

A claimed run brings its own steps and all open ones. Finished steps inside of turns stay in the
database: they are counted, their time is measured, and the engine looks them up turn by turn.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, func, select
from sqlmodel import col

from app.engine.events import TERMINAL_STEP
from app.engine.host import StepRecord
from app.models import Run, Step
from app.services.runtime import Runtime

Span = tuple[datetime, datetime]
_AT_ONCE = 1_000
_MANY = 5_000


@dataclass(frozen=True)
class Inside:
    """The finished steps inside of turns: how many, and when one was at work."""

    count: int = 0
    spans: tuple[Span, ...] = ()


def needed_at_once() -> ColumnElement[bool]:
    """Which steps of a run are loaded when it is claimed: the graph's own, and all that are open."""
    return col(Step.path).not_like("%/%") | col(Step.status).not_in(TERMINAL_STEP)


def _inside(run: Run) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Step.workspace_id) == run.workspace_id,
        col(Step.run_id) == run.id,
        col(Step.path).like("%/%"),
        col(Step.status).in_(TERMINAL_STEP),
    )


async def look_inside(parts: Runtime, run: Run, steps: Sequence[Step]) -> Inside:
    """Measure what is left out. Of finished loops nothing is needed: their own steps tell; but a run
    that took steps over from another one may have turns whose loop has no step yet.
    """
    if run.forked_from is None and all(step.status in TERMINAL_STEP for step in steps):
        return Inside()
    began, ended = col(Step.started_at), col(Step.finished_at)
    moments = select(began, ended).where(
        *_inside(run),
        began.is_not(None),
        ended.is_not(None),
        func.coalesce(col(Step.origin), "") != "copied",
    )
    async with parts.database.read() as uow:
        count = await uow.session.scalar(
            select(func.count()).select_from(Step).where(*_inside(run))
        )
        spans: list[Span] = []
        found = await uow.session.stream(moments.order_by(began).execution_options(yield_per=_MANY))
        async for rows in found.partitions():
            spans = merged([*spans, *(cast(Span, tuple(row)) for row in rows)])
    return Inside(int(count or 0), tuple(spans))


def merged(spans: Iterable[Span]) -> list[Span]:
    """Join spans that touch; they must be in the order of their beginnings."""
    whole: list[Span] = []
    for began, ended in spans:
        if whole and began <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], ended))
        else:
            whole.append((began, ended))
    return whole


def worked_seconds(steps: Iterable[Step], inside: Inside | None = None) -> float:
    """How long at least one step was at work: waiting for people and for workers does not count."""
    own: list[Span] = [
        (s.started_at, s.finished_at)
        for s in steps
        if s.started_at and s.finished_at and s.origin != "copied"
    ]
    spans = merged(sorted([*own, *(inside.spans if inside else ())]))
    return sum((ended - began for began, ended in spans), timedelta()).total_seconds()


def recall_of(
    parts: Runtime, run: Run, record: Callable[[Runtime, Step], Awaitable[StepRecord]]
) -> Callable[[Sequence[str]], Awaitable[list[StepRecord]]]:
    """Make what the engine finds finished steps inside of turns with.

    Args:
        record: Turns a row into what the engine knows of a step.
    """

    async def recall(paths: Sequence[str]) -> list[StepRecord]:
        rows: list[Step] = []
        async with parts.database.read() as uow:
            for first in range(0, len(paths), _AT_ONCE):
                some = paths[first : first + _AT_ONCE]
                query = select(Step).where(*_inside(run), col(Step.path).in_(some))
                rows += (await uow.session.execute(query)).scalars()
        return [await record(parts, row) for row in rows]

    return recall
