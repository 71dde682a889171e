"""The long chaos run: `make chaos`, or `python -m tests.chaos`.

SEED (random), MINUTES per database (10), RUNS at most per database, DATABASE (`sqlite`, `postgresql` or
`both`), RATE runs a second. Ends with 1 when a promise was broken; what a failing storm left behind is
kept and named.
"""

import asyncio
import os
import random
import shutil
import sys

from tests.chaos.storm import Plan, Report, storm


def main() -> int:
    """Run the storms one after the other and print the tables."""
    env = os.environ.get
    seed = int(env("SEED") or random.SystemRandom().randint(1, 999_999))
    minutes = float(env("MINUTES") or 10)
    wanted = env("DATABASE") or "both"
    kinds = ("sqlite", "postgresql") if wanted == "both" else (wanted,)
    plan = Plan(
        seed=seed,
        seconds=minutes * 60,
        runs=int(env("RUNS") or 1_000_000),
        rate=float(env("RATE") or 6),
    )
    _say(f"SEED={seed} MINUTES={minutes:g} DATABASE={wanted}")
    broken = False
    for kind in kinds:
        limit = plan.seconds + plan.settle_s + 180
        report = asyncio.run(_in_time(kind, plan, limit))
        _say(*report.lines())
        broken |= bool(report.violations)
        if report.violations:
            _say(f"kept        {report.home}")
        else:
            shutil.rmtree(report.home, ignore_errors=True)
    return int(broken)


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


async def _in_time(kind: str, plan: Plan, limit: float) -> Report:
    async with asyncio.timeout(limit):
        return await storm(kind, plan)


if __name__ == "__main__":
    sys.exit(main())
