"""How cost grows: with workers, with the nodes of a graph, with the steps of a trace; and what a value of 100 MB takes.

    .venv/bin/python bench/growth.py [--only workers|nodes|trace|value]

Prints one table for each and draws docs/pictures/growth.svg when all were measured.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


from app.cli.build import ensure_built  # noqa: E402
from bench.loads import Load, chain  # noqa: E402
from bench.queued import drain, place  # noqa: E402
from bench.runs import Client  # noqa: E402
from bench.stack import mock_model, product, tree  # noqa: E402

QUEUED = 4_000
Points = list[tuple[float, float]]
PICTURE = ROOT / "docs/pictures/growth.svg"


def workers() -> dict[str, Points]:
    """Queued runs a second, and MB of the workers, at 1, 2 and 4 workers. SQLite takes up to two."""
    print("| database | workers | runs/s | worker CPU ms per run | MB | checked |")
    print("| --- | --- | --- | --- | --- | --- |")
    found: dict[str, Points] = {}
    for kind, counts in (("sqlite", (1, 2)), ("postgresql", (1, 2, 4))):
        for count in counts:
            with place(kind) as where:
                rate, memory = asyncio.run(drain(where, QUEUED, count))
            found.setdefault(f"{kind}: runs/s", []).append((count, rate))
            found.setdefault(f"{kind}: MB", []).append((count, memory))
    return found


class Site:
    """The product with data of its own, and a signed-in client."""

    def __init__(self, stack: ExitStack) -> None:
        data = Path(tempfile.mkdtemp(prefix="agentloom-growth-"))
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        url, _ = stack.enter_context(mock_model())
        self.shop = product(data, url, AGENTLOOM_MAX_OUTPUT_MB="100")  # as `value` gives
        stack.callback(self.shop.stop)
        self.shop.start()
        self.client = Client(f"http://127.0.0.1:{self.shop.port}")

    def most_memory_mb(self) -> dict[str, float]:
        """The largest resident memory of each process so far, in MB."""
        sizes: dict[str, float] = {}
        for process in tree(self.shop.pid):
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    name = " ".join(process.cmdline()[2:5])[:24] or process.name()
                    sizes[name] = max(sizes.get(name, 0.0), int(line.split()[1]) / 1000)
        return sizes


async def nodes(site: Site) -> Points:
    """Milliseconds per node of a chain of 5, 50 and 500 data nodes, one run at a time."""
    print("\n| data nodes | p50 of a run, ms | ms per node |\n| --- | --- | --- |")
    found: Points = []
    for count in (5, 50, 500):
        load = chain(count)
        workflow_id = await site.client.make(load)
        await site.client.drive(load, workflow_id, 1, 60, 10)
        phase = await site.client.drive(load, workflow_id, 1, 60, 60)
        assert not phase.failed, site.client.wrong[:3]
        each = phase.at(0.5) / count
        print(f"| {count} | {phase.at(0.5):.1f} | {each:.2f} |", flush=True)
        found.append((count, each))
    return found


def _loop(text: str = "Row {{ item }}", items: str = "trigger.rows") -> dict[str, Any]:
    return {
        "schema": 1,
        "nodes": [
            {"id": "start", "kind": "trigger.manual"},
            {"id": "rows", "kind": "logic.for_each", "config": {"items": items}},
            {"id": "line", "kind": "data.template", "parent": "rows", "config": {"template": text}},
        ],
        "edges": [
            {
                "id": "a", "source": "start", "source_port": "data", "target": "rows",
                "target_port": "input",
            }
        ],
    }  # fmt: skip


async def _ended(client: Client, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(300):
        while True:
            run: dict[str, Any] = await client.call("GET", f"/api/runs/{run_id}")
            if run["status"] in ("succeeded", "failed"):
                return run
            await asyncio.sleep(0.1)


async def _run(client: Client, graph: dict[str, Any], given: Any) -> dict[str, Any]:
    workflow_id = await client.make(Load("loop", "loop", graph, given, None, 0))
    limits = {"max_steps": 100_000}
    body = {"input": given, "limits": limits}
    told = await client.call("POST", f"/api/workflows/{workflow_id}/runs", body)
    return await _ended(client, told.get("run_id") or told["id"])


async def trace(site: Site) -> dict[str, Points]:
    """Milliseconds to read the trace of a run of 10 to 10,000 steps, and one page of its steps."""
    print("\n| steps | trace, ms | one page of steps, ms |\n| --- | --- | --- |")
    found: dict[str, Points] = {"trace": [], "page of steps": []}
    for steps in (10, 100, 1_000, 10_000):
        run = await _run(site.client, _loop(), {"rows": list(range(steps - 2))})
        assert run["status"] == "succeeded", run
        took = {}
        for name, path in (("trace", "trace"), ("page of steps", "steps?limit=100")):
            times = []
            for _ in range(7):
                began = time.perf_counter()
                await site.client.call("GET", f"/api/runs/{run['id']}/{path}")
                times.append((time.perf_counter() - began) * 1000)
            took[name] = statistics.median(times)
            found[name].append((steps, took[name]))
        print(f"| {steps:,} | {took['trace']:.1f} | {took['page of steps']:.1f} |", flush=True)
    return found


async def value(site: Site) -> None:
    """The most memory each process had when a loop of 1,000 texts of 100 kB gave one value of 100 MB."""
    graph = _loop("{{ trigger.text }}")
    began = time.perf_counter()
    run = await _run(site.client, graph, {"rows": list(range(1_000)), "text": "x" * 100_000})
    assert run["status"] == "succeeded", run
    most = ", ".join(f"{name} {mb:.0f} MB" for name, mb in site.most_memory_mb().items())
    print(f"\nA value of 100 MB: {time.perf_counter() - began:.1f} s; the most memory: {most}")


def draw(of_workers: dict[str, Points], of_nodes: Points, of_trace: dict[str, Points]) -> None:
    """Draw what was measured."""
    import matplotlib  # noqa: PLC0415 - only for this

    matplotlib.use("svg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    for name, points in of_workers.items():
        if name.endswith("runs/s"):
            left.plot(*zip(*points, strict=True), marker="o", label=name.partition(":")[0])
    left.set(title="Queued runs per second", xlabel="workers", xticks=[1, 2, 4], ylim=(0, None))
    left.legend(frameon=False)
    middle.plot(*zip(*of_nodes, strict=True), marker="o")
    middle.set(title="Milliseconds per node", xlabel="nodes in a chain", xscale="log", ylim=(0, None))  # fmt: skip
    for name, points in of_trace.items():
        right.plot(*zip(*points, strict=True), marker="o", label=name)
    right.set(title="Milliseconds to read", xlabel="steps of the run", xscale="log", yscale="log")
    right.legend(frameon=False)
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    """Measure all, or what was chosen."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=("workers", "nodes", "trace", "value"))
    only = options.parse_args().only
    ensure_built()
    with ExitStack() as stack:
        of_workers = workers() if only in (None, "workers") else {}
        if only == "workers":
            return
        site = Site(stack)

        async def all_of_it() -> tuple[Points, dict[str, Points]]:
            await site.client.sign_in()
            of_nodes = await nodes(site) if only in (None, "nodes") else []
            of_trace = await trace(site) if only in (None, "trace") else {}
            if only in (None, "value"):
                await value(site)
            return of_nodes, of_trace

        of_nodes, of_trace = asyncio.run(all_of_it())
        if only is None:
            draw(of_workers, of_nodes, of_trace)


if __name__ == "__main__":
    main()
