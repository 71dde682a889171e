"""What every model provider must do, on our fake of its wire and on the real local model."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from app.adapters.models.server import RunningServer
from app.engine.providers.anthropic import AnthropicApi, AnthropicChat
from app.engine.providers.base import ChatModel, ChatRequest, Delta, ModelInfo
from app.engine.providers.endpoint import Endpoint
from app.engine.providers.local import LocalChat
from app.engine.providers.openai import OpenAIApi, OpenAIChat
from app.engine.sdk.messages import Message, ToolCall, ToolSpec, Usage
from app.kernel.errors import UpstreamFailed, UpstreamRefused
from tests.fakes.model_server import ARGUMENTS, DATA, KEY, PIECES, TEXT, FakeModelServer

pytestmark = pytest.mark.usefixtures("closed_clients")

HELLO = (Message(role="system", text="Be brief."), Message(role="user", text="Hello"))
WEATHER = ToolSpec(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
LABEL = {
    "type": "object",
    "properties": {"label": {"enum": ["billing", "other"]}, "score": {"type": "integer"}},
    "required": ["label", "score"],
    "additionalProperties": False,
}
TALK = (
    Message(role="user", text="Weather in Oslo and Rome?"),
    Message(role="assistant", text="I look.", tool_calls=(
        ToolCall(id="c1", name="get_weather", arguments={"city": "Oslo"}),
        ToolCall(id="c2", name="get_weather", arguments={"city": "Rome"}))),
    Message(role="tool", text="rain", tool_call_id="c1"),
    Message(role="tool", text="sun", tool_call_id="c2"),
)  # fmt: skip


@dataclass
class Peer:
    """A provider with the fake server it talks to."""

    server: FakeModelServer
    make: Callable[[str, str, str], ChatModel]

    def model(self, name: str, key: str = KEY) -> ChatModel:
        return self.make(name, self.server.url, key)


def _openai(name: str, url: str, key: str) -> ChatModel:
    endpoint = Endpoint("OpenAI", f"{url}/v1", key, "OPENAI_API_KEY")
    return OpenAIChat(ModelInfo(f"openai/{name}", "openai", name, name), OpenAIApi(endpoint))


def _anthropic(name: str, url: str, key: str) -> ChatModel:
    endpoint = Endpoint("Anthropic", url, key, "ANTHROPIC_API_KEY")
    return AnthropicChat(
        ModelInfo(f"anthropic/{name}", "anthropic", name, name), AnthropicApi(endpoint)
    )


@pytest.fixture(params=[_openai, _anthropic], ids=["openai", "anthropic"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    async with FakeModelServer() as server:
        yield Peer(server, request.param)


async def collect(model: ChatModel, request: ChatRequest) -> tuple[list[str], Delta]:
    """Texts of the deltas, and the last one."""
    deltas = [delta async for delta in model.stream(request)]
    return [delta.text for delta in deltas if delta.text], deltas[-1]


async def test_text_arrives_in_pieces_and_the_last_delta_concludes(peer: Peer) -> None:
    pieces, last = await collect(peer.model("plain"), ChatRequest(HELLO))
    assert pieces == list(PIECES)
    assert (last.model, last.finish_reason) == ("plain", "stop")


async def test_usage_counts_cached_tokens_within_the_input(peer: Peer) -> None:
    _, last = await collect(peer.model("plain"), ChatRequest(HELLO))
    assert last.usage == Usage(input_tokens=30, output_tokens=5, cached_tokens=20)


async def test_a_tool_call_is_put_together_from_its_pieces(peer: Peer) -> None:
    pieces, last = await collect(peer.model("tools"), ChatRequest(HELLO, tools=(WEATHER,)))
    assert pieces == []
    assert last.tool_calls == (ToolCall(id="call_1", name="get_weather", arguments=ARGUMENTS),)
    assert last.finish_reason == "tool_calls"


async def test_several_calls_are_several(peer: Peer) -> None:
    _, last = await collect(peer.model("two"), ChatRequest(HELLO, tools=(WEATHER,)))
    assert [call.arguments for call in last.tool_calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert [call.id for call in last.tool_calls] == ["c0", "c1"]


async def test_arguments_that_are_no_json_are_given_as_they_came(peer: Peer) -> None:
    _, last = await collect(peer.model("wrong"), ChatRequest(HELLO, tools=(WEATHER,)))
    (call,) = last.tool_calls
    assert (call.name, call.arguments, call.broken) == ("get_weather", {}, '{"city": ')


async def test_an_answer_that_was_cut_off_says_so(peer: Peer) -> None:
    pieces, last = await collect(peer.model("full"), ChatRequest(HELLO))
    assert ("".join(pieces), last.finish_reason) == (TEXT, "length")


async def test_reasoning_is_kept_apart_from_the_text(peer: Peer) -> None:
    deltas = [delta async for delta in peer.model("thinks").stream(ChatRequest(HELLO))]
    assert "".join(delta.text for delta in deltas) == TEXT
    assert "".join(delta.thought for delta in deltas) == "Let me see."


async def test_usage_that_is_not_told_is_not_made_up(peer: Peer) -> None:
    _, last = await collect(peer.model("silent"), ChatRequest(HELLO))
    assert not last.usage or last.usage.total == 0


async def test_what_a_refusal_used_is_told_before_it(peer: Peer) -> None:
    told = None
    with pytest.raises(UpstreamRefused):
        async for delta in peer.model("refuses").stream(ChatRequest(HELLO)):
            told = delta.usage or told
    assert told == Usage(input_tokens=30, output_tokens=5, cached_tokens=20)


async def test_proxies_of_the_machine_are_not_used(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    pieces, _ = await collect(peer.model("plain"), ChatRequest(HELLO))
    assert pieces == list(PIECES)


async def test_with_a_schema_the_text_is_json(peer: Peer) -> None:
    pieces, _ = await collect(peer.model("schema"), ChatRequest(HELLO, schema=LABEL))
    assert json.loads("".join(pieces)) == DATA
    assert LABEL in list(_values(peer.server.requests[-1]))


async def test_results_of_tools_go_back_with_their_calls(peer: Peer) -> None:
    await collect(peer.model("plain"), ChatRequest(TALK, tools=(WEATHER,)))
    sent = json.dumps(peer.server.requests[-1])
    assert [sent.count(word) for word in ('"c1"', '"c2"', "rain", "sun")] == [2, 2, 1, 1]
    roles = [turn["role"] for turn in peer.server.requests[-1]["messages"]]
    assert roles in (["user", "assistant", "tool", "tool"], ["user", "assistant", "user"])


async def test_limits_of_the_answer_are_sent(peer: Peer) -> None:
    await collect(peer.model("plain"), ChatRequest(HELLO, max_tokens=77))
    assert peer.server.requests[-1]["max_tokens"] == 77


async def test_a_refused_key_is_final_and_is_not_repeated(peer: Peer) -> None:
    wrong = "sk-wrong/key+0123456789"
    with pytest.raises(UpstreamRefused) as caught:
        await collect(peer.model("plain", wrong), ChatRequest(HELLO))
    assert "API_KEY" in caught.value.message
    assert wrong not in caught.value.message
    assert len(peer.server.asked) == 1


async def test_too_many_requests_says_when_to_come_back(peer: Peer) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await collect(peer.model("limited"), ChatRequest(HELLO))
    assert caught.value.context["retry_after_s"] == 7
    assert len(peer.server.asked) == 1


@pytest.mark.parametrize("name", ["broken", "cut", "malformed"])
async def test_what_can_pass_may_be_tried_again(peer: Peer, name: str) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await collect(peer.model(name), ChatRequest(HELLO))
    assert caught.value.retryable


@pytest.mark.parametrize("name", ["unknown", "refuses"])
async def test_what_cannot_pass_is_final(peer: Peer, name: str) -> None:
    with pytest.raises(UpstreamRefused):
        await collect(peer.model(name), ChatRequest(HELLO))


async def test_what_came_before_the_cut_was_given_out(peer: Peer) -> None:
    seen = ""
    with pytest.raises(UpstreamFailed):
        async for delta in peer.model("cut").stream(ChatRequest(HELLO)):
            seen += delta.text
    assert TEXT.startswith(seen)
    assert seen


async def test_a_server_that_is_not_there_may_be_tried_again(peer: Peer) -> None:
    await peer.server.__aexit__()
    with pytest.raises(UpstreamFailed):
        await collect(peer.model("plain"), ChatRequest(HELLO))


async def test_ending_the_iteration_hangs_up(peer: Peer) -> None:
    async with aclosing(peer.model("endless").stream(ChatRequest(HELLO))) as answer:
        async for delta in answer:
            if delta.text:
                break
    await asyncio.wait_for(peer.server.hung_up.wait(), 10)


async def test_cancelling_the_task_hangs_up(peer: Peer) -> None:
    task = asyncio.create_task(collect(peer.model("endless"), ChatRequest(HELLO)))
    while not peer.server.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(peer.server.hung_up.wait(), 10)


def _values(value: Any) -> list[Any]:
    inner = (
        list(value.values())
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else []
    )
    return [*inner, *(found for each in inner for found in _values(each))]


class TestRealLocalModel:
    """The same promises on llama.cpp with SmolLM2."""

    @pytest.fixture
    def model(self, smollm2: RunningServer) -> ChatModel:
        return self._chat(smollm2, smollm2.key)

    def _chat(self, server: RunningServer, key: str) -> ChatModel:
        api = OpenAIApi(Endpoint("The local model", server.url, key))

        async def connect() -> OpenAIApi:
            return api

        return LocalChat(
            ModelInfo("local/smollm2", "local", "smollm2", "SmolLM2", local=True), connect
        )

    async def test_text_streams_with_usage(self, model: ChatModel) -> None:
        pieces, last = await collect(model, ChatRequest(HELLO, max_tokens=16, temperature=0))
        assert len(pieces) > 2
        assert last.usage is not None
        assert 0 < last.usage.output_tokens <= 16
        assert last.usage.input_tokens > 5
        assert last.model == "smollm2"

    async def test_an_answer_over_its_limit_says_so(self, model: ChatModel) -> None:
        _, last = await collect(model, ChatRequest(HELLO, max_tokens=2, temperature=0))
        assert last.finish_reason == "length"

    async def test_a_schema_is_kept(self, model: ChatModel) -> None:
        pieces, _ = await collect(model, ChatRequest(HELLO, schema=LABEL, max_tokens=60))
        value = json.loads("".join(pieces))
        assert set(value) == {"label", "score"}
        assert value["label"] in ("billing", "other")

    async def test_with_tools_comes_a_call_that_fits_or_a_plain_answer(
        self, model: ChatModel
    ) -> None:
        for question in ("Use get_weather for Oslo.", "Say hello."):
            talk = (HELLO[0], Message(role="user", text=question))
            pieces, last = await collect(
                model, ChatRequest(talk, tools=(WEATHER,), max_tokens=80, temperature=0)
            )
            assert bool(pieces) != bool(last.tool_calls)
            for call in last.tool_calls:
                assert call.name == "get_weather"
                assert isinstance(call.arguments["city"], str)
            assert not any("{" in piece for piece in pieces)

    async def test_an_overlong_prompt_is_refused_with_both_numbers(self, model: ChatModel) -> None:
        request = ChatRequest((Message(role="user", text="word " * 9000),))
        with pytest.raises(UpstreamRefused, match=r"\d{4} tokens.*8192 tokens"):
            await collect(model, request)

    async def test_a_wrong_key_is_refused(self, smollm2: RunningServer) -> None:
        with pytest.raises(UpstreamRefused):
            await collect(self._chat(smollm2, "wrong"), ChatRequest(HELLO))

    async def test_ending_the_iteration_frees_the_model(
        self, model: ChatModel, smollm2: RunningServer
    ) -> None:
        request = ChatRequest(
            (Message(role="user", text="Count from 1 to 1000."),), max_tokens=2000
        )
        async with aclosing(model.stream(request)) as answer:
            async for _ in answer:
                break
        headers = {"Authorization": f"Bearer {smollm2.key}"}
        async with (
            asyncio.timeout(10),
            httpx2.AsyncClient(trust_env=False, headers=headers) as client,
        ):
            while (await client.get(smollm2.url.replace("/v1", "/slots"))).json()[0][
                "is_processing"
            ]:
                await asyncio.sleep(0.05)
