"""Processes that fire schedules die at any moment, several at once: each time has one run."""

import asyncio
import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.kernel.clock import now
from app.models import Run, Schedule, ScheduleFire
from app.services.schedules.commands import NewSchedule, create_schedule
from tests.graphs import APPROVAL
from tests.rows import make_actor, make_workflow

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.fault

# no leader among them: all fire at once, as when a leader stands still and another takes over
SWEEPER = """
import asyncio, os, pathlib, sys
from app.kernel.settings import settings
from app.services.runtime import open_runtime
from app.worker.schedule import fire_schedules
from app.worker.sweeper import Duty, sweep_forever

async def main():
    parts = await open_runtime(settings())
    pathlib.Path(sys.argv[1], f"at-work-{os.getpid()}").touch()
    await sweep_forever(parts, [Duty(fire_schedules, every_s=0.02, alone=False)])

asyncio.run(main())
"""
SCHEDULES, BURST, SWEEPERS = 60, 6, 3


class Sweepers:
    """Processes that fire schedules, to be killed and replaced."""

    def __init__(self, database_url: str, redis_url: str, directory: Path) -> None:
        self.log = directory / "sweeper.log"
        self.killed = 0
        self._directory = directory
        self._env = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "AGENTLOOM_DATA": str(directory / "data"),
            "PYTHONPATH": str(ROOT),
        }
        self._processes: list[subprocess.Popen] = []

    def start(self) -> None:
        """Start one more."""
        command = [sys.executable, "-c", SWEEPER, str(self._directory)]
        with self.log.open("a") as log:
            self._processes.append(subprocess.Popen(command, cwd=ROOT, env=self._env, stderr=log))

    def at_work(self) -> list[subprocess.Popen]:
        """Those that have started up."""
        return [p for p in self._processes if (self._directory / f"at-work-{p.pid}").exists()]

    def kill_one(self, rng: random.Random) -> None:
        """Kill -9 one that works, unless it is the last one; another starts up meanwhile."""
        working = self.at_work()
        if len(working) < 2:
            return
        process = rng.choice(working)
        self._processes.remove(process)
        process.kill()
        process.wait()
        self.killed += 1
        self.start()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def sweepers(database_url, clean_redis, tmp_path):
    started = Sweepers(database_url, clean_redis, tmp_path)
    yield started
    started.close()


async def test_killed_sweepers_start_each_run_once_and_forget_none(database, sweepers):
    actor = await make_actor(database)
    workflow_id = await make_workflow(database, actor, APPROVAL)
    async with database.work() as uow:
        wish = NewSchedule(workflow_id=workflow_id, cron="0 0 1 1 *", input={"text": "x"})
        ids = [(await create_schedule(uow, actor, wish)).id for _ in range(SCHEDULES)]
    for _ in range(SWEEPERS):
        sweepers.start()
    async with asyncio.timeout(60):
        while len(sweepers.at_work()) < SWEEPERS:
            await asyncio.sleep(0.1)
    begin, due = now() + timedelta(seconds=1), {}
    async with database.work() as uow:
        for i, schedule_id in enumerate(ids):
            due[schedule_id] = begin + timedelta(seconds=i // BURST)
            await uow.session.execute(
                update(Schedule).where(col(Schedule.id) == schedule_id)
                .values(next_at=due[schedule_id])
            )  # fmt: skip
    rng, until = random.Random(7), time.monotonic() + 70
    while await _count(database, ScheduleFire) < SCHEDULES and time.monotonic() < until:
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        sweepers.kill_one(rng)
    async with database.read() as uow:
        fires = (await uow.session.execute(select(ScheduleFire))).scalars().all()
        runs = (await uow.session.execute(select(Run))).scalars().all()
    assert {fire.schedule_id: fire.fire_at for fire in fires} == due, sweepers.log.read_text()
    assert {fire.status for fire in fires} == {"fired"}
    assert {fire.run_id for fire in fires} == {run.id for run in runs}
    assert len(runs) == len(fires) == SCHEDULES
    assert sorted(run.number for run in runs) == list(range(1, SCHEDULES + 1))
    assert sweepers.killed >= 2


async def _count(database, table) -> int:
    async with database.read() as uow:
        return (await uow.session.execute(select(func.count()).select_from(table))).scalar_one()
