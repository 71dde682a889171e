"""OpenAI, and every server that speaks its chat protocol: Ollama, llama.cpp, vLLM and others."""

import json
import os
from collections.abc import AsyncGenerator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.providers.endpoint import Endpoint, failure, malformed
from app.engine.sdk.messages import Message, ToolCall, Usage
from app.kernel.errors import UpstreamFailed, UpstreamRefused

if TYPE_CHECKING:  # only a process that calls a model pays for its import
    from aiohttp import ClientResponse, ClientSession

_CONNECT_S = 5.0
_SILENCE_S = 300.0
"""A local model may think for minutes over a long prompt before its first token."""


_STREAMED = {"Content-Type": "application/json", "Accept": "text/event-stream"}


class Refusal(Exception):
    """What the server answered instead of an answer; `failure` finds words for it."""

    def __init__(self, response: "ClientResponse", content: bytes) -> None:
        super().__init__(content[:400].decode("utf-8", "replace") or response.reason)
        self.response = response
        self.status_code = response.status
        try:
            body = orjson.loads(content)
        except ValueError:
            body = None
        self.body = body.get("error", body) if isinstance(body, dict) else None
        if isinstance(self.body, str):
            self.body = {"message": self.body}


class OpenAIApi:
    """A server that speaks OpenAI's chat protocol. Its client is made on the first call and reused.

    Args:
        is_openai: OpenAI itself, whose newer models want `max_completion_tokens`.
        is_loopback: A server of ours; proxy settings of the machine do not apply to it.
    """

    def __init__(
        self, endpoint: Endpoint, *, is_openai: bool = False, is_loopback: bool = False
    ) -> None:
        self.endpoint = endpoint
        self._is_openai = is_openai
        self._is_loopback = is_loopback

    @cached_property
    def client(self) -> "ClientSession":
        """The connections, kept alive. Retries are the runtime's affair, which shows them in the
        trace. Most of a run's processor time is spent beside its model calls: hence this client, which
        costs a fifth of one in plain Python.
        """
        import aiohttp  # noqa: PLC0415 - heavy

        return aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self.endpoint.key or 'none'}", **self._account()},
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S
            ),
            connector=aiohttp.TCPConnector(limit=1_000),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=None if self._is_loopback else _proxy_for(self.endpoint.url),
        )

    def _account(self) -> dict[str, str]:
        """Whose bill it is, when the key alone does not say so."""
        names = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
        found = {header: os.environ.get(name, "") for header, name in names.items()}
        return {header: value for header, value in found.items() if value and self._is_openai}

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
            async with self.client.get(url, timeout=bound) as reply:
                content = await reply.read()
            if reply.status >= 400:
                raise Refusal(reply, content)
            return [str(entry["id"]) for entry in orjson.loads(content)["data"]]
        except (
            Refusal, aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError, LookupError,
        ) as error:  # fmt: skip
            raise failure(self.endpoint, "", error) from error

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream an answer of the model.

        Raises:
            UpstreamFailed, UpstreamRefused: See ChatModel.
        """
        import aiohttp  # noqa: PLC0415 - heavy

        answer = _Answer(self.endpoint, model)
        body = orjson.dumps(self._body(model, request))
        url, headers = f"{self.endpoint.url}/chat/completions", _STREAMED
        try:
            async with self.client.post(url, data=body, headers=headers) as reply:
                if reply.status >= 400:
                    raise Refusal(reply, await reply.read())
                async for data in _events(reply):
                    text = answer.take(_chunk(reply, data))
                    if text:
                        yield Delta(text=text)
        except (Refusal, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise failure(self.endpoint, model, error) from error
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise malformed(self.endpoint, model, str(error)[:200]) from error
        yield answer.end()

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


class OpenAIChat:
    """A model behind an OpenAI-compatible server, with the server's own tool calls."""

    def __init__(self, info: ModelInfo, api: OpenAIApi) -> None:
        self.info = info
        self._api = api

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream the answer; see ChatModel."""
        return self._api.stream(self.info.name, request)


class _Answer:
    """Gathers what a stream says besides text."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._asked = model
        self._model = ""
        self._reason = ""
        self._refusal = ""
        self._usage: Usage | None = None
        self._calls: dict[int, dict[str, str]] = {}

    def take(self, chunk: Mapping[str, Any]) -> str:
        """Keep what the chunk says and return its text."""
        self._model = chunk.get("model") or self._model
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"])
        if not chunk.get("choices"):
            return ""
        choice = chunk["choices"][0]
        self._reason = choice.get("finish_reason") or self._reason
        delta = choice.get("delta")
        if not delta:
            return ""
        self._refusal += delta.get("refusal") or ""
        for part in delta.get("tool_calls") or ():
            call = self._calls.setdefault(
                part.get("index") or 0, {"id": "", "name": "", "arguments": ""}
            )
            call["id"] = part.get("id") or call["id"]
            function = part.get("function") or {}
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""
        return delta.get("content") or ""

    def end(self) -> Delta:
        """The last delta, with everything gathered."""
        if self._refusal or self._reason == "content_filter":
            why = self._refusal or "its content filter stepped in"
            raise UpstreamRefused(
                f"{self._endpoint.title} refused to answer: {why}", model=self._asked
            )
        if not self._reason:
            raise UpstreamFailed(
                f"{self._endpoint.title} broke off in the middle of the answer.", model=self._asked
            )
        calls = tuple(self._call(index, call) for index, call in sorted(self._calls.items()))
        return Delta(
            tool_calls=calls,
            usage=self._usage,
            model=self._model or self._asked,
            finish_reason="tool_calls" if calls else self._reason,
        )

    def _call(self, index: int, call: dict[str, str]) -> ToolCall:
        return ToolCall(
            id=call["id"] or f"call_{index}",
            name=call["name"],
            arguments=parse_arguments(self._endpoint, self._asked, call["name"], call["arguments"]),
        )


def parse_arguments(endpoint: Endpoint, model: str, tool: str, text: str) -> dict[str, Any]:
    """Read the arguments of a tool call.

    Raises:
        UpstreamFailed: They are no JSON object; asking again can help.
    """
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise malformed(
            endpoint, model, f"the arguments for the tool '{tool}' are not JSON"
        ) from error
    if not isinstance(arguments, dict):
        raise malformed(endpoint, model, f"the arguments for the tool '{tool}' are not an object")
    return arguments


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


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        cached_tokens=details.get("cached_tokens") or 0,
    )


def _proxy_for(url: str) -> str | None:
    """The machine's proxy for an address; asked once, since each look reads the whole environment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if proxy_bypass(host) else getproxies().get(parts.scheme)


async def _events(reply: "ClientResponse") -> AsyncGenerator[bytes, None]:
    """The data of the events of a stream, up to its end mark; an event has one line, however long."""
    async for line in _lines(reply):
        data = line[5:].strip() if line.startswith(b"data:") else b""
        if data == b"[DONE]":
            return
        if data:
            yield data


async def _lines(reply: "ClientResponse") -> AsyncGenerator[bytes, None]:
    rest = b""
    async for piece in reply.content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line
    yield rest


def _chunk(reply: "ClientResponse", data: bytes) -> Mapping[str, Any]:
    """Read one event of a stream.

    Raises:
        Refusal: It says that the server failed after it had begun to answer.
        ValueError: It is no JSON object.
    """
    chunk = orjson.loads(data)
    if not isinstance(chunk, dict):
        raise ValueError("an event is not an object")  # noqa: TRY004 - as what orjson refuses
    if chunk.get("error"):
        raise Refusal(reply, data)
    return chunk


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
