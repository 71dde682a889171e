"""Making a run, and deciding where it is executed."""

from app.services.runs.starting.children import start_child
from app.services.runs.starting.forks import ForkRun, fork_run
from app.services.runs.starting.limits import RunLimits, RunSettings, get_settings, put_settings
from app.services.runs.starting.offload import help_peers
from app.services.runs.starting.pins import PinsFrom
from app.services.runs.starting.start import StartRun, start_run
from app.services.runs.starting.waiting import run_and_wait

__all__ = [
    "ForkRun",
    "PinsFrom",
    "RunLimits",
    "RunSettings",
    "StartRun",
    "fork_run",
    "get_settings",
    "help_peers",
    "put_settings",
    "run_and_wait",
    "start_child",
    "start_run",
]
