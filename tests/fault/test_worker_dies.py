"""Worker processes die, stall, are told to stop, and lose Redis: runs go on, and what has finished
is not repeated."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from app.kernel.settings import Settings
from app.models import Run, RunEvent, Step
from app.services.composition import close_app, open_app
from app.services.runs.lifecycle.commands import answer_step, cancel_run
from app.services.runs.reading.queries import list_approvals
from app.services.runs.starting.start import StartRun, start_run
from tests.graphs import APPROVAL, PUT, START, edge, node, slow
from tests.rows import make_actor, make_workflow

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.fault

WORKER = """
import asyncio, os, sys
from app.adapters.host import RunHost, World
from app.adapters.sql.memory import SqlMemory
from app.engine.sdk import CodeResult, HttpReply
from app.kernel import log
from app.worker.main import main

calls, pause = sys.argv[1], float(sys.argv[2])

def note(text):
    with open(calls, "a") as file:
        file.write(f"{os.getpid()} {text}\\n")

async def http(request):
    note(request.url)
    await asyncio.sleep(pause)
    return HttpReply(status=200, headers={}, text="ok", url=request.url)

class SlowMemory(SqlMemory):
    async def put(self, scope, key, value):
        note("put")
        await asyncio.sleep(pause)
        await super().put(scope, key, value)

async def embed(texts): return []
async def python(source, inputs, timeout_s): return CodeResult()

def make_host(app, journal, workflow_id):
    memory = SlowMemory(app.database, journal.workspace_id, workflow_id)
    return RunHost(World(app.models, embed, http, python), journal, memory)

