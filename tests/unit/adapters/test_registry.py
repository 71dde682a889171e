"""Which model answers, what it costs, and what is said when none can."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.adapters.models.ollama import base_url
from app.adapters.models.registry import ModelRegistry
from app.adapters.models.weights import QWEN, SMOLLM2, WeightStore
from app.engine.providers.base import ChatModel, ChatRequest
from app.engine.runtime.retry import was_busy
from app.engine.sdk.messages import Message, ToolSpec
from app.kernel.errors import ModelMissing, StepError, UpstreamFailed
from app.kernel.settings import Settings
from tests.fakes.local_model import give_weights
from tests.fakes.model_server import KEY, TEXT, FakeModelServer

pytestmark = pytest.mark.usefixtures("closed_clients")

NOWHERE = "http://127.0.0.1:9"
HELLO = ChatRequest((Message(role="user", text="Hello"),))


def registry(data: Path, **settings: str) -> ModelRegistry:
    fields = {"ollama_url": NOWHERE, "openai_api_key": "", "anthropic_api_key": "", "model": "", "model_file": "",
              "compatible_url": "", **settings}  # fmt: skip
    return ModelRegistry(Settings(data_dir=data, **fields))


def put(data: Path, *names: str) -> None:
    (data / "models").mkdir(parents=True, exist_ok=True)
    for name in names:
        (data / "models" / f"{name}.gguf").touch()


async def text_of(model: ChatModel, request: ChatRequest = HELLO) -> str:
    return "".join([delta.text async for delta in model.stream(request)])


@pytest.fixture
async def server() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer() as running:
        yield running


async def test_without_any_model_the_message_gives_three_ways_out(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        await registry(tmp_path).find("")
    assert all(way in caught.value.message for way in ("models pull", "Ollama", "OPENAI_API_KEY"))


async def test_the_default_is_the_best_that_is_here(
    tmp_path: Path, server: FakeModelServer
) -> None:
    keys = {"openai_api_key": "sk-1", "anthropic_api_key": "sk-2"}
    assert (
        await registry(tmp_path, anthropic_api_key="sk").default_ref()
        == "anthropic/claude-haiku-5-5"
    )
    assert (await registry(tmp_path, **keys).default_ref()).startswith("openai/")
    put(tmp_path, SMOLLM2.name)
    assert await registry(tmp_path, **keys).default_ref() == "local/smollm2-135m"
    put(tmp_path, QWEN.name)
    assert await registry(tmp_path, **keys).default_ref() == "local/qwen2.5-coder-1.5b"
    own = tmp_path / "mine.gguf"
    own.touch()
    assert await registry(tmp_path, model_file=str(own)).default_ref() == "local/mine"
    server.ollama_models = ["nomic-embed-text:latest", "llama3.2:3b"]
    running = registry(tmp_path, model_file=str(own), ollama_url=server.url)
    assert await running.default_ref() == "ollama/llama3.2:3b"
    assert await registry(tmp_path, model="local/smollm2").default_ref() == "local/smollm2"


async def test_the_list_says_what_is_here_and_how_to_get_the_rest(tmp_path: Path) -> None:
    put(tmp_path, SMOLLM2.name)
    small, better = await registry(tmp_path).list()
    assert (small.ref, small.available, small.demo, small.local) == (
        "local/smollm2-135m",
        True,
        True,
        True,
    )
    assert (better.available, better.details["pull"]) == (False, QWEN.name)
    assert "1.1 GB" in better.note


@pytest.mark.parametrize(("ref", "words"), [
    ("openai/gpt-4o", "OPENAI_API_KEY"), ("anthropic/x", "ANTHROPIC_API_KEY"),
    ("compatible/x", "AGENTLOOM_COMPATIBLE_URL"), ("local/qwen", "models pull"), ("local/nothing", "no local model"),
    ("gpt-4o", "provider/name"), ("magic/x", "provider/name"),
    ("ollama/", "provider/name"),
])  # fmt: skip
async def test_a_model_that_cannot_answer_says_why(tmp_path: Path, ref: str, words: str) -> None:
    with pytest.raises(ModelMissing, match=words):
        await registry(tmp_path).find(ref)


async def test_an_own_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    models = registry(tmp_path, model_file=str(tmp_path / "gone.gguf"))
    assert not (await models.list())[0].available
    with pytest.raises(ModelMissing, match=r"gone\.gguf"):
        await models.find("local/gone")


@pytest.mark.parametrize("has_tools", [True, False])
async def test_ollama_uses_its_own_tools_only_if_the_model_has_them(
    tmp_path: Path, server: FakeModelServer, has_tools: bool
) -> None:
    server.ollama_models = ["tools:latest"]
    server.ollama_capabilities = ["completion", "tools"] if has_tools else ["completion"]
    model = await registry(tmp_path, ollama_url=server.url).find("ollama/tools")
    assert model.info.provider == "ollama"
    request = ChatRequest(HELLO.messages, tools=(ToolSpec(name="get_weather"),))
    answer = model.stream(request)
    try:
        async for _ in answer:
            break
    except Exception:  # noqa: BLE001 - the fake answers no schema; what was sent is the point
        pass
    sent = server.requests[-1]
    assert ("tools" in sent) is has_tools
    assert ("response_format" in sent) is not has_tools


async def test_ollama_without_the_model_says_how_to_get_it(
    tmp_path: Path, server: FakeModelServer
) -> None:
    with pytest.raises(ModelMissing, match="ollama pull llama3"):
        await registry(tmp_path, ollama_url=server.url).find("ollama/llama3")


async def test_ollama_is_asked_once_until_refresh(tmp_path: Path, server: FakeModelServer) -> None:
    models = registry(tmp_path, ollama_url=server.url)
    for _ in range(3):
        await models.list()
    assert server.asked == ["/api/version", "/api/tags"]
    models.refresh()
    await models.list()
    assert len(server.asked) == 4


async def test_an_ollama_that_hangs_costs_a_moment_once(tmp_path: Path) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    models = registry(tmp_path, ollama_url=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await models.list()
    started = time.monotonic()
    await models.list()
    assert time.monotonic() - started < 0.1
    server.close()


@pytest.mark.parametrize(("host", "url"), [
    ("0.0.0.0", "http://127.0.0.1:11434"), ("box:8000", "http://box:8000"), ("https://o.test", "https://o.test:443"),
    ("http://127.0.0.1:11434", "http://127.0.0.1:11434"), ("[::1]:5", "http://[::1]:5"),
])  # fmt: skip
def test_ollama_host_may_leave_things_out(host: str, url: str) -> None:
    assert base_url(host) == url


async def test_a_compatible_server_is_asked_for_its_models_and_answers(
    tmp_path: Path, server: FakeModelServer
) -> None:
    models = registry(tmp_path, compatible_url=f"{server.url}/v1/", compatible_api_key=KEY)
    assert [info.ref for info in await models.list() if info.provider == "compatible"] == [
        "compatible/plain", "compatible/tools"]  # fmt: skip
    assert await text_of(await models.find("compatible/plain")) == TEXT
    named = registry(tmp_path, compatible_url=NOWHERE, compatible_models="a, b,")
    assert [info.name for info in await named.list() if info.provider == "compatible"] == ["a", "b"]
    await models.close()


async def test_a_compatible_server_that_is_down_does_not_break_the_list(tmp_path: Path) -> None:
    infos = await registry(tmp_path, compatible_url=f"{NOWHERE}/v1").list()
    assert {info.provider for info in infos} == {"local"}


def test_prices(tmp_path: Path) -> None:
    models = registry(tmp_path)
    assert models.cost_microusd("local", "anything", 1000, 1000, 0) == 0
    assert models.cost_microusd("ollama", "anything", 1000, 1000, 0) == 0
    assert models.cost_microusd("openai", "gpt-4o-mini", 1000, 100, 0) == 210
    cached = models.cost_microusd("openai", "gpt-4o-mini", 1000, 100, 1000)
    assert cached is not None
    assert cached < 210
    assert models.cost_microusd("openai", "no-such-model", 1000, 100, 0) is None
    assert models.cost_microusd("compatible", "gpt-4o-mini", 1000, 100, 0) is None


async def test_the_real_small_model_answers_by_the_start_of_its_name(
    tmp_path: Path, smollm2_weights: Path
) -> None:
    give_weights(smollm2_weights, tmp_path)
    assert WeightStore(tmp_path).is_here(SMOLLM2)
    said: list[str] = []
    models = ModelRegistry(Settings(data_dir=tmp_path, ollama_url=NOWHERE), on_progress=said.append)
    try:
        model = await models.find("local/smollm2")
        assert await text_of(model, ChatRequest(HELLO.messages, max_tokens=8))
    finally:
        await models.close()
    assert "smollm2" in said[0]


async def test_what_is_here_is_known_for_the_check_of_graphs(tmp_path: Path) -> None:
    none = await registry(tmp_path).here()
    assert (none.refs, none.open_providers, none.default) == (frozenset(), frozenset(), "")
    put(tmp_path, SMOLLM2.name)
    some = await registry(tmp_path, openai_api_key="sk-1").here()
    assert f"local/{SMOLLM2.name}" in some.refs
    assert f"local/{QWEN.name}" not in some.refs
    assert some.open_providers == {"openai"}
    assert some.default == f"local/{SMOLLM2.name}"


async def test_ollama_that_does_not_answer_is_asked_anew_by_the_next_try(tmp_path: Path) -> None:
    models = registry(tmp_path, ollama_url=NOWHERE)
    with pytest.raises(UpstreamFailed, match="Ollama does not answer") as caught:
        await models.find("ollama/llama3")
    assert was_busy(caught.value)
    async with FakeModelServer() as server:
        server.ollama_models = ["llama3:latest"]
        models._ollama.url = server.url
        assert (await models.find("ollama/llama3")).info.ref == "ollama/llama3:latest"
    await models.close()


@pytest.mark.parametrize(
    "ref", ["openai/gpt-4o-mini", "anthropic/claude-of-a-test", "compatible/m1"]
)
async def test_the_proxy_of_the_settings_is_a_tunnel(tmp_path: Path, ref: str) -> None:
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        keys = {"openai_api_key": "sk-made-up", "anthropic_api_key": "sk-made-up",
                "compatible_url": "https://models.invalid/v1", "compatible_api_key": "sk-made-up"}  # fmt: skip
        models = registry(tmp_path, **keys, proxy=proxy)
        with pytest.raises(StepError):
            await text_of(await models.find(ref))
        await models.close()
    assert asked
    for head in asked:
        assert head.startswith(b"CONNECT ")
        assert b"made-up" not in head


async def test_what_has_no_https_address_is_asked_without_the_proxy(tmp_path: Path) -> None:
    async with FakeModelServer() as server:
        models = registry(
            tmp_path, compatible_url=f"{server.url}/v1", compatible_api_key=KEY, proxy=NOWHERE
        )
        assert await text_of(await models.find("compatible/plain")) == TEXT
        await models.close()
