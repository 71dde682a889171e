"""A local server that dies is asked again, to go on after what it has said."""

from collections.abc import AsyncIterator

import pytest

from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.providers.endpoint import Endpoint
from app.engine.providers.local import LocalChat, _WithTools
from app.engine.providers.openai import OpenAIApi
from app.engine.sdk.messages import Message, ToolSpec
from app.kernel.errors import UpstreamFailed
from tests.fakes.model_server import KEY, TEXT, FakeModelServer

pytestmark = pytest.mark.usefixtures("closed_clients")

HELLO = ChatRequest((Message(role="user", text="Hello"),))
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def server() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer() as running:
        yield running


class Places:
    """Where the server is each time somebody connects; the last place stays."""

    def __init__(self, *urls: str) -> None:
        self.urls = list(urls)
        self.asked = 0

    async def connect(self) -> OpenAIApi:
        url = self.urls[min(self.asked, len(self.urls) - 1)]
        self.asked += 1
        return OpenAIApi(Endpoint("The local model", f"{url}/v1", KEY))


async def ask(name: str, places: Places, said: list[str]) -> None:
    model = LocalChat(ModelInfo(f"local/{name}", "local", name, name), places.connect)
    async for delta in model.stream(HELLO):
        said.append(delta.text)


async def test_a_server_that_died_is_asked_again_where_it_is_now(server: FakeModelServer) -> None:
    said: list[str] = []
    places = Places(NOWHERE, server.url)
    await ask("plain", places, said)
    assert ("".join(said), places.asked) == (TEXT, 2)


async def test_a_server_that_stays_away_is_told(server: FakeModelServer) -> None:
    places = Places(NOWHERE)
    with pytest.raises(UpstreamFailed, match="did not answer"):
        await ask("plain", places, [])
    assert places.asked == 3


@pytest.mark.parametrize("name", ["broken", "limited"])
async def test_what_was_answered_is_not_asked_for_again(server: FakeModelServer, name: str) -> None:
    places = Places(server.url)
    with pytest.raises(UpstreamFailed):
        await ask(name, places, [])
    assert places.asked == 1


async def test_a_server_that_dies_in_the_middle_is_asked_to_go_on_a_few_times(
    server: FakeModelServer,
) -> None:
    said: list[str] = []
    places = Places(server.url)
    with pytest.raises(UpstreamFailed):
        await ask("cut", places, said)
    first, second, third = (one["messages"] for one in server.requests)
    assert [message["role"] for message in second] == ["user", "assistant"]
    assert second[:1] == first
    piece = second[1]["content"]
    assert third == [*first, {**second[1], "content": 2 * piece}], "each says the same and is cut"
    assert ("".join(said), places.asked) == (3 * piece, 3)


def test_an_agent_s_answer_goes_on_where_it_was() -> None:
    opening = '{"tool": "answer", "text": "The sea '
    talk = _WithTools(ChatRequest(HELLO.messages, (ToolSpec(name="look"),)))
    assert talk.request.schema
    told = talk.hear(Delta(text=opening))
    again = talk.request
    assert (again.schema, again.messages[-1].text) == (None, opening)
    rest = talk.hear(Delta(text='is blue."}', finish_reason="stop"))
    assert told
    assert rest
    assert told.text + rest.text == "The sea is blue."


def test_a_tool_call_that_nobody_has_heard_of_is_begun_anew() -> None:
    talk = _WithTools(ChatRequest(HELLO.messages, (ToolSpec(name="look"),)))
    asked = talk.request
    assert talk.hear(Delta(text='{"tool": "look", "argum')) is None
    assert talk.request == asked
    whole = '{"tool": "look", "arguments": {"at": 1}}'
    told = talk.hear(Delta(text=whole, finish_reason="stop"))
    assert told
    assert [call.arguments for call in told.tool_calls] == [{"at": 1}]
