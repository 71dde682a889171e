"""Execute runs from the queue."""

import argparse

from app.kernel import log
from app.kernel.settings import settings
from app.worker.main import main as work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `worker`."""
    parser.add_argument("--queues", default="high,default,low", help="queues in the order in which they are served")
    parser.add_argument("--concurrency", type=int, default=settings().concurrency, help="runs in flight")


def main(options: argparse.Namespace) -> int:
    """Work until SIGTERM; runs in flight are handed back."""
    log.set_up(settings().log_level)
    work(options.queues.split(","), options.concurrency)
    return 0
