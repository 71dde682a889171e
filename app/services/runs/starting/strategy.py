"""Where a new run is executed: by this process, by a peer on this machine, or by whichever worker claims it."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from app.adapters.process.peers import Peer
from app.engine.runtime.plan import Plan
from app.services.admission import MAX_WAITING
from app.services.app_context import AppContext
from app.services.runs.claiming import max_concurrent_of


class Strategy(Enum):
    """What the process that starts a run does with it."""

    IN_MEMORY = auto()
    """Execute it here, and store it as a whole when it ends."""

    HERE = auto()
    """Store it as claimed by this process, and execute it here."""

    QUEUED = auto()
    """Store it as pending, for the workers."""


def is_bounded(
    settings: Mapping[str, Any] | None, key: str | None, max_running: int | None
) -> bool:
    """Whether the number of such runs active at once is limited, so that only the queue may start one.

    Args:
        settings: The workflow's run settings.
        key: The run's concurrency key.
        max_running: How many runs its workspace may have active at once; None: no limit.
    """
    return max_running is not None or max_concurrent_of(settings, key) is not None


def choose(app: AppContext, plan: Plan, *, bounded: bool, awaited: bool) -> Strategy:
    """Choose what this process does with a run. `awaited`: its caller waits for the end."""
    if bounded:
        return Strategy.QUEUED
    if plan.quick and awaited:
        return Strategy.IN_MEMORY if app.admission.quick_waiting < MAX_WAITING else Strategy.QUEUED
    suits = plan.quick or (plan.light and awaited)
    return Strategy.HERE if suits and app.admission.light_slots > 0 else Strategy.QUEUED


def peer_to_ask(app: AppContext) -> Peer | None:
    """The peer that should execute the next run (decision 8); None when this process has the least to do."""
    return app.peers.less_busy_than(app.admission.inline_runs)
