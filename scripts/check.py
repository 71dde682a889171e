"""What every change must pass, side by side: format, lint, types, floors, tests of the house, units and nodes.

Files that are made from the code are made first. `make test` only tells which of them are stale.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

PYTHON = [sys.executable, "-m"]
SOURCES = ["app", "tests", "scripts", "alembic", "bench"]
TESTS = ["tests/house", "tests/unit", "tests/conform"]
GENERATORS = {
    "node docs": [*PYTHON, "app.cli", "docs"],
    "node icons": [*PYTHON, "app.components.icons"],
    "canvas protocol": [*PYTHON, "app.components.canvas.protocol"],
}
CHECKS = {
    "tests": [*PYTHON, "pytest", "-q", "-n", "2", "-m", "not fault", *TESTS],
    "types": [*PYTHON, "mypy", "app"],
    "floors": [str(Path(sys.executable).with_name("lint-imports"))],
    "javascript": [sys.executable, "scripts/javascript.py"],
    "lint": [*PYTHON, "ruff", "check", "--quiet", *SOURCES],
    "format": [*PYTHON, "ruff", "format", "--check", "--quiet", *SOURCES],
}


def passes(name: str) -> bool:
    """Run one command; print what it says as a whole, and how long it took."""
    began = time.monotonic()
    done = subprocess.run(
        (GENERATORS | CHECKS)[name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "passed" if done.returncode == 0 else "FAILED"
    said = f"{done.stdout.rstrip()}\n" if done.stdout.strip() else ""
    print(f"{said}{name}: {verdict} in {time.monotonic() - began:.0f} s\n", flush=True)
    return done.returncode == 0


def main() -> int:
    """Make what is generated, then do all checks at once; the exit code says whether each passed."""
    failed = [name for name in GENERATORS if not passes(name)]
    with ThreadPoolExecutor(len(CHECKS)) as threads:
        done = {threads.submit(passes, name): name for name in CHECKS}
        failed += [done[one] for one in as_completed(done) if not one.result()]
    print(f"Not passed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
