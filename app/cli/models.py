"""List the local models, or pull one: `models`, `models pull smollm2`."""

import argparse
import asyncio
import sys

from app.adapters.models.weights import Pull, WeightStore, pinned
from app.kernel.settings import settings

_BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `models`."""
    parser.add_argument("action", nargs="?", choices=("list", "pull"), default="list")
    parser.add_argument(
        "name", nargs="?", default="", help="model to pull; the start of its name is enough"
    )


def show(pull: Pull) -> None:
    """Draw one line of progress, in place on a terminal."""
    share = pull.done_bytes / pull.total_bytes if pull.total_bytes else 0
    bar = "█" * int(share * _BAR)
    line = f"{pull.name}  {bar:<{_BAR}} {share:4.0%}  {pull.done_bytes / 1e6:,.0f} of {pull.total_bytes / 1e6:,.0f} MB"
    end = "\r" if sys.stdout.isatty() and pull.status == "running" else "\n"
    print(line, end=end, flush=True)


def main(options: argparse.Namespace) -> int:
    """Print what is here, or pull and say where it went."""
    store = WeightStore(settings().data)
    if options.action == "list":
        for weights in store.known:
            state = (
                "here"
                if store.is_here(weights)
                else f"not here, {weights.size_bytes / 1e6:,.0f} MB to pull"
            )
            print(f"{weights.name:<22} {state:<28} {weights.note}")
        return 0
    path = asyncio.run(store.pull(pinned(options.name), show))
    print(f"Ready: {path}")
    return 0
