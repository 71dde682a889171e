"""Execute runs from the queue."""

import argparse

from app.adapters.redis.queue import QUEUES
from app.cli.arguments import whole
from app.kernel import log
from app.kernel.errors import Unavailable
from app.kernel.settings import MOST_IN_FLIGHT, settings
from app.worker.main import DRAIN_S
from app.worker.main import main as work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `worker`."""
    parser.add_argument(
        "--queues",
        type=queues,
        default=",".join(QUEUES),
        help="queues in the order in which they are served",
    )
    parser.add_argument(
        "--concurrency",
        type=whole(1, MOST_IN_FLIGHT),
        default=settings().concurrency,
        help="runs in flight",
    )
    parser.add_argument(
        "--drain",
        type=whole(0, 86_400),
        default=round(DRAIN_S),
        help="seconds that runs in flight get to end when the worker is told to stop",
    )


def queues(listed: str) -> tuple[str, ...]:
    """The queues of an option.

    Raises:
        ArgumentTypeError: There is none of a name.
    """
    names = tuple(part.strip() for part in listed.split(",") if part.strip())
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"there is no queue '{', '.join(unknown)}'; the queues are {', '.join(QUEUES)}"
        )
    return names


def main(options: argparse.Namespace) -> int:
    """Work until SIGTERM; runs in flight are handed back."""
    if settings().without_redis:
        raise Unavailable(
            "A worker needs Redis: set REDIS_URL to a server. Without one the web process executes all runs."
        )
    log.set_up(settings().log_level, printed=True)
    work(options.queues, options.concurrency, drain_s=options.drain)
    return 0
