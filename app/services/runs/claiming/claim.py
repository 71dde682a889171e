"""Claiming the runs whose turn it is. The database decides who is next; a job in the queue is only a wake-up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.adapters.sql.database import storage_down
from app.services.app_context import Runtime
from app.services.runs.claiming.claim_sql import Held, Wish, hold, take_next
from app.services.runs.lifecycle.claimed_run import Life, Repeatable, begin


@dataclass(frozen=True)
class Claimed:
    """Lives for this process to lead.

    Args:
        more: Other runs may be waiting that can start at once.
        waits: Runs were waiting; those that were not claimed may start when others end.
        last: To be given with the next wish.
    """

    lives: tuple[Life, ...] = ()
    more: bool = False
    waits: bool = False
    last: str = ""


async def claim_next(parts: Runtime, wish: Wish, repeatable: Repeatable) -> Claimed:
    """Claim the runs whose turn it is, at most as many as wished for, in one transaction.

    Raises:
        StorageDown: The database does not answer.
    """
    leased_at = time.monotonic()
    with storage_down():
        taken = await parts.database.transact(lambda connection: take_next(connection, wish))
    lives = await _begin(parts, taken.held, leased_at, repeatable)
    return Claimed(lives, more=bool(taken.held), waits=taken.waits, last=taken.last)


async def claim_one(parts: Runtime, run_id: str, repeatable: Repeatable) -> Life | None:
    """Claim this run, whoever's turn it is; None when somebody works on it, or nothing is left to do.

    Raises:
        StorageDown: The database does not answer.
    """
    leased_at = time.monotonic()
    with storage_down():
        held = await parts.database.transact(
            lambda connection: hold(connection, parts.name, [run_id])
        )
    return next(iter(await _begin(parts, held, leased_at, repeatable)), None)


async def _begin(
    parts: Runtime, held: Sequence[Held], leased_at: float, repeatable: Repeatable
) -> tuple[Life, ...]:
    """Load what is known of each run. Most runs are fresh and need no look."""
    lives = {
        one.run.id: Life(one.run, one.graph, leased_at)
        for one in held
        if one.fresh and one.run.control is None and not one.run.attempts
    }
    seen = [one.run for one in held if one.run.id not in lives]
    if seen:
        async with parts.database.work() as uow:
            for run in seen:
                life = await begin(uow, parts.bus, run, leased_at, repeatable)
                if life is not None:
                    lives[run.id] = life
    return tuple(lives[one.run.id] for one in held if one.run.id in lives)
