"""Limits of tokens and money hold also where a server says nothing, and a price is unknown."""

import pytest

from app.engine.host import Limits
from tests.engine.wired import agent, chat, extract, told
from tests.fakes.scripted_model import call

SILENT = {
    "content": "Twelve words that a server sends without a count of its tokens.",
    "usage": None,
}
DEAR = Limits(max_cost_microusd=1_000_000)


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": None}, "many"],
)
async def test_usage_that_is_not_told_is_estimated_and_said_so(usage):
    result = await told(chat(prompt="How many words are there?"), {**SILENT, "usage": usage})
    (one,) = result.host.journal.calls
    assert one.is_estimated
    assert 6 <= one.input_tokens <= 20
    assert 12 <= one.output_tokens <= 30
    assert one.cost_microusd == 2 * (one.input_tokens + one.output_tokens)
    assert result.warnings == ["usage_estimated"]


async def test_only_what_is_missing_is_estimated():
    result = await told(chat(), {**SILENT, "usage": {"prompt_tokens": 77}})
    (one,) = result.host.journal.calls
    assert (one.input_tokens, one.is_estimated) == (77, True)
    assert one.output_tokens >= 12


async def test_reasoning_and_calls_are_estimated_too():
    turn = {"deltas": [{"reasoning": "so " * 100}, {"tool_calls": [call()]}], "usage": None}
    result = await told(agent(), turn, {"content": "done"})
    first, _ = result.host.journal.calls
    assert first.output_tokens >= 100


async def test_a_limit_on_tokens_stops_a_run_whose_server_tells_none():
    turn = {"deltas": [{"tool_calls": [call()]}], "usage": None}
    result = await told(agent(max_turns=50), turn, limits=Limits(max_tokens=1_500))
    assert result.error["code"] == "budget_exceeded"
    assert 500 < result.host.journal.patches[-1].tokens <= 1_500 + 400


async def test_a_model_without_a_price_is_refused_where_money_is_limited():
    for node in (chat(), agent(), extract()):
        result = await told(node, {"content": "Hello"}, limits=DEAR, price=None)
        assert (result.error["code"], result.error["retryable"]) == ("model_unpriced", False)
        assert "compatible/m1" in result.error["message"]
        assert "Models" in result.error["message"]
        assert result.requests == [], "no money is spent"


async def test_without_a_limit_an_unpriced_model_answers_and_is_unpriced():
    result = await told(chat(), {"content": "Hello"}, price=None)
    assert (result.output, result.host.journal.patches[-1].unpriced) == ("Hello", True)


async def test_a_price_holds_also_when_the_server_calls_the_model_otherwise():
    event = '{"model": "m1-2026-11-01", "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], '
    usage = '"usage": {"prompt_tokens": 10, "completion_tokens": 5}}'
    result = await told(chat(), {"body": f"data: {event}{usage}\n\ndata: [DONE]\n\n"}, limits=DEAR)
    assert result.host.journal.patches[-1].cost_microusd == 30


async def test_a_limit_on_money_stops_a_run():
    turn = {"deltas": [{"tool_calls": [call()]}], "usage": None}
    result = await told(agent(max_turns=50), turn, limits=Limits(max_cost_microusd=3_000))
    assert result.error["code"] == "budget_exceeded"
    assert 1_000 < result.host.journal.patches[-1].cost_microusd <= 3_000 + 800


LONG = {"deltas": [{"content": "on and on "}] * 4_000, "usage": None}


@pytest.mark.parametrize(
    "limits", [Limits(max_tokens=600), Limits(max_cost_microusd=1_200)], ids=["tokens", "money"]
)
async def test_one_long_answer_is_ended_where_the_limit_is(limits):
    result = await told(chat(), LONG, limits=limits)
    assert result.error["code"] == "budget_exceeded"
    assert result.requests[0]["max_tokens"] < 600
    assert len(result.streamed) < 10 * 600
    assert result.host.journal.patches[-1].tokens < 1_400, "an estimate, rather too high"


@pytest.mark.parametrize("asked", [None, 100_000])
async def test_an_answer_that_the_run_s_limit_cut_off_says_so(asked):
    turn = {"content": "Once upon", "finish": "length"}
    result = await told(chat(max_tokens=asked), turn, limits=Limits(max_tokens=500))
    assert result.error["code"] == "budget_exceeded"
    assert "`max_tokens`" in result.error["message"]
    assert 400 < result.requests[0]["max_tokens"] < 500


async def test_a_limit_that_is_far_away_is_not_sent():
    result = await told(chat(), {"content": "Hi"}, limits=Limits(max_tokens=1_000_000))
    assert "max_tokens" not in result.requests[0]


async def test_a_question_that_is_larger_than_the_limit_is_not_asked():
    result = await told(
        chat(prompt="word " * 5_000), {"content": "Hi"}, limits=Limits(max_tokens=1_000)
    )
    assert result.error["code"] == "budget_exceeded"
    assert result.requests == []


@pytest.mark.parametrize("own", [None, 40])
async def test_branches_side_by_side_go_over_by_one_call_at_most(own):
    turn = {"content": "Some words that take a few tokens of the run.", "usage": None}
    result = await told(chat(max_tokens=own), turn, limits=Limits(max_tokens=200), copies=16)
    assert result.error["code"] == "budget_exceeded"
    assert result.host.journal.patches[-1].tokens <= 200 + 40


async def test_a_run_that_goes_on_keeps_what_it_had_used_before():
    result = await told(chat(), {"content": "Hi"}, limits=Limits(max_tokens=15))
    assert result.outcome.status == "succeeded"
    assert result.host.journal.patches[-1].tokens == 15
