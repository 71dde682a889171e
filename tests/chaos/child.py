"""Start one of the product's own commands with its places of death armed:
`python -m tests.chaos.child worker --concurrency 20`."""

import os
import sys

from tests.chaos import points

points.sleep_otherwise()
points.arm_claims()
points.arm_writes()
points.arm_effects()
points.arm_start()

if __name__ == "__main__":
    from app.cli.__main__ import main

    sys.argv[0] = "agentloom"
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
