"""What an installation costs while nobody asks anything of it: processor time of all its processes, over a minute.

    .venv/bin/python bench/idle.py [--only sqlite|postgresql|none] [--seconds 60] [--runs 3]

`none` is SQLite without Redis. Processor time, not a share of what a busy machine had to give: it means the same
beside other work. Each round begins twenty seconds after the product is ready, with an account and some ended runs.
"""

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402

from bench.stack import cpu_seconds, postgres  # noqa: E402
from tests.conftest import free_port  # noqa: E402
from tests.e2e.product import Product  # noqa: E402
from tests.graphs import START, chain, node  # noqa: E402

SETTLE_S = 20.0
ADA = {"email": "ada@example.com", "password": "analytical engine 1843", "name": "Ada"}
GREET = chain(START, node("greet", "data.template", {"template": "Hi {{ trigger.name }}"}))


def use(product: Product) -> None:
    """An account and some runs, so that there is something to look at."""
    with httpx.Client(base_url=f"{product.url}/api", timeout=20) as client:
        made = client.post("/auth/register", json=ADA)
        client.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
        client.cookies.clear()
        workflow = client.post("/workflows", json={"name": "Greet", "graph": GREET}).json()["id"]
        for _ in range(5):
            client.post(f"/workflows/{workflow}/runs", json={"input": {"name": "Ada"}})


def measure(kind: str, seconds: float, rounds: int) -> None:
    """Start the product on one kind of storage and print what it used."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentloom-idle-")))
        env, others = {"AGENTLOOM_FIRST_MODEL": "none"}, []
        if kind == "none":
            env["REDIS_URL"] = "none"
        if kind == "postgresql":
            url, pid = stack.enter_context(postgres())
            env["DATABASE_URL"], others = url.replace("+asyncpg", ""), [pid]
        product = Product(home, free_port(), env)
        product.start()
        stack.callback(product.stop)
        use(product)
        time.sleep(SETTLE_S)
        totals = []
        for _ in range(rounds):
            before, began = cpu_seconds([product.pid, *others]), time.monotonic()
            time.sleep(seconds)
            after, took = cpu_seconds([product.pid, *others]), time.monotonic() - began
            shares = {k: 100 * (after[k] - before.get(k, 0)) / took for k in after}
            del shares["client"]
            ours = sum(share for name, share in shares.items() if name != "postgres")
            totals.append(ours)
            parts = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
            print(f"{kind}: {ours:.2f} % of a core ({parts})", flush=True)
        print(f"{kind}: median {statistics.median(totals):.2f} % of a core", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("sqlite", "postgresql", "none"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    for kind in [options.only] if options.only else ["sqlite", "postgresql", "none"]:
        measure(kind, options.seconds, options.runs)


if __name__ == "__main__":
    main()
