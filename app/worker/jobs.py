"""What a job may name. A job carries a run's id and nothing else; each can be repeated after a
crash at any line.
"""

from collections.abc import Awaitable, Callable, Mapping

from app.adapters.queue import EXECUTE
from app.services.runs.execute import execute_run
from app.services.runtime import Runtime

Job = Callable[[Runtime, str], Awaitable[None]]

JOBS: Mapping[str, Job] = {EXECUTE: execute_run}
"""The allow-list: a job that names anything else is thrown away unread."""
