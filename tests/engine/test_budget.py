"""Limits of a run on tokens and money, with calls one after the other and many at once."""

import asyncio

import pytest

from app.engine.host import Limits
from app.engine.providers.base import Delta
from app.engine.sdk import Usage
from app.engine.testing import FakeHost
from tests.engine.tiny import box, plan_of, run


class SlowModel:
    """A model each of whose calls takes a moment and uses so many tokens."""

    def __init__(self, info, tokens):
        self.info, self.tokens = info, tokens
        self.at_once = self.most_at_once = self.calls = 0

    async def stream(self, request):
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0.01)
            yield Delta(text="x", usage=Usage(input_tokens=1, output_tokens=self.tokens - 1))
        finally:
            self.at_once -= 1


def parallel(count, **config):
    says = [box(f"say_{i}", "quiet", **config) for i in range(count)]
    wires = " ".join(f"begin>say_{i}" for i in range(count))
    return plan_of(box("begin", "start"), *says, edges=wires)


async def run_parallel(count, tokens, limits, **config):
    host = FakeHost()
    host.models.model = SlowModel(host.model.info, tokens)
    outcome = await run(parallel(count, **config), host, "x", limits=limits)
    return outcome, host.models.model, host.journal.patches[-1]


async def test_without_a_limit_all_calls_go_at_once():
    outcome, model, _ = await run_parallel(20, 100, Limits())
    assert (outcome.status, model.most_at_once) == ("succeeded", 20)


@pytest.mark.parametrize(
    "limits", [Limits(max_tokens=450), Limits(max_cost_microusd=450)], ids=["tokens", "money"]
)
async def test_of_many_calls_at_once_at_most_one_goes_over(limits):
    outcome, _, used = await run_parallel(20, 100, limits)
    assert (outcome.status, outcome.error["code"]) == ("failed", "budget_exceeded")
    assert 450 <= used.tokens <= 550


async def test_once_the_size_of_calls_is_known_as_many_go_at_once_as_fit():
    outcome, model, used = await run_parallel(9, 100, Limits(max_tokens=1000))
    assert (outcome.status, used.tokens) == ("succeeded", 900)
    assert 4 <= model.most_at_once <= 9


async def test_the_last_call_may_go_over_and_no_other_starts():
    _, model, used = await run_parallel(10, 1000, Limits(max_tokens=100))
    assert (model.calls, used.tokens) == (1, 1000)


async def test_a_spent_budget_in_a_loop_that_collects_failures_still_fails_the_run():
    host = FakeHost()
    host.models.model = SlowModel(host.model.info, 100)
    nodes = [
        box("begin", "start"),
        box("each", "logic.for_each", items="input", on_item_error="collect"),
        box("say", "quiet", parent="each"),
        box("after"),
    ]
    plan = plan_of(*nodes, edges="begin>each each.results>after")
    outcome = await run(plan, host, list(range(9)), limits=Limits(max_tokens=250))
    assert (outcome.status, outcome.error["code"]) == ("failed", "budget_exceeded")
    assert host.journal.patches[-1].tokens <= 350


@pytest.mark.parametrize("on_error", ["continue", "error_port", "ask"])
async def test_no_setting_passes_over_a_spent_budget(on_error):
    host = FakeHost({"models": ["a b c", "d e f"]})
    nodes = [
        box("begin", "start"),
        box("one", "quiet"),
        box("two", "quiet", settings={"on_error": on_error, "retries": 3, "retry_delay_s": 0}),
        box("after"),
    ]
    plan = plan_of(*nodes, edges="begin>one one>two two>after")
    outcome = await run(plan, host, "x", limits=Limits(max_tokens=5))
    assert (outcome.status, outcome.error["code"]) == ("failed", "budget_exceeded")
    assert len(host.model.requests) == 1
