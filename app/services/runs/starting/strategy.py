"""How a new run is executed: in this process, in another one of this machine, or in the worker whose turn it is."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from app.adapters.process.peers import Peer
from app.engine.runtime.plan import Plan
from app.services.app_context import AppContext
from app.services.runs.claiming.fairness import max_concurrent_of

MAX_WAITING = 64
"""Quick runs that may wait for a slot here; more go to the workers."""


class Strategy(Enum):
    """How a run is executed by the process that starts it."""

    IN_MEMORY = auto()
    """Here, and stored as a whole when it ends."""

    HERE = auto()
    """Here, stored before as this process's own."""

    QUEUED = auto()
    """By the workers, when its turn comes."""


def is_bounded(
    settings: Mapping[str, Any] | None, key: str | None, max_running: int | None
) -> bool:
    """Whether it is limited how many runs like this one go at once, so that only the queue may start it.

    Args:
        settings: The workflow's run settings.
        key: The run's concurrency key.
        max_running: How many runs its workspace may have at work.
    """
    return max_running is not None or max_concurrent_of(settings, key) is not None


def choose(app: AppContext, plan: Plan, *, bounded: bool, awaited: bool) -> Strategy:
    """Decide how this process executes a run. `awaited`: its caller waits for the end."""
    if bounded:
        return Strategy.QUEUED
    if plan.quick and awaited:
        return Strategy.IN_MEMORY if app.admission.quick_waiting < MAX_WAITING else Strategy.QUEUED
    suits = plan.quick or (plan.light and awaited)
    return Strategy.HERE if suits and app.admission.light_slots > 0 else Strategy.QUEUED


def peer_to_ask(app: AppContext) -> Peer | None:
    """The process of this machine that takes a run over (decision 8); None when this one has the least to do."""
    return app.peers.less_busy_than(app.admission.inline_runs)
