"""OpenAI, and every server that speaks its chat protocol: Ollama, llama.cpp, vLLM and others."""

import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from app.engine.providers.base import ChatRequest, Delta
from app.engine.providers.client import CONNECT_S, SILENCE_S, ApiChat, answered
from app.engine.providers.dialects import Answer
from app.engine.providers.endpoint import Endpoint, failure
from app.engine.providers.events import chunks
from app.engine.sdk.messages import Message

if TYPE_CHECKING:  # only a process that calls a model pays for its import
    from aiohttp import ClientResponse, ClientSession

_STREAMED = {"Content-Type": "application/json", "Accept": "text/event-stream"}


class Refusal(Exception):
    """An error response of the server; `failure` turns it into our error."""

    def __init__(self, response: "ClientResponse", content: bytes) -> None:
        super().__init__(content[:400].decode("utf-8", "replace") or response.reason)
        self.response = response
        self.status_code = response.status
        try:
            body = orjson.loads(content)
        except ValueError:
            body = None
        if isinstance(body, list) and body:
            body = body[0]
        self.body = body.get("error", body) if isinstance(body, dict) else None
        if isinstance(self.body, str):
            self.body = {"message": self.body}
        if 300 <= self.status_code < 400:
            place = response.headers.get("Location", "another address")
            self.body = {"message": f"it redirects to {place}; use that address instead"}


class OpenAIApi:
    """A server that speaks OpenAI's chat protocol. Its client is made on the first call and reused.

    Proxy settings of the machine do not apply to it: they would show the key and the texts to another.

    Args:
        is_openai: OpenAI itself, whose newer models want `max_completion_tokens`.
    """

    def __init__(self, endpoint: Endpoint, *, is_openai: bool = False) -> None:
        self.endpoint = endpoint
        self._is_openai = is_openai

    @cached_property
    def client(self) -> "ClientSession":
        """The connections, kept alive. Retries are left to the runtime, which shows them in the
        trace. Most of a run's processor time is spent beside its model calls: hence this client, which
        costs a fifth of one in plain Python.
        """
        import aiohttp  # noqa: PLC0415 - heavy

        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
            connector=aiohttp.TCPConnector(limit=1_000),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=self.endpoint.proxy or None,
        )

    @cached_property
    def _headers(self) -> dict[str, str]:
        """The key, and who is billed if the key alone does not say so. They go with each request: what the client
        sends by itself it sends to a proxy too.
        """
        names = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
        found = {header: os.environ.get(name, "") for header, name in names.items()}
        account = {header: value for header, value in found.items() if value and self._is_openai}
        return {"Authorization": f"Bearer {self.endpoint.key or 'none'}", **account}

    async def close(self) -> None:
        """Close the connections, if any were made."""
        if "client" in self.__dict__:
            await self.client.close()

    async def model_names(self, timeout_s: float) -> list[str]:
        """Ask the server which models it has.

        Raises:
            UpstreamFailed, UpstreamRefused: It does not say.
        """
        import aiohttp  # noqa: PLC0415 - heavy

        url, bound = f"{self.endpoint.url}/models", aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self.client.get(
                url, headers=self._headers, timeout=bound, allow_redirects=False
            ) as reply:
                content = await reply.read()
            if reply.status >= 300:
                raise Refusal(reply, content)
            return [str(entry["id"]) for entry in orjson.loads(content)["data"]]
        except (
            Refusal, aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError, LookupError,
        ) as error:  # fmt: skip
            raise failure(self.endpoint, "", error) from error

    def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream an answer of the model; see ChatModel."""
        import aiohttp  # noqa: PLC0415 - heavy

        answer = Answer(self.endpoint, model, [tool.name for tool in request.tools])
        errors = (Refusal, aiohttp.ClientError, TimeoutError, OSError)
        return answered(self.endpoint, model, self._chunks(model, request), answer, errors)

    async def _chunks(
        self, model: str, request: ChatRequest
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send the request and yield the chunks of its answer.

        Raises:
            Refusal: The server said no, or that it failed after it had begun to answer.
            ValueError: What came is no answer.
        """
        body = orjson.dumps(self._body(model, request))
        url = f"{self.endpoint.url}/chat/completions"
        async with self.client.post(
            url, data=body, headers={**self._headers, **_STREAMED}, allow_redirects=False
        ) as reply:
            if reply.status >= 300:
                raise Refusal(reply, await reply.read())
            async with aclosing(chunks(reply.content.iter_any())) as found:
                async for chunk in found:
                    if chunk.get("error") or chunk.get("object") == "error":
                        raise Refusal(reply, orjson.dumps(dict(chunk)))
                    yield chunk

    def _body(self, model: str, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": model,
            "messages": [_wire(message) for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        if request.schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": "answer",
                    "schema": dict(request.schema),
                    "strict": _is_strict(request.schema),
                },
            }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            body["max_completion_tokens" if self._is_openai else "max_tokens"] = request.max_tokens
        return body


class OpenAIChat(ApiChat):
    """A model behind an OpenAI-compatible server, with the server's own tool calls."""


def _wire(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.role == "tool":
        wire["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for call in message.tool_calls
        ]
    return wire


def _is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI can guarantee the schema: every object closed, every property required."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False and set(
            schema.get("required", ())
        ) == set(properties)
        return closed and all(_is_strict(part) for part in properties.values())
    inner = [
        *schema.get("anyOf", ()),
        *([schema["items"]] if isinstance(schema.get("items"), Mapping) else ()),
    ]
    return "$ref" not in schema and all(_is_strict(part) for part in inner)
