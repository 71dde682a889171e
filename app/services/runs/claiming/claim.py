"""Claiming the next runs. The database decides which are next; a job in the queue is only a wake-up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.adapters.sql.database import storage_down
from app.services.app_context import AppContext
from app.services.runs.claiming.claim_sql import Claim, ClaimRequest, take_next
from app.services.runs.lifecycle import ClaimedRun, begin


@dataclass(frozen=True)
class Claimed:
    """Runs for this process to execute.

    Args:
        more: There may be other pending runs that can start at once.
        waits: Runs were waiting; those that were not claimed may start when others end.
        last: To be passed with the next request.
    """

    runs: tuple[ClaimedRun, ...] = ()
    more: bool = False
    waits: bool = False
    last: str = ""


async def claim_runs(app: AppContext, request: ClaimRequest) -> Claimed:
    """Claim the runs that are next, at most as many as asked for, in one transaction.

    Raises:
        StorageDown: The database does not answer.
    """
    leased_at = time.monotonic()
    with storage_down():
        taken = await app.database.transact(lambda connection: take_next(connection, request))
    runs = await _begin(app, taken.claims, leased_at)
    return Claimed(runs, more=bool(taken.claims), waits=taken.waits, last=taken.last)


async def _begin(
    app: AppContext, claims: Sequence[Claim], leased_at: float
) -> tuple[ClaimedRun, ...]:
    """Load what is known of each run. Most runs are fresh and need no lookup."""
    claimed = {
        one.run.id: ClaimedRun(one.run, one.graph, leased_at)
        for one in claims
        if one.fresh and one.run.control is None and not one.run.attempts
    }
    seen = [one.run for one in claims if one.run.id not in claimed]
    if seen:
        async with app.database.work() as uow:
            for run in seen:
                begun = await begin(uow, run, leased_at)
                if begun is not None:
                    claimed[run.id] = begun
    return tuple(claimed[one.run.id] for one in claims if one.run.id in claimed)
