"""A provider that is busy, or away for a moment, does not fail a run; all tries are told."""

import pytest

from app.engine.host import Limits
from app.engine.runtime import retry
from tests.engine.wired import agent, chat, told
from tests.fakes.scripted_model import call

FINE = {"content": "done"}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(retry, "CALL_PAUSE_S", 0.01)


def busy(status=429, **headers):
    return {"status": status, "headers": headers}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
async def test_one_refusal_of_a_busy_provider_does_not_fail_a_run(status):
    result = await told(chat(), busy(status), FINE)
    assert (result.output, len(result.requests)) == ("done", 2)


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "done", "hangs_up": 0},
        {"content": "done", "hangs_up": 30},
        {"deltas": [], "finish": None, "ends": False},
        {"deltas": [{"reasoning": "Hm"}], "finish": None, "ends": False},
        {"body": 'data: {"error": {"type": "overloaded_error", "message": "busy"}}\n\n'},
        {"body": 'data: {"error": {"code": "429", "message": "busy"}}\n\n'},
        {"deltas": [], "finish": "error"},
    ],
    ids=["nothing", "half a line", "no end", "reasoning only", "overloaded", "limited", "failed"],
)
async def test_a_connection_that_is_lost_before_anything_was_said_is_made_again(turn):
    result = await told(chat(), turn, FINE)
    assert (result.output, len(result.requests)) == ("done", 2)


async def test_three_tries_are_all():
    result = await told(chat(), busy())
    assert (result.error["code"], result.error["retryable"]) == ("upstream_failed", True)
    assert "3 tries" in result.error["message"]
    assert len(result.requests) == 3


async def test_each_try_is_told():
    result = await told(chat(), busy(), busy(503), FINE)
    spans = [(s.name, s.status) for s in result.host.journal.spans.values() if s.kind == "llm"]
    assert spans == [
        ("chat", "failed"),
        ("chat (try 2)", "failed"),
        ("chat (try 3)", "succeeded"),
    ]
    lines = [e.payload for e in result.host.journal.events if e.type == "step.log"]
    assert [line["fields"]["status"] for line in lines] == [429, 503]
    assert "made again" in lines[0]["message"]
    assert len(result.host.journal.calls) == 1, "what was refused used nothing"


async def test_the_pause_that_is_asked_for_is_kept_and_bounded(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("app.engine.runtime.completion.asyncio.sleep", sleep)
    result = await told(chat(), busy(**{"Retry-After": "7"}), FINE)
    assert (result.output, slept) == ("done", [7.0])
    result = await told(chat(), busy(**{"Retry-After": "31"}), FINE)
    assert "31 seconds" in result.error["message"]
    assert (len(result.requests), len(slept)) == (1, 1)


async def test_a_pause_beyond_the_time_limit_fails_at_once():
    node = {**chat(), "settings": {"timeout_s": 2}}
    result = await told(node, busy(**{"Retry-After": "5"}), FINE)
    assert "beyond the time limit" in result.error["message"]
    assert len(result.requests) == 1
    result = await told(chat(), busy(**{"Retry-After": "5"}), FINE, limits=Limits(timeout_s=3))
    assert "beyond the time limit" in result.error["message"]


async def test_the_nodes_own_retries_may_wait_for_longer():
    node = {**chat(), "settings": {"retries": 1, "retry_delay_s": 0}}
    result = await told(node, busy(**{"Retry-After": "60"}), FINE)
    assert result.outcome.status == "waiting"
    assert [wait.kind for wait in result.host.journal.waits.values()] == ["retry"]


async def test_no_second_answer_follows_on_what_people_have_seen():
    half = {"content": "Once upon", "finish": None, "ends": False}
    result = await told(chat(), half, FINE)
    assert "broke off in the middle" in result.error["message"]
    assert (len(result.requests), result.streamed) == (1, "Once upon")


async def test_what_a_call_used_that_broke_off_is_counted():
    half = {"content": "Once upon a time", "finish": None, "ends": False}
    result = await told(chat(), half)
    assert result.host.journal.patches[-1].tokens == 15
    result = await told(chat(), {**half, "usage": None})
    (one,) = result.host.journal.calls
    assert one.is_estimated
    assert one.output_tokens > 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_cannot_pass_is_not_tried_again(status):
    result = await told(chat(), busy(status), FINE)
    assert (result.error["code"], len(result.requests)) == ("upstream_refused", 1)


async def test_an_agent_s_tools_are_not_called_again_for_a_busy_provider():
    result = await told(agent(), {"deltas": [{"tool_calls": [call()]}]}, busy(503), FINE)
    assert result.output["tools_called"] == ["add"]
    assert len(result.requests) == 3


async def test_a_server_that_is_not_there_is_asked_three_times(monkeypatch):
    tries = []
    made = retry.call_pause_s

    def counted(error, tried):
        tries.append(tried)
        return made(error, tried)

    monkeypatch.setattr("app.engine.runtime.completion.call_pause_s", counted)
    from tests.engine import wired

    class Away(wired.ScriptedModel):
        async def __aenter__(self):
            await super().__aenter__()
            self._server.close()
            await self._server.wait_closed()
            return self

    monkeypatch.setattr(wired, "ScriptedModel", Away)
    result = await told(chat(), FINE)
    assert "cannot be reached" in result.error["message"]
    assert "127.0.0.1'" not in result.error["message"]
    assert tries == [1, 2]
