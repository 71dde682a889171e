"""Waiting for a place that workspaces share: told in the step, and no time of the step's own limit."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from app.engine.host import Limits
from app.engine.testing import FakeHost
from tests.engine.tiny import box, plan_of, run

ANSWER = {"http": {"http://x/": {"text": "ok"}}}
BEGIN = box("begin", "start")


class Places:
    """A pool in which one waits for so long; and which places are held now."""

    def __init__(self, wait_s, before=3):
        self.wait_s = wait_s
        self.before = before
        self.held = []
        self.most = 0

    @asynccontextmanager
    async def __call__(self, pool, waits):
        if self.wait_s:
            waits(self.before)
            await asyncio.sleep(self.wait_s)
        self.held.append(pool)
        self.most = max(self.most, len(self.held))
        try:
            yield
        finally:
            self.held.remove(pool)


def fetching(**settings):
    fetch = box("fetch", "tool.http", url="http://x/", settings=settings)
    return plan_of(BEGIN, fetch, edges="begin>fetch")


def lines(host):
    return [event.payload["message"] for event in host.journal.events if event.type == "step.log"]


async def test_a_wait_longer_than_the_time_limit_of_the_step_is_no_failure_and_is_told():
    host = FakeHost(ANSWER, place=Places(0.6))
    outcome = await run(fetching(timeout_s=0.3), host)
    assert outcome.status == "succeeded", outcome.error
    assert lines(host) == [
        "Waits for a connection to the outside: all places are taken, 3 of this workspace come first."
    ]
    (span,) = host.journal.spans.values()
    assert span.attributes["queued_ms"] >= 600


async def test_what_comes_after_the_wait_has_the_whole_limit_and_no_more():
    class Slow(FakeHost):
        async def http(self, request):
            await asyncio.sleep(0.3)
            return await super().http(request)

    done = await run(fetching(timeout_s=0.6), Slow(ANSWER, place=Places(0.5)))
    assert done.status == "succeeded"
    late = await run(fetching(timeout_s=0.2), Slow(ANSWER, place=Places(0.5)))
    assert late.error["code"] == "step_timed_out"


async def test_the_time_of_the_run_goes_on_meanwhile():
    host = FakeHost(ANSWER, place=Places(5))
    outcome = await run(fetching(timeout_s=3), host, limits=Limits(timeout_s=0.4))
    assert outcome.error["code"] != "step_timed_out"
    assert outcome.status == "failed"
    assert "0.4" in outcome.error["message"]


async def test_a_place_that_is_free_says_nothing():
    host = FakeHost(ANSWER, place=Places(0))
    assert (await run(fetching(), host)).status == "succeeded"
    assert lines(host) == []
    assert "queued_ms" not in next(iter(host.journal.spans.values())).attributes


async def test_the_place_is_given_back_after_a_failure_and_a_cancel():
    places = Places(0)
    await run(fetching(), FakeHost({"http": {}}, place=places))
    assert (places.held, places.most) == ([], 1)
    places, cancelled = Places(60), asyncio.Event()
    running = asyncio.create_task(
        run(fetching(), FakeHost(ANSWER, place=places), cancelled=cancelled)
    )
    await asyncio.sleep(0.1)
    cancelled.set()
    assert (await running).status == "canceled"
    assert places.held == []


async def test_work_in_a_process_takes_a_place_too():
    places = Places(0.01)
    work = box("work", "block", function="tests.fakes.blocks:double", arguments={"value": "{{ input }}"})  # fmt: skip
    host = FakeHost(place=places)
    outcome = await run(plan_of(BEGIN, work, edges="begin>work"), host, "ab")
    assert (outcome.output, places.most) == ("abab", 1)


@pytest.mark.parametrize("inside", [False, True])
async def test_a_wait_in_a_body_stops_the_clock_of_its_own_step_only(inside):
    fetch = box("fetch", "tool.http", url="http://x/", parent="loop", settings={"timeout_s": 0.2})
    limit = {"timeout_s": 0.3} if inside else {}
    loop = box("loop", "logic.for_each", settings=limit)
    host = FakeHost(ANSWER, place=Places(0.6))
    outcome = await run(plan_of(BEGIN, loop, fetch, edges="begin>loop"), host, [1, 2])
    assert outcome.status == ("failed" if inside else "succeeded")


async def test_a_call_of_a_model_takes_a_place_and_waits_outside_of_the_time_limit():
    places = Places(0.5, before=0)
    host = FakeHost({"models": ["Hello"]}, place=places)
    say = box("say", "say", settings={"timeout_s": 0.3})
    outcome = await run(plan_of(BEGIN, say, edges="begin>say"), host, "Hi")
    assert (outcome.status, places.most) == ("succeeded", 1)
    assert "the model" in lines(host)[0]


async def test_a_tool_that_waits_stops_the_clock_of_its_agent_too():
    call = {"tool": "fetch", "arguments": {"q": "1"}}
    host = FakeHost(
        {**ANSWER, "models": [call, "done"]},
        place=Places(0.8),
    )
    agent = box("agent", "agent", settings={"timeout_s": 1.5})
    fetch = box("fetch", "tool.http", url="http://x/", headers={"x": "{{ args.q }}"}, settings={"timeout_s": 0.6})  # fmt: skip
    outcome = await run(
        plan_of(BEGIN, agent, fetch, edges="begin>agent fetch.tool>agent.tools"), host, "Hi"
    )
    assert outcome.status == "succeeded", outcome.error
