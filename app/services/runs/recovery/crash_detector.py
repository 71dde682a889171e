"""Distinguishing dead processes from those that could not be heard, or whose clock was set."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.adapters.sql.leases import LEASE, is_over

_STEADY_S = 5.0
"""Two leases and some ticks: whoever lives has renewed it by then, also after an outage."""

_PAUSE_S = 1.5
_SKEW_S = 0.5


@dataclass(frozen=True)
class ObservedLease:
    """Until when a life of a run was last known to hold its lease."""

    run_id: str
    epoch: int
    until: datetime | None

    def lies_ahead(self, at: datetime) -> bool:
        """Whether it was set by a clock that is ahead of this moment."""
        return self.until is not None and self.until > at


class CrashDetector:
    """Judges leases that appear expired, for one process that polls them.

    An observer that looked all the time, while the clock went on evenly, would have seen a lease being renewed: an
    expired one is a death. After the database was away, or the clock was set, living processes are late or appear to
    be: then, and at the start, a lease means a death when it is expired and stays unchanged for as long as a lease
    lasts. To know that as early as possible, the observer then needs all leases, not only those that appear expired.
    """

    def __init__(self, patience_s: float = LEASE.total_seconds()) -> None:
        self._patience_s = patience_s
        self._last: tuple[float, datetime] | None = None
        self._steady_since = math.inf
        self._seen: dict[ObservedLease, float] = {}

    @property
    def steady(self) -> bool:
        """Whether all went on evenly for so long that leases need not be watched before they expire."""
        return time.monotonic() - self._steady_since >= _STEADY_S

    def judge(self, at: datetime, leases: Sequence[ObservedLease]) -> list[str]:
        """The runs whose process has died.

        Args:
            at: The database's time.
            leases: Of the active runs, at least of those whose lease appears expired.
        """
        moment = time.monotonic()
        if not self._goes_on(moment, at):
            self._steady_since = moment
            # a process that was healthy when we last looked had no chance to renew its lease while we were frozen
            self._seen = self._seen_over()
        self._last = moment, at
        self._seen = {lease: self._seen.get(lease, moment) for lease in leases}
        steady = self.steady
        return [
            lease.run_id
            for lease, seen in self._seen.items()
            if is_over(lease.until, at)
            # one that lies ahead is due to a set clock, which its holder may have noticed before us
            and (moment - seen >= self._patience_s or (steady and not lease.lies_ahead(at)))
        ]

    def lose_sight(self) -> None:
        """Start over: the database is away."""
        self._last, self._steady_since, self._seen = None, math.inf, {}

    def _seen_over(self) -> dict[ObservedLease, float]:
        if self._last is None:
            return {}
        return {
            lease: seen for lease, seen in self._seen.items() if is_over(lease.until, self._last[1])
        }

    def _goes_on(self, moment: float, at: datetime) -> bool:
        if self._last is None:
            return False
        passed = moment - self._last[0]
        return passed <= _PAUSE_S and abs((at - self._last[1]).total_seconds() - passed) <= _SKEW_S
