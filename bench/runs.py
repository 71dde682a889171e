"""What a run costs: four loads over the public API with sign-in, on SQLite and on PostgreSQL.

    .venv/bin/python bench/runs.py [--only sqlite|postgresql] [--seconds 10] [--no-build] [--json FILE]

Starts the product as `make run` does, with data of its own, registers, signs in, makes the workflows over REST and
drives them from this process. Afterwards every acknowledged run is looked up in the database: status, output, steps.
The same graphs in plain LangGraph, in this process and without any storage, are the reference.
"""

import argparse
import asyncio
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import asyncpg  # noqa: E402

from app.cli.build import ensure_built  # noqa: E402
from bench.loads import W1, W2, W3, W4, Load  # noqa: E402
from bench.reference import reference  # noqa: E402
from bench.stack import cpu_seconds, memory_mb, mock_model, postgres, product  # noqa: E402
from bench.wire import Connection, request_bytes  # noqa: E402
from tests.e2e.product import Product  # noqa: E402

PERSON = {"name": "Ada Bench", "email": "ada@example.com", "password": "a long enough sentence 42"}
WARM_UP = 40


@dataclass
class Phase:
    """How one load went at so many requests in flight. Times in ms; `cpu` in ms per run, by process."""

    load: str
    in_flight: int
    times: list[float] = field(repr=False)
    rate: float = 0.0
    cpu: Mapping[str, float] = field(default_factory=dict)
    failed: int = 0
    runs: int = 0

    def at(self, share: float) -> float:
        """The time below which this share of the runs lies, in ms."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Client:
    """A signed-in caller of one product. `acknowledged` has every run that was answered with 2xx, by load."""

    url: str
    token: str = ""
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request on a connection of its own."""
        connection = await Connection.open(self.url)
        try:
            return await connection.call(request_bytes(method, path, body, self.token))
        finally:
            connection.close()

    async def sign_in(self, *, register: bool = True) -> None:
        """Make an account and sign in with its password."""
        if register:
            await self.call("POST", "/api/auth/register", PERSON)
        login = {key: PERSON[key] for key in ("email", "password")}
        self.token = (await self.call("POST", "/api/auth/login", login))["access_token"]

    async def make(self, load: Load) -> str:
        """Make the workflow of a load; return its id."""
        made = await self.call(
            "POST", "/api/workflows", {"name": load.title, "graph": dict(load.graph)}
        )
        return str(made["id"])

    async def drive(
        self, load: Load, workflow_id: str, in_flight: int, seconds: float, count: int = 0
    ) -> Phase:
        """Keep so many requests in flight for some seconds, or for `count` runs."""
        body = {"input": load.given, "wait": 30}
        request = request_bytes("POST", f"/api/workflows/{workflow_id}/runs", body, self.token)
        phase = Phase(load.name, in_flight, [])
        known = self.acknowledged.setdefault(load.name, [])
        began = time.perf_counter()
        until = began + seconds

        async def one_after_the_other() -> None:
            connection = await Connection.open(self.url)
            while time.perf_counter() < until and (not count or phase.runs < count):
                phase.runs += 1
                start = time.perf_counter()
                status, answer = await connection.send(request)
                phase.times.append((time.perf_counter() - start) * 1000)
                told = json.loads(answer)
                if status == 200 and told["output"] == load.output:
                    known.append(told["id"])
                elif status == 202:
                    known.append(told["run_id"])
                    phase.failed += 1
                else:
                    phase.failed += 1
                    self.wrong.append(
                        f"{load.name} {status} {answer[:300].decode(errors='replace')}"
                    )
            connection.close()

        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
        phase.rate = phase.runs / (time.perf_counter() - began)
        return phase


async def measure(client: Client, pids: list[int], seconds: float) -> Iterator[Phase]:
    """Drive all loads: one at a time, and many at once."""
    phases = []
    for load, many in ((W1, 16), (W2, 64), (W3, 16), (W4, 16)):
        workflow_id = await client.make(load)
        await client.drive(load, workflow_id, 4, 60, WARM_UP)
        for in_flight in (1, many):
            before = cpu_seconds(pids)
            phase = await client.drive(load, workflow_id, in_flight, seconds)
            after = cpu_seconds(pids)
            used = {name: (after[name] - before.get(name, 0)) * 1000 / phase.runs for name in after}
            phase.cpu = {name: round(ms, 2) for name, ms in used.items() if ms > 0.02}
            phases.append(phase)
            print(f"  {load.name} at {in_flight:2}: p50 {phase.at(0.5):7.2f} ms, {phase.rate:6.1f}/s, {phase.failed} failed, cpu {phase.cpu}", flush=True)  # fmt: skip
    return phases


async def stored_rightly(client: Client, database_url: str, data: Path) -> str:
    """Look up every acknowledged run; say what was found.

    Raises:
        SystemExit: One is missing, did not succeed, or has a wrong output or a wrong number of steps.
    """
    found = {row[0]: row[1:] for row in await _rows(database_url, data)}
    wrong = list(client.wrong)
    for load in (W1, W2, W3, W4):
        for run_id in client.acknowledged.get(load.name, ()):
            status, output, steps = found.get(run_id, ("missing", None, 0))
            if status != "succeeded" or output != load.output or steps != load.steps:
                wrong.append(f"{load.name} {run_id}: {status}, {steps} steps, {str(output)[:80]}")
    total = sum(len(ids) for ids in client.acknowledged.values())
    unasked = len(found) - total
    if wrong or unasked:
        raise SystemExit(
            f"{len(wrong)} runs are wrong, {unasked} nobody asked for, such as:\n"
            + "\n".join(wrong[:5])
        )
    return f"{total:,} acknowledged runs: all in the database, succeeded, with the right output and steps"


