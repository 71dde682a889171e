"""OpenAI, and every server that speaks its chat protocol: Ollama, llama.cpp, vLLM and others."""

import json
from collections.abc import AsyncGenerator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.providers.endpoint import Endpoint, failure, malformed
from app.engine.sdk.messages import Message, ToolCall, Usage
from app.kernel.errors import UpstreamFailed, UpstreamRefused

if TYPE_CHECKING:  # the SDK takes a second to import: only a process that calls it pays
    from openai import AsyncOpenAI

_CONNECT_S = 5.0
_SILENCE_S = 300.0
"""A local model may think for minutes over a long prompt before its first token."""


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
    def client(self) -> "AsyncOpenAI":
        """The SDK's client. Retries are the runtime's affair, which shows them in the trace."""
        import httpx2  # noqa: PLC0415 - heavy
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient  # noqa: PLC0415 - heavy

        return AsyncOpenAI(
            base_url=self.endpoint.url,
            api_key=self.endpoint.key or "none",
            max_retries=0,
            timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S),
            http_client=DefaultAsyncHttpxClient(trust_env=not self._is_loopback),
        )

    async def close(self) -> None:
        """Close the connections, if any were made."""
        if "client" in self.__dict__:
            await self.client.close()

    async def model_names(self, timeout_s: float) -> list[str]:
        """Ask the server which models it has.

        Raises:
            UpstreamFailed, UpstreamRefused: It does not say.
        """
        import httpx2  # noqa: PLC0415 - heavy
        from openai import OpenAIError  # noqa: PLC0415 - heavy

        try:
            return [
                entry.id
                async for entry in self.client.with_options(timeout=timeout_s).models.list()
            ]
        except (OpenAIError, httpx2.HTTPError, ValueError, AttributeError) as error:
            raise failure(self.endpoint, "", error) from error

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream an answer of the model.

        Raises:
            UpstreamFailed, UpstreamRefused: See ChatModel.
        """
        import httpx2  # noqa: PLC0415 - heavy
        from openai import OpenAIError  # noqa: PLC0415 - heavy

        answer = _Answer(self.endpoint, model)
        try:
            chunks = await self.client.chat.completions.create(**self._body(model, request))
            async with chunks:
                async for chunk in chunks:
                    text = answer.take(chunk)
                    if text:
                        yield Delta(text=text)
        except (OpenAIError, httpx2.HTTPError) as error:
            raise failure(self.endpoint, model, error) from error
        except (ValueError, TypeError, AttributeError) as error:
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

    def take(self, chunk: Any) -> str:  # noqa: ANN401 - servers deviate from the SDK's type
        """Keep what the chunk says and return its text."""
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage)
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self._reason = choice.finish_reason or self._reason
        if choice.delta is None:
            return ""
        self._refusal += choice.delta.refusal or ""
        for part in choice.delta.tool_calls or ():
            call = self._calls.setdefault(part.index or 0, {"id": "", "name": "", "arguments": ""})
            call["id"] = part.id or call["id"]
            if part.function is not None:
                call["name"] += part.function.name or ""
                call["arguments"] += part.function.arguments or ""
        return choice.delta.content or ""

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


def _usage(usage: Any) -> Usage:  # noqa: ANN401 - see _Answer.take
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cached_tokens=getattr(details, "cached_tokens", None) or 0,
    )


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
