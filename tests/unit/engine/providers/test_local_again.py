"""A local server that dies is asked again once, and only while nothing was said."""

from collections.abc import AsyncIterator

import pytest

from app.engine.providers.base import ChatRequest, ModelInfo
from app.engine.providers.endpoint import Endpoint
from app.engine.providers.local import LocalChat
from app.engine.providers.openai import OpenAIApi
from app.engine.sdk.messages import Message
from app.kernel.errors import UpstreamFailed
from tests.fakes.model_server import KEY, TEXT, FakeModelServer

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
        return OpenAIApi(Endpoint("The local model", f"{url}/v1", KEY), is_loopback=True)


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
    assert places.asked == 2


@pytest.mark.parametrize("name", ["cut", "broken", "limited"])
async def test_what_was_said_or_answered_is_not_asked_for_again(
    server: FakeModelServer, name: str
) -> None:
    said: list[str] = []
    places = Places(server.url)
    with pytest.raises(UpstreamFailed):
        await ask(name, places, said)
    assert places.asked == 1
    assert bool(said) == (name == "cut")
