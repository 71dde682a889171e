"""Runs whose process died: detecting it, and the runs that were given up."""

from app.services.runs.recovery.crash_detector import CrashDetector, ObservedLease
from app.services.runs.recovery.dead_letters import (
    DeadLetterView,
    discard,
    list_dead_letters,
    requeue,
)
from app.services.runs.recovery.forgotten import due_runs, forgotten_kin, unsettled_runs

__all__ = [
    "CrashDetector",
    "DeadLetterView",
    "ObservedLease",
    "discard",
    "due_runs",
    "forgotten_kin",
    "list_dead_letters",
    "requeue",
    "unsettled_runs",
]
