"""What earlier lives of a run recorded, without loading it all: a loop may have 100,000 iterations.

A claimed run loads its own steps and all open ones. Finished steps inside iterations stay in the database: they are
counted, and the engine looks them up iteration by iteration.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, case, func
from sqlmodel import col

from app.engine.events import TERMINAL_STEP
from app.engine.host import StepRecord
from app.models import Step
from app.services.access import scoped, system
from app.services.app_context import AppContext
from app.services.runs.lifecycle.snapshot import RunSnapshot

_AT_ONCE = 1_000
_NOT_EXECUTED = ("copied", "given")
"""Origins of outputs for which this run has not executed the node, nor looked whether it is to."""


def needed_at_once() -> ColumnElement[bool]:
    """Which steps of a run are loaded when it is claimed: the graph's own, and all that are open."""
    return col(Step.path).not_like("%/%") | col(Step.status).not_in(TERMINAL_STEP)


def _inside(run: RunSnapshot) -> Select[Step]:
    return scoped(Step, system(run.workspace_id)).where(
        col(Step.run_id) == run.id,
        col(Step.path).like("%/%"),
        col(Step.status).in_(TERMINAL_STEP),
    )


@dataclass(frozen=True)
class Inside:
    """Finished steps inside iterations: how many there are, and how many of them this run has executed."""

    recorded: int = 0
    executed: int = 0


def was_executed(step: Step) -> bool:
    """Whether a finished step counts towards the run's limit: it was not copied, given or skipped."""
    return step.status != "skipped" and step.origin not in _NOT_EXECUTED


async def count_inside(app: AppContext, run: RunSnapshot, steps: Sequence[Step]) -> Inside:
    """Count what is left out. Finished loops need nothing, since their own steps suffice; but a run that copied steps
    from another one may have iterations whose loop has no step yet.
    """
    if run.forked_from is None and all(step.status in TERMINAL_STEP for step in steps):
        return Inside()
    here = func.coalesce(col(Step.origin), "").not_in(_NOT_EXECUTED)
    executed = case((here & (col(Step.status) != "skipped"), 1), else_=0)
    counts = func.count(col(Step.id)), func.coalesce(func.sum(executed), 0)
    async with app.database.read() as uow:
        row = (await uow.session.execute(_inside(run).with_only_columns(*counts))).one()
    return Inside(int(row[0]), int(row[1]))


def recall_of(
    app: AppContext, run: RunSnapshot, record: Callable[[AppContext, Step], Awaitable[StepRecord]]
) -> Callable[[Sequence[str]], Awaitable[list[StepRecord]]]:
    """Make the function with which the engine finds finished steps inside iterations.

    Args:
        record: Turns a row into what the engine knows of a step.
    """

    async def recall(paths: Sequence[str]) -> list[StepRecord]:
        rows: list[Step] = []
        async with app.database.read() as uow:
            for first in range(0, len(paths), _AT_ONCE):
                some = paths[first : first + _AT_ONCE]
                query = _inside(run).where(col(Step.path).in_(some))
                rows += (await uow.session.execute(query)).scalars()
        return [await record(app, row) for row in rows]

    return recall
