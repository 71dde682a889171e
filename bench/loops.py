"""What long loops cost: memory and items a second, straight through and resumed half way.

    .venv/bin/python bench/loops.py [--items 100000] [--whole]

One process without Redis executes a For each over a list, with two data nodes in its box, into a new SQLite database. Then the same again, given up when half of the items are done and claimed anew by a second process, as
after a crash. `--whole` leaves the second part out. RSS is sampled every 100 ms from outside of the process.
"""

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

from app.adapters.sql.migrations import upgrade  # noqa: E402
from app.kernel.settings import Settings  # noqa: E402
from app.models import Run, Step  # noqa: E402
from app.services.app_context import AppContext  # noqa: E402
from app.services.composition import close_app, open_app  # noqa: E402
from app.services.runs.starting import StartRun, start_run  # noqa: E402
from app.worker.in_process import working_here  # noqa: E402
from tests.rows import make_actor, make_workflow  # noqa: E402

GRAPH: dict[str, Any] = {
    "schema": 1,
    "nodes": [
        {"id": "start", "kind": "trigger.manual"},
        {"id": "rows", "kind": "logic.for_each", "config": {"items": "trigger.rows"}},
        {"id": "line", "kind": "data.set", "parent": "rows",
         "config": {"values": {"n": "{{ item }}", "twice": "{{ item * 2 }}"}}},
        {"id": "text", "kind": "data.template", "parent": "rows",
         "config": {"template": "Row {{ input.n }} of {{ index }}"}},
    ],
    "edges": [
        {"id": "a", "source": "start", "source_port": "data", "target": "rows", "target_port": "input"},
        {"id": "b", "source": "line", "source_port": "data", "target": "text", "target_port": "input"},
    ],
}  # fmt: skip


async def _work(url: str, data: str, items: int, run_id: str) -> None:
    """In a process of its own: start the run, or go on with it, and say how it ended."""
    config = Settings(data_dir=Path(data), database_url=url, redis_url="none")
    if not run_id:
        await asyncio.to_thread(upgrade, config.database)
    parts = await open_app(config)
    try:
        if not run_id:
            actor = await make_actor(parts.database)
            workflow_id = await make_workflow(parts.database, actor, GRAPH)
            async with parts.database.work() as uow:
                asked = StartRun(workflow_id=workflow_id, input={"rows": list(range(items))})
                run_id = (await start_run(parts, uow, actor, asked)).id
                run = await uow.session.get_one(Run, run_id)
                run.limits = {"timeout_s": 3_600, "max_steps": items * 3}
        print(f"run {run_id}", flush=True)
        async with working_here(parts):
            run = await _ended(parts, run_id)
        async with parts.database.read() as uow:
            steps = await uow.session.scalar(
                select(func.count()).select_from(Step).where(Step.run_id == run_id)
            )
        own = psutil.Process().memory_info().rss
        print(
            json.dumps({"status": run.status, "error": run.error, "steps": steps, "rss": own}),
            flush=True,
        )
    finally:
        await close_app()


async def _ended(parts: AppContext, run_id: str) -> Run:
    while True:
        async with parts.database.read() as uow:
            run = await uow.session.get_one(Run, run_id)
        if run.status in ("succeeded", "failed"):
            return run
        await asyncio.sleep(0.05)


def _count(path: str) -> int:
    """How many steps are stored; none while there is no table yet."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=10)) as database:
        return int(database.execute("select count(*) from step").fetchone()[0])
    return 0


class Child:
    """A process at work, and the most memory it was seen with."""

    def __init__(self, url: str, data: str, items: int, run_id: str = "") -> None:
        command = [sys.executable, __file__, "--work", url, data, str(items), run_id]
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.rss, self.ended_at = 0, 0.0

    def watch(self, until: Any = None) -> None:
        """Sample until it ends, or until a condition holds."""
        seen, looked = psutil.Process(self.process.pid), 0.0
        while self.process.poll() is None:
            try:
                self.rss = max(self.rss, seen.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            if until and time.monotonic() - looked > 1:
                looked = time.monotonic()
                if until():
                    return
            time.sleep(0.1)
        self.ended_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return (self.ended_at or time.monotonic()) - self.began

    def said(self) -> list[str]:
        assert self.process.stdout
        return self.process.stdout.read().strip().splitlines()


def _report(name: str, child: Child, items: int) -> None:
    last = json.loads(child.said()[-1])
    print(
        f"{name:<22} {last['status']:<10} {last['steps']:>8,} steps  {items / child.seconds:>7,.0f} items/s  "
        f"{child.seconds:>6.1f} s  most memory {child.rss / 2**20:,.0f} MB"
    )
    if last["status"] != "succeeded":
        print(last["error"])
        raise SystemExit(1)


def main() -> None:
    """Measure both ways and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        child = Child(f"sqlite:///{folder}/one.db", folder, options.items)
        child.watch()
        _report("straight through", child, options.items)
        if options.whole:
            return
        url = f"sqlite:///{folder}/two.db"
        child = Child(url, folder, options.items)
        child.watch(lambda: _count(f"{folder}/two.db") >= options.items)
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        run_id = child.said()[0].split()[1]
        done = _count(f"{folder}/two.db") // 2
        print(f"killed with {done:,} items done, {child.rss / 2**20:,.0f} MB")
        child = Child(url, folder, options.items, run_id)
        child.watch()
        _report("resumed half way", child, options.items - done)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--work":
        asyncio.run(_work(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
    else:
        main()
