"""Ollama on this machine or in its network: is it there, which models has it, what can they do."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_PROBE_S = 0.3
_ASK_S = 3.0
_FRESH_S = 30.0


@dataclass(frozen=True)
class OllamaModel:
    """A model Ollama has. `size_bytes` is that of its file."""

    name: str
    size_bytes: int


class Ollama:
    """Asks Ollama and remembers the answer for half a minute.

    Args:
        host: As in OLLAMA_HOST: a URL, or an address with or without a port.
    """

    def __init__(self, host: str) -> None:
        self.url = base_url(host)
        self._models: tuple[OllamaModel, ...] | None = None
        self._asked_at = float("-inf")
        self._tools: dict[str, bool] = {}

    async def models(self) -> Sequence[OllamaModel] | None:
        """Chat models, the last changed first; None when Ollama does not run."""
        if time.monotonic() - self._asked_at > _FRESH_S:
            self._models = await self._probe()
            self._asked_at = time.monotonic()
        return self._models

    async def has_tools(self, name: str) -> bool:
        """Whether the model's template knows tool calls."""
        if name not in self._tools:
            shown = await self._ask("POST", "/api/show", _ASK_S, {"model": name})
            if shown is None:
                return False
            self._tools[name] = "tools" in shown.get("capabilities", ())
        return self._tools[name]

    def forget(self) -> None:
        """Ask again next time."""
        self._asked_at = float("-inf")
        self._tools.clear()

    async def _probe(self) -> tuple[OllamaModel, ...] | None:
        if await self._ask("GET", "/api/version", _PROBE_S) is None:
            return None
        tags = await self._ask("GET", "/api/tags", _ASK_S)
        if tags is None:
            return None
        return tuple(
            OllamaModel(str(entry["name"]), int(entry.get("size", 0)))
            for entry in tags.get("models", ())
            if "name" in entry and "embed" not in entry["name"]
        )

    async def _ask(
        self, method: str, path: str, timeout_s: float, body: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        """Return the JSON object Ollama answers with, or None."""
        import httpx2  # noqa: PLC0415 - heavy

        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=timeout_s) as client:
                reply = await client.request(method, f"{self.url}{path}", json=body)
                found = reply.json() if reply.is_success else None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            return None
        return found if isinstance(found, dict) else None


def base_url(host: str) -> str:
    """Complete what OLLAMA_HOST may leave out; an address to listen on becomes one to call."""
    parts = urlsplit(host if "://" in host else f"http://{host}")
    name = parts.hostname or "127.0.0.1"
    if name in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        name = "127.0.0.1"
    port = parts.port or (443 if parts.scheme == "https" else 11434)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"
