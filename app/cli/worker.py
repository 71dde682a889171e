"""Execute runs from the queue."""

import argparse

from app.kernel import log
from app.kernel.errors import Unavailable
from app.kernel.settings import settings
from app.worker.main import DRAIN_S
from app.worker.main import main as work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `worker`."""
    parser.add_argument(
        "--queues", default="high,default,low", help="queues in the order in which they are served"
    )
    parser.add_argument(
        "--concurrency", type=int, default=settings().concurrency, help="runs in flight"
    )
    parser.add_argument(
        "--drain",
        type=float,
        default=DRAIN_S,
        help="seconds that runs in flight get to end when the worker is told to stop",
    )


def main(options: argparse.Namespace) -> int:
    """Work until SIGTERM; runs in flight are handed back."""
    if settings().without_redis:
        raise Unavailable(
            "A worker needs Redis: set REDIS_URL to a server. Without one the web process executes all runs."
        )
    log.set_up(settings().log_level, printed=True)
    work(options.queues.split(","), options.concurrency, drain_s=options.drain)
    return 0
