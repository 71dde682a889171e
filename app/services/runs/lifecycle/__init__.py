"""What moves a run once it is stored: executing, pausing, canceling and ending it."""

from app.services.runs.lifecycle.claimed_run import (
    ClaimedRun,
    after_end,
    begin,
    database_now,
    locked_by_id,
    locked_run,
    queue_after_commit,
    reconcile,
    wake,
)
from app.services.runs.lifecycle.commands import answer_step, cancel_run
from app.services.runs.lifecycle.control import pause_run, resume_run, send_signal
from app.services.runs.lifecycle.execute import (
    execute_in_memory,
    get_ready,
    limits_of,
    spawn_here,
    spawn_run,
)
from app.services.runs.lifecycle.lapsed import with_second_look
from app.services.runs.lifecycle.snapshot import SNAPSHOT_COLUMNS, RunSnapshot

__all__ = [
    "SNAPSHOT_COLUMNS",
    "ClaimedRun",
    "RunSnapshot",
    "after_end",
    "answer_step",
    "begin",
    "cancel_run",
    "database_now",
    "execute_in_memory",
    "get_ready",
    "limits_of",
    "locked_by_id",
    "locked_run",
    "pause_run",
    "queue_after_commit",
    "reconcile",
    "resume_run",
    "send_signal",
    "spawn_here",
    "spawn_run",
    "wake",
    "with_second_look",
]
