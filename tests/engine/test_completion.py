"""Model calls of a step: streamed, recorded, priced, bounded, repaired once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from app.engine.events import Event
from app.engine.host import Limits
from app.engine.providers.base import ChatRequest, Delta
from app.engine.testing import FakeHost, FakeModel
from app.kernel.errors import UpstreamFailed
from tests.engine.tiny import box, plan_of, run

SHAPE = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SAY = [box("begin", "start"), box("talk", "say")]


async def test_tokens_stream_and_the_call_is_recorded():
    host = FakeHost({"models": ["Hello dear world"]})
    outcome = await run(plan_of(*SAY, edges="begin>talk"), host, "Say hello please")
    assert outcome.output == "Hello dear world"
    assert [e.payload["text"] for e in host.journal.streamed] == ["Hello ", "dear ", "world"]
    assert {e.path for e in host.journal.streamed} == {"talk"}
    (span,) = host.journal.spans.values()
    assert (span.kind, span.status, span.attributes["completion"]) == (
        "llm",
        "succeeded",
        "Hello dear world",
    )
    assert span.attributes["first_token_ms"] >= 0
    assert span.attributes["messages"] == [{"role": "user", "text": "Say hello please"}]
    (call,) = host.journal.calls
    assert (call.span_id, call.input_tokens, call.output_tokens, call.cost_microusd) == (
        span.id,
        3,
        3,
        6,
    )


async def test_first_token_ms_is_the_time_to_the_first_text_not_to_the_last():
    class Slow(FakeModel):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            await asyncio.sleep(0.02)
            async for delta in super().stream(request):
                yield delta
            await asyncio.sleep(0.1)

    host = FakeHost()
    host.models.model = Slow(["one two"])
    await run(plan_of(*SAY, edges="begin>talk"), host, "x")
    (span,) = host.journal.spans.values()
    assert 15 <= span.attributes["first_token_ms"] < 100 <= host.journal.calls[0].duration_ms


async def test_the_event_that_ends_a_call_carries_its_tokens_and_cost():
    host = FakeHost({"models": ["one two"], "price": 1000})
    await run(plan_of(*SAY, edges="begin>talk"), host, "x")
    (ended,) = [e.payload["span"] for e in host.journal.events if e.type == "span.ended"]
    assert (ended["kind"], ended["tokens"], ended["cost_usd"]) == ("llm", 3, 0.003)


async def test_a_call_that_is_left_early_hangs_up_before_its_span_ends():
    class Peer(FakeModel):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            try:
                yield Delta(text="one")
                yield Delta(text="two")
            finally:
                hung_up.extend(span.status for span in host.journal.spans.values())

    def broken(event: Event) -> None:
        raise ValueError("nobody listens")

    hung_up: list[str] = []
    host = FakeHost()
    host.models.model = Peer([])
    host.journal.stream = broken
    outcome = await run(plan_of(*SAY, edges="begin>talk"), host, "x")
    assert "nobody listens" in outcome.error["message"]
    assert hung_up == ["running"]


async def test_step_run_and_ledger_agree_on_tokens_and_cost():
    host = FakeHost({"models": ["one two", "three"], "price": 1000})
    nodes = [*SAY, box("more", "say")]
    await run(plan_of(*nodes, edges="begin>talk talk>more"), host, "a b c")
    steps = host.journal.steps.values()
    patch = host.journal.patches[-1]
    assert (
        sum(s.tokens for s in steps)
        == patch.tokens
        == sum(c.input_tokens + c.output_tokens for c in host.journal.calls)
    )
    assert sum(s.cost_microusd for s in steps) == patch.cost_microusd == 8000
    assert host.journal.events[-1].payload["run"]["cost_usd"] == 0.008


async def test_a_call_without_a_price_is_unpriced_not_free():
    host = FakeHost({"models": ["one"], "price": None})
    await run(plan_of(*SAY, edges="begin>talk"), host, "x")
    assert host.journal.steps["talk"].cost_microusd is None
    assert host.journal.patches[-1].unpriced
    assert host.journal.events[-1].payload["run"]["cost_usd"] is None
    assert host.journal.steps["begin"].cost_microusd == 0


async def test_an_answer_of_another_shape_is_repaired_once():
    host = FakeHost({"models": ["I think it is four", '```json\n{"n": 4}\n```']})
    nodes = [box("begin", "start"), box("talk", "say", schema_=SHAPE)]
    outcome = await run(plan_of(*nodes, edges="begin>talk"), host, "x")
    assert outcome.output == {"n": 4}
    assert "not JSON" in host.model.requests[1].messages[-1].text
    assert len(host.journal.calls) == 2


async def test_an_answer_of_another_shape_twice_fails():
    host = FakeHost({"models": ['{"n": "four"}', '{"n": "4"}']})
    nodes = [box("begin", "start"), box("talk", "say", schema_=SHAPE)]
    outcome = await run(plan_of(*nodes, edges="begin>talk"), host, "x")
    assert outcome.error["code"] == "output_invalid"
    assert "$.n" in outcome.error["message"]
    assert host.journal.steps["talk"].tokens > 0


@pytest.mark.parametrize(
    ("limits", "word"),
    [(Limits(max_tokens=5), "tokens"), (Limits(max_cost_microusd=5), "cost")],
)
async def test_a_budget_stops_the_next_call(limits, word):
    host = FakeHost({"models": ["one two", "three"]})
    nodes = [*SAY, box("more", "say")]
    outcome = await run(plan_of(*nodes, edges="begin>talk talk>more"), host, "a b c", limits=limits)
    assert outcome.error["code"] == "budget_exceeded"
    assert word in outcome.error["message"]
    assert len(host.model.requests) == 1


async def test_what_earlier_lives_used_counts_towards_the_budget():
    host = FakeHost({"models": ["one"]})
    outcome = await run(
        plan_of(*SAY, edges="begin>talk"), host, "a", tokens=10, limits=Limits(max_tokens=10)
    )
    assert outcome.error["code"] == "budget_exceeded"


async def test_a_providers_failure_is_retried_and_each_call_has_its_span():
    host = FakeHost({"models": [UpstreamFailed("Too many requests", retry_after_s=0), "fine"]})
    nodes = [box("begin", "start"), box("talk", "say", settings={"retries": 1, "retry_delay_s": 0})]
    outcome = await run(plan_of(*nodes, edges="begin>talk"), host, "x")
    assert outcome.output == "fine"
    spans = list(host.journal.spans.values())
    assert [(s.kind, s.status) for s in spans] == [
        ("attempt", "failed"), ("llm", "failed"), ("attempt", "succeeded"), ("llm", "succeeded")
    ]  # fmt: skip
    assert spans[1].parent_id == spans[0].id
    assert spans[1].attributes["error"]["code"] == "upstream_failed"


async def test_a_request_is_a_span_without_what_may_be_secret_in_its_address():
    url = "https://me:hidden@example.com/x?key=hidden2"
    host = FakeHost({"http": {url: {"status": 200, "text": "hello"}}})
    nodes = [box("begin", "start"), box("get", "fetch")]
    outcome = await run(plan_of(*nodes, edges="begin>get"), host, url)
    assert outcome.output == "hello"
    (span,) = host.journal.spans.values()
    assert (span.kind, span.name) == ("http", "GET https://example.com/x")
    assert span.attributes["status_code"] == 200
    assert "hidden" not in str(span)


async def test_secrets_in_prompts_do_not_stay_in_spans():
    host = FakeHost({"models": ["ok"]})
    await run(plan_of(*SAY, edges="begin>talk"), host, "use sk-abcdefghijklmnopqrstuvwxyz now")
    assert "sk-abc" not in str([s.attributes for s in host.journal.spans.values()])
