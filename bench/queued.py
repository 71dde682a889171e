"""What the queue carries: 10,000 queued runs, 1,000 waiting runs, and how soon a killed worker's run goes on.

    .venv/bin/python bench/queued.py [--only sqlite|postgresql] [--runs 10000] [--kills 7]

Each measurement has a database, a Redis and worker processes of its own (`.venv/bin/python -m app.cli worker`). Runs are stored
straight in the database and their jobs put into the queue; the rate is counted from the rows, between the start of the
first run and the end of the last one. Not called `queue.py`, because scripts of this folder would import that instead of
Python's own `queue`.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from sqlalchemy import func, insert, select  # noqa: E402
from sqlmodel import col  # noqa: E402

from app.adapters.sql.migrations import upgrade  # noqa: E402
from app.kernel.clock import now  # noqa: E402
from app.kernel.ids import new_id  # noqa: E402
from app.kernel.settings import Settings  # noqa: E402
from app.models import Run, Step  # noqa: E402
from app.services.app_context import AppContext  # noqa: E402
from app.services.composition import close_app, open_app  # noqa: E402
from bench.stack import postgres  # noqa: E402
from tests.conftest import RedisServer  # noqa: E402
from tests.graphs import APPROVAL, START, chain, node  # noqa: E402
from tests.rows import make_actor, make_run, make_workflow  # noqa: E402

ONE = chain(START, node("greet", "data.template", {"template": "Hi {{ trigger.name }}"}))
PAUSES = chain(
    START,
    *(node(f"w{at}", "logic.wait", {"wait_for": "seconds", "seconds": 0.2}) for at in range(60)),
)


@dataclass
class Place:
    """A database, a Redis and a data directory."""

    name: str
    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        """What a worker needs to work here."""
        return {
            **os.environ,
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "AGENTLOOM_DATA": str(self.settings.data_dir),
            "AGENTLOOM_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }


@contextlib.contextmanager
def place(kind: str) -> Iterator[Place]:
    """A fresh place, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="agentloom-queued-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        redis = RedisServer(home)
        redis.start()
        stack.callback(redis.stop)
        url = f"sqlite:///{home / 'bench.db'}"
        if kind == "postgresql":
            url = stack.enter_context(postgres())[0].replace("+asyncpg", "")
        settings = Settings(data_dir=home, database_url=url, redis_url=redis.url)
        upgrade(settings.database)
        yield Place(kind, settings)


