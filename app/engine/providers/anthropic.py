"""Anthropic's Claude models."""

from collections.abc import AsyncGenerator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.providers.endpoint import Endpoint, failure, malformed
from app.engine.providers.openai import parse_arguments
from app.engine.sdk.messages import Message, ToolCall, Usage
from app.kernel.errors import UpstreamFailed, UpstreamRefused

if TYPE_CHECKING:  # the SDK takes two seconds to import: only a process that calls it pays
    from anthropic import AsyncAnthropic

_CONNECT_S = 5.0
_SILENCE_S = 300.0
_MAX_TOKENS = 8192
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
}


class AnthropicApi:
    """Anthropic's API. Its client is made on the first call and reused."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @cached_property
    def client(self) -> "AsyncAnthropic":
        """The SDK's client. Retries are the runtime's affair, which shows them in the trace."""
        import httpx2  # noqa: PLC0415 - heavy
        from anthropic import AsyncAnthropic  # noqa: PLC0415 - heavy

        return AsyncAnthropic(
            base_url=self.endpoint.url,
            api_key=self.endpoint.key,
            max_retries=0,
            timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S),
        )

    async def close(self) -> None:
        """Close the connections, if any were made."""
        if "client" in self.__dict__:
            await self.client.close()

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream an answer of the model.

        Raises:
            UpstreamFailed, UpstreamRefused: See ChatModel.
        """
        import httpx2  # noqa: PLC0415 - heavy
        from anthropic import AnthropicError  # noqa: PLC0415 - heavy

        answer = _Answer(self.endpoint, model)
        try:
            events = await self.client.messages.create(**_body(model, request))
            async with events:
                async for event in events:
                    text = answer.take(event)
                    if text:
                        yield Delta(text=text)
        except (AnthropicError, httpx2.HTTPError) as error:
            raise failure(self.endpoint, model, error) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise malformed(self.endpoint, model, str(error)[:200]) from error
        yield answer.end()


class AnthropicChat:
    """A Claude model."""

    def __init__(self, info: ModelInfo, api: AnthropicApi) -> None:
        self.info = info
        self._api = api

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream the answer; see ChatModel. Claude takes no temperature: it is left out."""
        return self._api.stream(self.info.name, request)


class _Answer:
    """Gathers what a stream says besides text."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._asked = model
        self._model = ""
        self._reason = ""
        self._input = self._cached = self._output = 0
        self._calls: dict[int, dict[str, str]] = {}

    def take(self, event: Any) -> str:  # noqa: ANN401 - a union of events, told apart by `type`
        """Keep what the event says and return its text."""
        if event.type == "message_start":
            self._model = event.message.model
            self._count(event.message.usage)
        elif event.type == "content_block_start" and event.content_block.type == "tool_use":
            block = event.content_block
            self._calls[event.index] = {"id": block.id, "name": block.name, "arguments": ""}
        elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            self._calls[event.index]["arguments"] += event.delta.partial_json
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            return str(event.delta.text)
        elif event.type == "message_delta":
            self._reason = event.delta.stop_reason or self._reason
            self._output = event.usage.output_tokens or self._output
        return ""

    def _count(self, usage: Any) -> None:  # noqa: ANN401 - see take
        """Add up the input: for Anthropic `input_tokens` leaves the cached ones out."""
        self._cached = usage.cache_read_input_tokens or 0
        self._input = (
            (usage.input_tokens or 0) + (usage.cache_creation_input_tokens or 0) + self._cached
        )
        self._output = usage.output_tokens or 0

    def end(self) -> Delta:
        """The last delta, with everything gathered."""
        if self._reason == "refusal":
            raise UpstreamRefused(
                f"{self._endpoint.title} refused to answer this.", model=self._asked
            )
        if not self._reason:
            raise UpstreamFailed(
                f"{self._endpoint.title} broke off in the middle of the answer.", model=self._asked
            )
        calls = tuple(
            ToolCall(
                id=call["id"],
                name=call["name"],
                arguments=parse_arguments(
                    self._endpoint, self._asked, call["name"], call["arguments"]
                ),
            )
            for _, call in sorted(self._calls.items())
        )
        usage = Usage(
            input_tokens=self._input, output_tokens=self._output, cached_tokens=self._cached
        )
        return Delta(
            tool_calls=calls,
            usage=usage,
            model=self._model or self._asked,
            finish_reason=_REASONS.get(self._reason, self._reason),
        )


def _body(model: str, request: ChatRequest) -> dict[str, Any]:
    system = "\n\n".join(message.text for message in request.messages if message.role == "system")
    body: dict[str, Any] = {
        "model": model,
        "messages": _turns(request.messages),
        "max_tokens": request.max_tokens or _MAX_TOKENS,
        "stream": True,
    }
    if system:
        body["system"] = system
    if request.tools:
        body["tools"] = [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": dict(tool.parameters),
            }
            for tool in request.tools
        ]
    if request.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": dict(request.schema)}}
    return body


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Turns by role. Neighbours of one role become one turn, as parallel tool results must."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [
            {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.text}
        ]
    text = [{"type": "text", "text": message.text}] if message.text else []
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)}
        for call in message.tool_calls
    ]
    return [*text, *calls]
