"""Telling dead processes from those that could not be heard, or whose clock was set."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.adapters.keeper import LEASE

_STEADY_S = 5.0
"""Two leases and some ticks: whoever lives has renewed it by then, also after an outage."""

_PAUSE_S = 1.5
_SKEW_S = 0.5


@dataclass(frozen=True)
class Lease:
    """Until when a life of a run was last said to go on."""

    run_id: str
    epoch: int
    until: datetime | None

    def lies_ahead(self, at: datetime) -> bool:
        """Whether it was given by a clock that is ahead of this moment."""
        return self.until is not None and self.until > at


class Watch:
    """Judges leases that look over, for one process that looks again and again.

    Who looked all the time, while the clock went on evenly, would have seen that a lease is renewed: one that is over
    is a death. After the database was away, or the clock was set, living processes come late or seem to: then a lease
    is a death when it stays as it is for as long as a lease lasts.
    """

    def __init__(self, patience_s: float = LEASE.total_seconds()) -> None:
        self._patience_s = patience_s
        self._last: tuple[float, datetime] | None = None
        self._steady_since = 0.0
        self._seen: dict[Lease, float] = {}

    def judge(self, at: datetime, over: Sequence[Lease]) -> list[str]:
        """The runs whose process has died, of all whose lease looks over now.

        Args:
            at: What time the database says it is.
        """
        moment = time.monotonic()
        if not self._goes_on(moment, at):
            self._steady_since = moment
        self._last = moment, at
        self._seen = {lease: self._seen.get(lease, moment) for lease in over}
        steady = moment - self._steady_since >= _STEADY_S
        return [
            lease.run_id
            for lease, seen in self._seen.items()
            # one that lies ahead is there because of a set clock, which its holder may have heard of before us
            if moment - seen >= self._patience_s or (steady and not lease.lies_ahead(at))
        ]

    def lose_sight(self) -> None:
        """Begin anew: the database is away."""
        self._last, self._seen = None, {}

    def _goes_on(self, moment: float, at: datetime) -> bool:
        if self._last is None:
            return False
        passed = moment - self._last[0]
        return passed <= _PAUSE_S and abs((at - self._last[1]).total_seconds() - passed) <= _SKEW_S