class Workers:
    """Worker processes."""

    def __init__(self, where: Place) -> None:
        self._where = where
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, count: int, concurrency: int = 50) -> None:
        """Start so many more."""
        command = [
            sys.executable,
            "-m",
            "app.cli",
            "worker",
            "--concurrency",
            str(concurrency),
            "--drain",
            "0",
        ]
        for _ in range(count):
            self.processes.append(subprocess.Popen(command, cwd=ROOT, env=self._where.environment))

    @property
    def cpu_s(self) -> float:
        """CPU time they have used."""
        times = [psutil.Process(one.pid).cpu_times() for one in self.processes]
        return sum(one.user + one.system for one in times)

    @property
    def memory_mb(self) -> float:
        """Their memory (proportional set size)."""
        return sum(psutil.Process(one.pid).memory_full_info().pss for one in self.processes) / 1e6

    def end(self) -> None:
        """Kill them."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()


async def store(parts: AppContext, graph: dict[str, Any], count: int) -> None:
    """Store pending runs and put their jobs into the queue."""
    actor = await make_actor(parts.database)
    workflow_id = await make_workflow(parts.database, actor, graph)
    first = await make_run(
        parts.database, actor, workflow_id, graph=graph, status="pending", epoch=0
    )
    row = {**first.model_dump(), "input": {"name": "Ada", "text": "Ada"}}
    rows = [
        {**row, "id": new_id("run"), "number": at, "queued_at": now()} for at in range(1, count)
    ]
    if rows:
        async with parts.database.work() as uow:
            await uow.session.execute(insert(Run), rows)
    for at in range(0, count, 100):
        await asyncio.gather(*(parts.queue.enqueue(one["id"], 1) for one in rows[at : at + 100]))


async def count_of(parts: AppContext, status: str) -> int:
    """How many runs have this status."""
    async with parts.database.read() as uow:
        query = select(func.count()).select_from(Run).where(col(Run.status) == status)
        return int(await uow.session.scalar(query) or 0)


async def reached(parts: AppContext, status: str, count: int, seconds: float = 600) -> None:
    """Wait until so many runs have the status."""
    async with asyncio.timeout(seconds):
        while await count_of(parts, status) < count:
            await asyncio.sleep(0.25)


async def drain(where: Place, count: int, workers: int) -> tuple[float, float]:
    """How fast queued runs are worked off: runs a second, and the memory of the workers in MB."""
    parts, crew = await open_app(where.settings), Workers(where)
    try:
        await store(parts, ONE, count)
        crew.start(workers)
        await reached(parts, "succeeded", count)
        async with parts.database.read() as uow:
            began, ended = (
                await uow.session.execute(
                    select(func.min(Run.started_at), func.max(Run.finished_at))
                )
            ).one()
            steps = await uow.session.scalar(select(func.count()).select_from(Step))
            again = await uow.session.scalar(
                select(func.count()).select_from(Run).where(col(Run.epoch) > 1)
            )
        seconds = (_moment(ended) - _moment(began)).total_seconds()
        left, memory = len(await parts.queue.waiting()), crew.memory_mb
        print(
            f"| {where.name} | {workers} | {count / seconds:.0f} | {crew.cpu_s / count * 1000:.1f} | "
            f"{memory:.0f} | {again} twice, {steps} steps, {left} jobs left |",
            flush=True,
        )
        return count / seconds, memory
    finally:
        crew.end()
        await close_app()


def _moment(value: datetime | str) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


async def wait(where: Place, count: int) -> None:
    """What runs cost that wait for a person."""
    parts, crew = await open_app(where.settings), Workers(where)
    try:
        crew.start(1)
        await store(parts, APPROVAL, count)
        await reached(parts, "waiting", count)
        await asyncio.sleep(3)
        before, began = crew.cpu_s, time.monotonic()
        await asyncio.sleep(20)
        share = (crew.cpu_s - before) / (time.monotonic() - began)
        left = len(await parts.queue.waiting())
        print(
            f"| {where.name} | {count} waiting | {share * 100:.1f} % of a core | "
            f"{crew.memory_mb:.0f} MB | {left} jobs in the queue |",
            flush=True,
        )
    finally:
        crew.end()
        await close_app()


async def recover(where: Place, kills: int) -> None:
    """How long after kill -9 of its worker a run's next step ends elsewhere; each step takes 0.2 s."""
    parts, crew = await open_app(where.settings), Workers(where)
    took: list[float] = []
    try:
        crew.start(2)
        while parts.queue._redis.scard("rq:workers") < 2:
            await asyncio.sleep(0.1)
        for _ in range(kills):
            await store(parts, PAUSES, 1)
            async with parts.database.read() as uow:
                query = select(col(Run.id)).order_by(col(Run.queued_at).desc()).limit(1)
                run_id = (await uow.session.execute(query)).scalar_one()
            await parts.queue.enqueue(run_id, 1)
            while await _ended(parts, run_id) < 4:
                await asyncio.sleep(0.02)
            async with parts.database.read() as uow:
                owner = (await uow.session.get_one(Run, run_id)).worker or ""
            pid = int(owner.rsplit("-", 1)[1])
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            dead = next(one for one in crew.processes if one.pid == pid)
            dead.wait()
            crew.processes.remove(dead)
            done = await _ended(parts, run_id)
            while await _ended(parts, run_id) == done:
                await asyncio.sleep(0.02)
            took.append(time.monotonic() - killed)
            crew.start(1)
            await reached(parts, "succeeded", len(took))
        print(
            f"| {where.name} | {kills} kills | median {statistics.median(took):.1f} s | "
            f"worst {max(took):.1f} s | {', '.join(f'{one:.1f}' for one in sorted(took))} |",
            flush=True,
        )
    finally:
        crew.end()
        await close_app()


async def _ended(parts: AppContext, run_id: str) -> int:
    async with parts.database.read() as uow:
        query = select(func.count()).where(
            col(Step.run_id) == run_id, col(Step.status) == "succeeded"
        )
        return int(await uow.session.scalar(query) or 0)


def main() -> None:
    """Measure all, or what was chosen."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=("sqlite", "postgresql"))
    options.add_argument("--what", choices=("drain", "wait", "recover"))
    options.add_argument("--runs", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=7)
    given = options.parse_args()
    for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
        if given.what in (None, "drain"):
            for workers in (1, 2):
                with place(kind) as where:
                    asyncio.run(drain(where, given.runs, workers))
        if given.what in (None, "wait"):
            with place(kind) as where:
                asyncio.run(wait(where, 1_000))
        if given.what in (None, "recover"):
            with place(kind) as where:
                asyncio.run(recover(where, given.kills))


if __name__ == "__main__":
    main()