log.set_up("INFO")
main(concurrency=10, drain_s=float(sys.argv[3]), make_host=make_host)
"""


_CHECK = node("check", "human.approval", {"title": "Send it?", "value": "x"})
_AFTER = node("after", "tool.http", {"url": "https://slow.example/after"})
_BESIDE = node("beside", "tool.http", {"url": "https://slow.example/beside"})
BESIDE = {
    "schema": 1,
    "nodes": [START, _CHECK, _AFTER, _BESIDE],
    "edges": [edge(START, _CHECK), edge(_CHECK, _AFTER), edge(START, _BESIDE)],
}
"""A question with a call behind it, and another call beside them."""


class Workers:
    """Worker processes of a test, and the calls to the outside they made."""

    def __init__(self, config: Settings, directory: Path) -> None:
        self.calls_file = directory / "calls.txt"
        self.log = directory / "worker.log"
        self.mark = directory / "was-here"
        self._config = config
        self._processes: list[subprocess.Popen] = []

    def start(self, pause: float = 0.1, drain_s: float = 5) -> subprocess.Popen:
        env = {
            **os.environ,
            "DATABASE_URL": self._config.database_url,
            "REDIS_URL": self._config.redis_url,
            "AGENTLOOM_DATA": str(self._config.data_dir),
            "PYTHONPATH": str(ROOT),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(self.calls_file), str(pause), str(drain_s)],
            cwd=ROOT,
            env=env,
            stderr=self.log.open("a"),
        )
        self._processes.append(process)
        return process

    def calls(self) -> list[str]:
        """What was called, in order, by whichever worker."""
        if not self.calls_file.exists():
            return []
        return [line.split()[1] for line in self.calls_file.read_text().splitlines()]

    def who_called(self) -> list[int]:
        """The process of each call."""
        return [int(line.split()[0]) for line in self.calls_file.read_text().splitlines()]

    def close(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@pytest.fixture
async def app(database_url, own_redis, tmp_path):
    config = Settings(
        data_dir=tmp_path / "data", database_url=database_url, redis_url=own_redis.url
    )
    opened = await open_app(config)
    yield opened
    await close_app()


@pytest.fixture
def workers(app, tmp_path):
    made = Workers(app.settings, tmp_path)
    yield made
    made.close()


@pytest.fixture
async def actor(app):
    return await make_actor(app.database)


async def begin(app, actor, graph):
    workflow_id = await make_workflow(app.database, actor, graph)
    async with app.database.work() as uow:
        return (
            await start_run(app, uow, actor, StartRun(workflow_id=workflow_id, input={"text": "x"}))
        ).id


async def row(app, run_id):
    async with app.database.read() as uow:
        return await uow.session.get_one(Run, run_id)


async def until(is_true, seconds=40.0, what="it"):
    end = time.monotonic() + seconds
    while not await is_true():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.05)


async def until_status(app, run_id, status):
    async def reached():
        return (await row(app, run_id)).status == status

    await until(reached, what=f"status {status}")


async def until_calls(workers, count):
    async def reached():
        return len(workers.calls()) >= count

    await until(reached, what=f"{count} calls")


async def until_ready(app, count):
    async def ready():
        return app.queue._redis.scard("rq:workers") == count

    await until(ready, what=f"{count} workers")


async def assert_whole(app, run_id, steps):
    """Every step is final and each event is there once."""
    async with app.database.read() as uow:
        found = (
            (await uow.session.execute(select(Step).where(col(Step.run_id) == run_id)))
            .scalars()
            .all()
        )
        events = await uow.session.execute(
            select(RunEvent.seq).where(col(RunEvent.run_id) == run_id).order_by(RunEvent.seq)
        )
        numbers = list(events.scalars())
    assert len(found) == steps
    assert {step.status for step in found} == {"succeeded"}
    assert numbers == list(range(1, len(numbers) + 1))


async def freeze(app, process):
    """Stop a process, but not in the middle of a write: on SQLite it would hold the only lock, and nobody could go on."""
    while True:
        process.send_signal(signal.SIGSTOP)
        try:
            await app.database.transact(lambda _: None)
        except OperationalError:
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_second_worker_goes_on_and_repeats_no_finished_step(app, actor, workers):
    both = {process.pid: process for process in (workers.start(), workers.start())}
    await until_ready(app, len(both))
    run_id = await begin(app, actor, slow(20))
    await until_calls(workers, 10)
    dying = both[workers.who_called()[-1]]
    dying.kill()
    died_at = time.monotonic()
    dying.wait()
    done_before = len(workers.calls())
    await until_calls(workers, done_before + 1)
    recovered_after = time.monotonic() - died_at
    await until_status(app, run_id, "succeeded")
    await assert_whole(app, run_id, 22)
    calls = [url.rsplit("/", 1)[1] for url in workers.calls()]
    assert len(calls) <= 21, "only the step in flight may run twice"
    assert list(dict.fromkeys(calls)) == [str(i) for i in range(20)]
    assert recovered_after < 8, "lease 2 s, a sweep each half second"
    assert (await row(app, run_id)).attempts == 1


async def test_a_stalled_worker_that_wakes_up_finds_itself_refused(app, actor, workers):
    zombie = workers.start(pause=0.3)  # so that the run outlasts the start of the other one
    run_id = await begin(app, actor, slow(60))
    await until_calls(workers, 3)
    other = workers.start()
    await until_ready(app, 2)
    await freeze(app, zombie)

    async def taken_over():
        return (await row(app, run_id)).epoch == 2

    await until(taken_over, what="the takeover")
    zombie.send_signal(signal.SIGCONT)
    await until_status(app, run_id, "succeeded")
    await assert_whole(app, run_id, 62)
    assert (await row(app, run_id)).epoch == 2, "the zombie did not take it back"
    assert len(workers.calls()) <= 62, "at most the step in flight ran in both"
    assert set(workers.who_called()) == {zombie.pid, other.pid}
    assert zombie.poll() is None


async def test_a_worker_that_is_told_to_stop_hands_its_runs_over(app, actor, workers):
    first = workers.start(pause=0.3, drain_s=0)
    run_id = await begin(app, actor, slow(10))
    await until_calls(workers, 2)
    first.terminate()
    assert await asyncio.to_thread(first.wait, 20) == 0
    handed_over = await row(app, run_id)
    assert (handed_over.status, handed_over.attempts) == ("pending", 0)
    workers.start(pause=0.01)
    await until_status(app, run_id, "succeeded")
    await assert_whole(app, run_id, 12)


async def test_a_worker_that_is_told_to_stop_first_lets_short_runs_end(app, actor, workers):
    worker = workers.start(pause=0.2, drain_s=20)
    run_id = await begin(app, actor, slow(5))
    await until_calls(workers, 1)
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, 20) == 0
    assert (await row(app, run_id)).status == "succeeded"


async def test_a_step_that_changes_the_outside_is_asked_about_after_a_kill(app, actor, workers):
    first = workers.start(pause=30)
    run_id = await begin(app, actor, PUT)
    await until_calls(workers, 1)
    first.kill()
    workers.start(pause=0)
    await until_status(app, run_id, "waiting")
    assert workers.calls() == ["put"], "nobody knows whether it took effect, so it is not repeated"
    async with app.database.work() as uow:
        [question] = await list_approvals(uow, actor)
        await answer_step(uow, actor, question.step_id, {"choice": "retry"})
    await until_status(app, run_id, "succeeded")
    assert workers.calls() == ["put", "put"]


@pytest.mark.parametrize("noticed", [False, True])
async def test_an_answer_given_while_another_branch_works_outlives_its_worker(
    app, actor, workers, noticed
):
    first = workers.start(pause=4)
    run_id = await begin(app, actor, BESIDE)
    await until_calls(workers, 1)

    async def asks():
        async with app.database.read() as uow:
            return bool(await list_approvals(uow, actor))

    await until(asks, what="the question")
    async with app.database.work() as uow:
        [question] = await list_approvals(uow, actor)
        await answer_step(uow, actor, question.step_id, {"choice": "approve"})
    if noticed:
        await until_calls(workers, 2)
        assert (await row(app, run_id)).status == "running", "the other branch is at work"
    first.kill()
    workers.start(pause=0.01)
    await until_status(app, run_id, "succeeded")
    await assert_whole(app, run_id, 4)
    assert not await asks()
    assert sorted({url.rsplit("/", 1)[1] for url in workers.calls()}) == ["after", "beside"]


async def test_cancel_reaches_another_process_within_two_seconds(app, actor, workers):
    workers.start(pause=30)
    run_id = await begin(app, actor, slow(1))
    await until_calls(workers, 1)
    async with app.database.work() as uow:
        await cancel_run(uow, actor, run_id)
    began = time.monotonic()
    await until_status(app, run_id, "canceled")
    assert time.monotonic() - began < 2


async def test_redis_may_lose_everything_while_runs_are_in_flight(app, actor, workers, own_redis):
    workers.start(pause=0.1)
    at_work = await begin(app, actor, slow(15))
    asked = await begin(app, actor, APPROVAL)
    await until_calls(workers, 3)
    await until_status(app, asked, "waiting")
    own_redis.stop()
    stored = await begin(app, actor, slow(2))
    async with app.database.work() as uow:
        [question] = await list_approvals(uow, actor)
        await answer_step(uow, actor, question.step_id, {"choice": "approve"})
    await asyncio.sleep(1)
    own_redis.start()
    for run_id in (at_work, asked, stored):
        await until_status(app, run_id, "succeeded")
    await assert_whole(app, at_work, 17)
    assert sum(url.endswith("/14") for url in workers.calls()) == 1


async def test_a_worker_may_start_before_redis(app, actor, workers, own_redis):
    own_redis.stop()
    worker = workers.start(pause=0)
    run_id = await begin(app, actor, slow(1))
    await asyncio.sleep(2)
    assert worker.poll() is None
    own_redis.start()
    await until_status(app, run_id, "succeeded")


async def test_a_job_that_names_something_else_is_thrown_away(app, actor, workers):
    queue = app.queue._queues["default"]
    queue.enqueue_call("os.system", args=(f"touch {workers.mark}",), job_id="evil")
    queue.enqueue_call("app.worker.jobs.execute", args=("run_none",), job_id="stale")
    workers.start(pause=0)
    run_id = await begin(app, actor, slow(1))
    await until_status(app, run_id, "succeeded")
    assert not workers.mark.exists()
    assert "none of ours" in workers.log.read_text()
