"""Deciding about a run whose lease appears expired: its process is dead, or only the clock was set."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from app.adapters.sql.database import Database, UnitOfWork
from app.adapters.sql.leases import SURE_S, is_over
from app.kernel.errors import Unavailable
from app.models import Run
from app.services.access import Actor

Got = TypeVar("Got")


@dataclass(frozen=True)
class LapsedLease:
    """A lease that appeared expired when it was read, at least `SURE_S` ago."""

    until: datetime | None


class LeaseInDoubt(Unavailable):
    """Whether a process is still executing the run will be known in `SURE_S`."""

    def __init__(self, lease: LapsedLease) -> None:
        super().__init__(
            "Whether the run is still at work is not known yet. Try again in a moment."
        )
        self.lease = lease


def is_worked_on(run: Run, at: datetime, lapsed: LapsedLease | None) -> bool:
    """Whether a living process is executing a run. Its row must be locked.

    Args:
        at: The database's time.
        lapsed: What the first try saw.

    Raises:
        LeaseInDoubt: Its lease appears expired, at the first try.
    """
    if run.status != "running":
        return False
    if lapsed is not None:
        return run.lease_until != lapsed.until
    if is_over(run.lease_until, at):
        raise LeaseInDoubt(LapsedLease(run.lease_until))
    return True


async def with_second_look(
    database: Database,
    use_case: Callable[[UnitOfWork, Actor, str, LapsedLease | None], Awaitable[Got]],
    actor: Actor,
    run_id: str,
) -> Got:
    """Run a use case on a run in its own transaction; if it finds the run's lease in doubt, run it again in another one
    as soon as that is settled.

    A lease may appear expired only because the clock was set. A living process renews it, and one that does not renew
    it stops changing the outside world, in less time than a lease lasts.
    """
    try:
        async with database.work() as uow:
            return await use_case(uow, actor, run_id, None)
    except LeaseInDoubt as doubt:
        await asyncio.sleep(SURE_S)
        async with database.work() as uow:
            return await use_case(uow, actor, run_id, doubt.lease)
