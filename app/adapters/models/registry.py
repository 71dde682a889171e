"""Finds chat models: Ollama, weights on this machine, providers with a key in the environment."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from app.adapters.models.ollama import Ollama, OllamaModel
from app.adapters.models.prices import FREE, Prices
from app.adapters.models.server import LocalServer, Progress
from app.adapters.models.weights import QWEN, Weights, WeightStore, pinned
from app.engine.graph.checks.models import ModelsHere
from app.engine.providers.anthropic import AnthropicApi, AnthropicChat
from app.engine.providers.base import ChatModel, ModelInfo
from app.engine.providers.endpoint import Endpoint
from app.engine.providers.local import LocalChat
from app.engine.providers.openai import OpenAIApi, OpenAIChat
from app.kernel.errors import ModelMissing, NotFound, StepError, UpstreamFailed
from app.kernel.settings import Settings

_log = logging.getLogger(__name__)
_ASK_S = 2.0
_FRESH_S = 60.0

OPENAI_MODELS = ("gpt-5.4-mini", "gpt-5.4", "gpt-4o-mini")
ANTHROPIC_MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")
"""What the picker offers, the one to start with first; any other name can be typed."""

_WAYS_OUT = (
    f"Three ways out: download the free local model (.venv/bin/python -m app.cli models pull {QWEN.name}), "
    "start Ollama, or set OPENAI_API_KEY or ANTHROPIC_API_KEY."
)


class ModelRegistry:
    """All models of this installation, as host.Models.

    Args:
        local: How to get a running local model server.
        on_progress: Told what a caller waits for, such as the loading of a model.
        prices: What models cost; without it, what the price table knows.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        local: LocalServer | None = None,
        store: WeightStore | None = None,
        on_progress: Progress | None = None,
        prices: Prices | None = None,
    ) -> None:
        self._settings = settings
        self.prices = prices or Prices()
        self.store = store or WeightStore(settings.data)
        self._local = local or LocalServer(settings.data, settings.model_threads)
        self._on_progress = on_progress or _log.info
        self._ollama = Ollama(settings.ollama_url)
        self._apis: dict[Endpoint, OpenAIApi | AnthropicApi] = {}
        self._compatible: tuple[float, tuple[ModelInfo, ...]] = (float("-inf"), ())

    async def find(self, ref: str) -> ChatModel:
        """Return the model; an empty ref is the default one.

        Raises:
            ModelMissing: It cannot answer; the message says why and what to do.
        """
        ref = ref or await self.default_ref()
        provider, _, name = ref.partition("/")
        finders: dict[str, Callable[[str], ChatModel]] = {
            "local": self._find_local,
            "openai": self._find_openai,
            "anthropic": self._find_anthropic,
            "compatible": self._find_compatible,
        }
        if provider == "ollama" and name:
            return await self._find_ollama(name)
        if provider not in finders or not name:
            raise ModelMissing(
                f"'{ref}' names no model. Write provider/name, such as local/{QWEN.name} or "
                f"openai/{OPENAI_MODELS[0]}; providers are ollama, {', '.join(finders)}."
            )
        if provider not in FREE:
            await self.prices.refresh()
        return finders[provider](name)

    async def default_ref(self) -> str:
        """The setting AGENTLOOM_MODEL, or the first model that is available.

        Raises:
            ModelMissing: There is none.
        """
        if self._settings.model:
            return self._settings.model
        async for info in self._offered():
            if info.available:
                return info.ref
        raise ModelMissing(f"There is no model on this machine yet. {_WAYS_OUT}")

    async def list(self) -> Sequence[ModelInfo]:
        """Entries of the model picker, in the order in which a default is chosen."""
        return [info async for info in self._offered()]

    async def here(self) -> ModelsHere:
        """Which models could answer now, for the check of graphs; what servers say is kept for a while."""
        refs = {info.ref for info in await self.list() if info.available}
        refs |= {ref.removesuffix(":latest") for ref in refs if ref.startswith("ollama/")}
        keys = {
            "openai": self._settings.openai_api_key.get_secret_value(),
            "anthropic": self._settings.anthropic_api_key.get_secret_value(),
            "compatible": self._settings.compatible_url,
        }
        try:
            default = await self.default_ref()
        except ModelMissing:
            default = ""
        return ModelsHere(
            refs=frozenset(refs),
            open_providers=frozenset(name for name, key in keys.items() if key),
            default=default,
        )

    def refresh(self) -> None:
        """Look again at Ollama and the compatible server."""
        self._ollama.forget()
        self._compatible = (float("-inf"), ())

    def cost_microusd(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int
    ) -> int | None:
        """Price of a call in millionths of a dollar; None when unknown, 0 for local models."""
        return self.prices.cost_microusd(
            provider, model, input_tokens, output_tokens, cached_tokens
        )

    async def close(self) -> None:
        """Close connections, and the model server if this process started it."""
        for api in self._apis.values():
            await api.close()
        self._local.close()

    async def _offered(self) -> AsyncIterator[ModelInfo]:
        for model in await self._ollama.models() or ():
            yield _ollama_info(model)
        own = self._own_file()
        if own is not None:
            yield _own_info(own)
        for weights in sorted(self.store.known, key=lambda each: not self.store.is_here(each)):
            yield self._weights_info(weights)
        for info in await self._compatible_infos():
            yield info
        if self._settings.openai_api_key.get_secret_value():
            for name in OPENAI_MODELS:
                yield _remote_info("openai", name)
        if self._settings.anthropic_api_key.get_secret_value():
            for name in ANTHROPIC_MODELS:
                yield _remote_info("anthropic", name)

    def _own_file(self) -> Path | None:
        return Path(self._settings.model_file).expanduser() if self._settings.model_file else None

    def _weights_info(self, weights: Weights) -> ModelInfo:
        is_here = self.store.is_here(weights)
        size = f"{weights.size_bytes / 1e9:.1f} GB"
        return ModelInfo(
            ref=f"local/{weights.name}",
            provider="local",
            name=weights.name,
            title=weights.title,
            local=True,
            demo=weights.demo,
            available=is_here,
            note=weights.note if is_here else f"{weights.note} Not here yet: download {size}.",
            details={
                "pull": weights.name, "size_bytes": weights.size_bytes, "licence": weights.licence
            },
        )  # fmt: skip

    def _find_local(self, name: str) -> ChatModel:
        own = self._own_file()
        if own is not None and own.stem == name:
            if not own.is_file():
                raise ModelMissing(f"AGENTLOOM_MODEL_FILE names {own}, which is not there.")
            return LocalChat(_own_info(own), lambda: self._local_api(own))
        try:
            weights = pinned(name, self.store.known)
        except NotFound as error:
            raise ModelMissing(f"There is no local model '{name}'. {_WAYS_OUT}") from error
        if not self.store.is_here(weights):
            raise ModelMissing(
                f"The local model {weights.title} is not on this machine. Three ways out: download "
                f"it (.venv/bin/python -m app.cli models pull {weights.name}), start Ollama, or choose "
                "another model in the node."
            )
        path = self.store.path(weights)
        return LocalChat(self._weights_info(weights), lambda: self._local_api(path))

    async def _local_api(self, weights: Path) -> OpenAIApi:
        running = await self._local.ensure(weights, self._on_progress)
        return self._openai(Endpoint("The local model", running.url, running.key))

    async def _find_ollama(self, name: str) -> ChatModel:
        models = await self._ollama.models()
        if models is None:
            self._ollama.forget()  # it may only be busy, or about to start: the next try asks again
            raise UpstreamFailed(
                f"Ollama does not answer at {self._ollama.url}. Start it, or choose another model.",
                status_code=None,
            )
        found = next((model for model in models if model.name in (name, f"{name}:latest")), None)
        if found is None:
            raise ModelMissing(f"Ollama has no model '{name}'. Get it with: ollama pull {name}")
        info = _ollama_info(found)
        api = self._openai(Endpoint("Ollama", f"{self._ollama.url}/v1", "ollama"))

        async def connect() -> OpenAIApi:
            return api

        has_tools = await self._ollama.has_tools(found.name)
        return OpenAIChat(info, api) if has_tools else LocalChat(info, connect)

    def _find_openai(self, name: str) -> ChatModel:
        key = self._settings.openai_api_key.get_secret_value()
        if not key:
            raise _without_key("OPENAI_API_KEY", f"openai/{name}")
        endpoint = self._far("OpenAI", "https://api.openai.com/v1", key, "OPENAI_API_KEY")
        return OpenAIChat(_remote_info("openai", name), self._openai(endpoint, is_openai=True))

    def _find_anthropic(self, name: str) -> ChatModel:
        key = self._settings.anthropic_api_key.get_secret_value()
        if not key:
            raise _without_key("ANTHROPIC_API_KEY", f"anthropic/{name}")
        endpoint = self._far("Anthropic", "https://api.anthropic.com", key, "ANTHROPIC_API_KEY")
        api = self._apis.setdefault(endpoint, AnthropicApi(endpoint))
        assert isinstance(api, AnthropicApi)
        return AnthropicChat(_remote_info("anthropic", name), api)

    def _find_compatible(self, name: str) -> ChatModel:
        if not self._settings.compatible_url:
            raise _without_key("AGENTLOOM_COMPATIBLE_URL", f"compatible/{name}")
        return OpenAIChat(_remote_info("compatible", name), self._compatible_api())

    def _compatible_api(self) -> OpenAIApi:
        settings = self._settings
        key = settings.compatible_api_key.get_secret_value()
        url = settings.compatible_url.rstrip("/")
        return self._openai(self._far("The model server", url, key, "AGENTLOOM_COMPATIBLE_API_KEY"))

    def _far(self, title: str, url: str, key: str, setting: str) -> Endpoint:
        """A server elsewhere. A proxy leads there only through a tunnel, so that it sees neither key nor text."""
        proxy = self._settings.proxy if url.startswith("https:") else ""
        return Endpoint(title, url, key, setting, proxy)

    def _openai(self, endpoint: Endpoint, *, is_openai: bool = False) -> OpenAIApi:
        """The one client of an endpoint."""
        made = OpenAIApi(endpoint, is_openai=is_openai)
        api = self._apis.setdefault(endpoint, made)
        assert isinstance(api, OpenAIApi)
        return api

    async def _compatible_infos(self) -> Sequence[ModelInfo]:
        """Models of the compatible server: those of the setting, or what it says, for a minute."""
        if not self._settings.compatible_url:
            return ()
        if names := [
            name.strip() for name in self._settings.compatible_models.split(",") if name.strip()
        ]:
            return [_remote_info("compatible", name) for name in names]
        asked_at, infos = self._compatible
        if time.monotonic() - asked_at > _FRESH_S:
            names = []
            try:
                names = await self._compatible_api().model_names(_ASK_S)
            except StepError as error:
                _log.warning(
                    "The compatible model server does not list its models: %s", error.message
                )
            infos = tuple(_remote_info("compatible", name) for name in names)
            self._compatible = (time.monotonic(), infos)
        return infos


def _ollama_info(model: OllamaModel) -> ModelInfo:
    return ModelInfo(
        ref=f"ollama/{model.name}",
        provider="ollama",
        name=model.name,
        title=model.name,
        local=True,
        note="In Ollama.",
        details={"size_bytes": model.size_bytes},
    )


def _own_info(path: Path) -> ModelInfo:
    is_here = path.is_file()
    return ModelInfo(
        ref=f"local/{path.stem}", provider="local", name=path.stem, title=path.stem, local=True,
        available=is_here, note="Your own file." if is_here else f"There is no file {path}.",
    )  # fmt: skip


def _without_key(setting: str, ref: str) -> ModelMissing:
    return ModelMissing(f"{setting} is not set, so {ref} cannot answer. Set it and start again.")


def _remote_info(provider: str, name: str) -> ModelInfo:
    return ModelInfo(ref=f"{provider}/{name}", provider=provider, name=name, title=name)
