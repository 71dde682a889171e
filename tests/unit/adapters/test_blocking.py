"""Blocking work: killed at its limit and on cancel, without leaving processes behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.adapters.process.blocking import BlockingPool
from app.kernel.errors import Defect, StepError, StepTimedOut, UpstreamRefused
from tests.fakes.blocks import whoami

BLOCKS = "tests.fakes.blocks"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def pool():
    made = BlockingPool(allowed=("tests.fakes.",), children=2)
    yield made
    await made.close()


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def gone(pid, within_s):
    end = time.monotonic() + within_s
    while is_alive(pid):
        assert time.monotonic() < end, f"process {pid} still lives after {within_s} s"
        await asyncio.sleep(0.02)


def children_of(pid):
    """Processes that a process started, and those that they did; as this machine counts them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")  # threads have their own
    try:
        own = [int(child) for each in lists for child in each.read_text().split()]
    except FileNotFoundError:
        return []
    return [one for child in own for one in (child, *children_of(child))]


BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def processes_of_others():
    """Servers that other tests of this process share are none of the children that are looked at."""
    BEFORE.clear()
    BEFORE.update(children_of(os.getpid()))


def started():
    """The processes that the test has started, and those that they did."""
    return [pid for pid in children_of(os.getpid()) if pid not in BEFORE]


async def sleeping_below(pid):
    """The processes at work for a process, once the innermost sleeps in C."""
    async with asyncio.timeout(20):
        while True:
            found = [one for one in children_of(pid) if one not in BEFORE]
            if found and call_of(found[-1]) in SLEEPS:
                return found
            await asyncio.sleep(0.02)


SLEEPS = ("230", "35", "115", "101")
"""Numbers of the system calls that sleep, of two kinds of processors."""


def call_of(pid):
    try:
        return Path(f"/proc/{pid}/syscall").read_text().split()[0]
    except OSError:
        return ""


async def test_it_gives_the_value_and_keeps_the_process(pool):
    assert await pool.run(f"{BLOCKS}:double", {"value": [1]}) == [1, 1]
    first = await pool.run(f"{BLOCKS}:whoami", {})
    assert first == await pool.run(f"{BLOCKS}:whoami", {}) != whoami()


async def test_a_value_of_megabytes_goes_through(pool):
    assert len(await pool.run(f"{BLOCKS}:double", {"value": "x" * 3_000_000})) == 6_000_000


async def test_sleeping_in_c_dies_at_its_time_limit(pool):
    await pool.run(f"{BLOCKS}:whoami", {})
    pids = started()
    began = time.monotonic()
    with pytest.raises(StepTimedOut):
        await pool.run(f"{BLOCKS}:sleep_in_c", {"seconds": 999}, 1.5)
    assert 1.5 <= time.monotonic() - began < 2.5
    for pid in pids:
        await gone(pid, 1)


async def test_a_cancel_kills_within_two_seconds(pool):
    task = asyncio.create_task(pool.run(f"{BLOCKS}:sleep_in_c", {"seconds": 999}))
    pids = await sleeping_below(os.getpid())
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for pid in pids:
        await gone(pid, 2)
    assert time.monotonic() - began < 2
    assert await pool.run(f"{BLOCKS}:double", {"value": 2}) == 4, "the next call is not disturbed"


async def test_closing_ends_the_children():
    pool = BlockingPool(allowed=("tests.fakes.",))
    await pool.run(f"{BLOCKS}:whoami", {})
    pids = started()
    await pool.close()
    assert pids
    for pid in pids:
        await gone(pid, 1)


async def test_no_child_outlives_a_parent_that_is_killed():
    program = f"""
import asyncio
from app.adapters.process.blocking import BlockingPool
pool = BlockingPool(allowed=("tests.fakes.",))
asyncio.run(pool.run("{BLOCKS}:sleep_in_c", {{"seconds": 999}}))
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)  # noqa: ASYNC220
    try:
        pids = await sleeping_below(parent.pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        for pid in pids:
            await gone(pid, 3)
    finally:
        parent.kill()
        parent.wait()


async def test_no_more_children_than_there_are_places(pool):
    pids = await asyncio.gather(*(pool.run(f"{BLOCKS}:whoami", {}) for _ in range(8)))
    assert len(set(pids)) <= 2


async def test_errors_of_ours_keep_their_class_and_others_become_a_sentence(pool):
    with pytest.raises(UpstreamRefused, match="The file is broken") as caught:
        await pool.run(f"{BLOCKS}:refuse", {})
    assert caught.value.context == {"field": "file"}
    with pytest.raises(StepError, match="ValueError: a bug"):
        await pool.run(f"{BLOCKS}:break_down", {})
    with pytest.raises(StepError, match="not JSON serializable"):
        await pool.run(f"{BLOCKS}:not_json", {})
    with pytest.raises(StepError, match="ended unexpectedly"):
        await pool.run(f"{BLOCKS}:die", {})
    assert await pool.run(f"{BLOCKS}:double", {"value": 2}) == 4


@pytest.mark.parametrize("function", ["os:system", "app.kernel.ids:new_id", "tests.graphs:chain"])
async def test_only_named_modules_can_be_called(pool, function):
    with pytest.raises(Defect):
        await pool.run(function, {})
    assert pool._idle == []


async def test_the_child_knows_nothing_of_our_environment(pool, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    assert "DATABASE_URL" not in await pool.run(f"{BLOCKS}:environment", {})
