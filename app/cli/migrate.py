"""Bring the database to this version, or back to another."""

import argparse
import contextlib
import os
import sys

from app.adapters.sql.migrations import current, downgrade, is_before, upgrade
from app.cli import data_lock
from app.kernel.errors import InvalidInput
from app.kernel.settings import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `migrate`."""
    parser.add_argument("--to", default="", help="revision to go to (default: the newest)")
    parser.add_argument("--down", action="store_true", help="go back to --to")
    parser.add_argument("--yes", action="store_true", help="go back without asking")


def main(options: argparse.Namespace) -> int:
    """Migrate and print where the database stands."""
    config = settings()
    with _alone():
        stands = current(config.database)
        if options.down:
            _require_way_down(options.to, stands)
            if not (options.yes or _agrees(config.database, stands, options.to)):
                print("Nothing was changed.")
                return 1
            downgrade(config.database, options.to)
        else:
            if options.to and is_before(options.to, stands):
                raise InvalidInput(
                    f"The database is at {stands}, and {options.to} is before that. Going back loses what later "
                    f"versions store: say --down, or leave --to out.",
                    field="--to",
                )
            upgrade(config.database, options.to or "head")
    print(f"Database at {current(config.database) or 'base: it has no tables'}")
    return 0


def _alone() -> contextlib.AbstractContextManager[None]:
    """Nobody works on tables that change; `serve` itself, which asks for this, has the directory already."""
    if os.environ.get("AGENTLOOM_SUPERVISED"):
        return contextlib.nullcontext()
    return data_lock.held(settings().data, "migrate")


def _require_way_down(to: str, stands: str | None) -> None:
    if not to:
        raise InvalidInput("Say where to go back to: --down --to REVISION.", field="--to")
    if not is_before(to, stands):
        raise InvalidInput(
            f"The database is at {stands or 'base'}; {to} is not before that. Leave out --down to go there.",
            field="--to",
        )


def _agrees(url: str, stands: str | None, to: str) -> bool:
    lost = "Every table and all that is in them is deleted" if to == "base" else (
        "What later versions store is deleted"
    )  # fmt: skip
    where = url.rpartition("@")[2]
    if not sys.stdin.isatty():
        raise InvalidInput(f"{lost} ({where}). Nobody is here to be asked: say --yes.")
    print(f"The database {where} goes from {stands} back to {to}. {lost}.")
    return input("Type yes to go on: ").strip() == "yes"
