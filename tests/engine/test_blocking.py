"""Nodes that block are ended at their time limit and by a cancel."""

import asyncio
import time

import pytest

from app.adapters.process.blocking import BlockingPool
from app.engine.runtime import warm_up
from app.engine.testing import FakeHost
from tests.engine.tiny import box, plan_of, run, statuses


@pytest.fixture
async def host():
    pool = BlockingPool(allowed=("tests.fakes.",))
    await pool.run("tests.fakes.blocks:whoami", {})
    await warm_up()  # what is loaded once is not measured
    await run(plan_of(box("begin", "start")), FakeHost())
    yield FakeHost(blocking=pool.run)
    await pool.close()


async def test_a_node_that_sleeps_999_s_in_c_dies_at_its_time_limit(host):
    blocks = box("blocks", "block", settings={"timeout_s": 1.5})
    began = time.monotonic()
    outcome = await run(plan_of(box("begin", "start"), blocks, edges="begin>blocks"), host)
    assert (outcome.status, outcome.error["code"]) == ("failed", "step_timed_out")
    assert 1.5 <= time.monotonic() - began < 2.5


async def test_a_cancel_ends_it_within_two_seconds(host):
    cancelled = asyncio.Event()
    plan = plan_of(box("begin", "start"), box("blocks", "block"), edges="begin>blocks")
    running = asyncio.create_task(run(plan, host, cancelled=cancelled))
    while "blocks" not in statuses(host):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    began = time.monotonic()
    cancelled.set()
    assert (await running).status == "canceled"
    assert time.monotonic() - began < 2


async def test_what_it_gives_is_the_output_and_its_work_a_span(host):
    blocks = box(
        "blocks", "block", function="tests.fakes.blocks:double", arguments={"value": "{{ input }}"}
    )
    outcome = await run(plan_of(box("begin", "start"), blocks, edges="begin>blocks"), host, "ab")
    assert outcome.output == "abab"
    [span] = host.journal.spans.values()
    assert (span.kind, span.name, span.status) == ("code", "double", "succeeded")
