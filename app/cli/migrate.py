"""Bring the database to this version, or back to another."""

import argparse

from app.adapters.migrations import current, downgrade, upgrade
from app.kernel.settings import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `migrate`."""
    parser.add_argument("--to", default="head", help="revision to go to (default: the newest)")
    parser.add_argument("--down", action="store_true", help="go back to --to")


def main(options: argparse.Namespace) -> int:
    """Migrate and print where the database stands."""
    url = settings().database
    settings().data.mkdir(parents=True, exist_ok=True)
    if options.down:
        downgrade(url, options.to)
    else:
        upgrade(url, options.to)
    print(f"Database at {current(url)}")
    return 0