_QUERY = """SELECT run.id, run.status, run.output, (SELECT count(*) FROM step WHERE step.run_id = run.id
            AND step.status = 'succeeded') FROM run"""


async def _rows(database_url: str, data: Path) -> list[tuple[Any, ...]]:
    if database_url:
        connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
        rows: Any = await connection.fetch(_QUERY)
        await connection.close()
    else:
        with sqlite3.connect(f"file:{data / 'agentloom.db'}?mode=ro", uri=True) as connection:
            rows = connection.execute(_QUERY).fetchall()
    return [(row[0], row[1], json.loads(row[2]) if row[2] else None, row[3]) for row in rows]


async def first_answer(client: Client, workflow_id: str = "") -> float:
    """Ask until the first right answer of W1 comes; return the clock then."""
    while True:
        try:
            if not client.token:
                await client.sign_in()
            workflow_id = workflow_id or await client.make(W1)
            body = {"input": W1.given, "wait": 30}
            told = await client.call("POST", f"/api/workflows/{workflow_id}/runs", body)
            if told.get("output") == W1.output:
                client.acknowledged.setdefault("W1", []).append(told["id"])
                return time.monotonic()
        except (OSError, RuntimeError):
            pass
        await asyncio.sleep(0.02)


async def _start(shop: Product, client: Client, workflow_id: str = "") -> float:
    began = time.monotonic()
    asking = asyncio.create_task(first_answer(client, workflow_id))
    await asyncio.to_thread(shop.start)
    return await asking - began


async def of_database(kind: str, seconds: float, found: dict[str, Any]) -> None:
    """Measure everything on one kind of database, and print its table."""
    with ExitStack() as stack:
        data = Path(tempfile.mkdtemp(prefix="agentloom-bench-"))
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        url, pids = "", []
        if kind == "postgresql":
            url, pg_pid = stack.enter_context(postgres())
            pids.append(pg_pid)
        model_url, mock_pid = stack.enter_context(mock_model())
        shop = product(data, model_url, url)
        stack.callback(shop.stop)
        client = Client(f"http://127.0.0.1:{shop.port}")
        empty = await _start(shop, client)
        workflow_id = await client.make(W1)
        starts = []
        for _ in range(3):
            shop.stop()
            starts.append(await _start(shop, client, workflow_id))
        await asyncio.sleep(15)
        memory = memory_mb(shop.pid)
        print(f"{kind}: start {empty:.1f} s, again {min(starts):.1f}–{max(starts):.1f} s, idle {sum(memory.values()):.0f} MB", flush=True)  # fmt: skip
        phases = await measure(client, [shop.pid, mock_pid, *pids], seconds)
        busy = memory_mb(shop.pid)
        said = await stored_rightly(client, url, data)
    found[kind] = {
        "start_empty_s": empty, "start_s": statistics.median(starts), "idle_mb": memory, "busy_mb": busy, "said": said,
        "phases": [{**vars(p), "times": None, "p50": p.at(0.5), "p95": p.at(0.95), "p99": p.at(0.99)} for p in phases],
    }  # fmt: skip
    print_table(kind, found)


def print_table(kind: str, found: Mapping[str, Any]) -> None:
    """Print what was measured on one database as a Markdown table."""
    of = found[kind]
    print(
        f"\n### {kind}\n\n| load | in flight | p50 ms | p95 ms | p99 ms | runs/s | CPU ms per run |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    titles = {load.name: load.title for load in (W1, W2, W3, W4)}
    for p in of["phases"]:
        cpu = ", ".join(
            f"{name} {ms:.1f}" for name, ms in sorted(p["cpu"].items(), key=lambda one: -one[1])
        )
        print(f"| {p['load']} {titles[p['load']]} | {p['in_flight']} | {p['p50']:.2f} | {p['p95']:.2f} | {p['p99']:.2f} | {p['rate']:.0f} | {cpu} |")  # fmt: skip
    memory = ", ".join(f"{name} {mb:.0f}" for name, mb in of["idle_mb"].items())
    print(f"\nStart to the first right answer: {of['start_empty_s']:.1f} s with empty data (account, workflow and run made over the API), {of['start_s']:.1f} s again (median of 3).")  # fmt: skip
    print(f"Idle memory: {sum(of['idle_mb'].values()):.0f} MB ({memory}); under load {sum(of['busy_mb'].values()):.0f} MB.")  # fmt: skip
    print(f"Afterwards: {of['said']}.\n", flush=True)


async def of_langgraph(seconds: float, found: dict[str, Any]) -> None:
    """Measure the reference and print its table."""
    with mock_model() as (url, _):
        found["langgraph"] = await reference(url, seconds)
    print("\n### plain LangGraph in one process, nothing stored\n\n| load | at once | p50 ms | runs/s |\n| --- | --- | --- | --- |")  # fmt: skip
    for row in found["langgraph"]:
        print(
            f"| {row['load']} | {row['in_flight']} | {row['p50']:.2f} | {row['rate']:.0f} |",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.no_build:
        ensure_built()
    found: dict[str, Any] = {}
    for kind in ("sqlite", "postgresql"):
        if options.only in (None, kind):
            asyncio.run(of_database(kind, options.seconds, found))
    asyncio.run(of_langgraph(min(options.seconds, 5), found))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
