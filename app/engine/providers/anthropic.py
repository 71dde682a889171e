"""Anthropic's Claude models."""

import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.engine.providers.base import ChatRequest, Delta, reason_of
from app.engine.providers.client import CONNECT_S, SILENCE_S, ApiChat, answered
from app.engine.providers.endpoint import Endpoint, broken_off
from app.engine.providers.reading import read_arguments
from app.engine.sdk.messages import Message, ToolCall, Usage
from app.kernel.errors import UpstreamRefused

if TYPE_CHECKING:  # the SDK takes two seconds to import: only a process that calls it pays
    from anthropic import AsyncAnthropic

_MAX_TOKENS = 8192


class AnthropicApi:
    """Anthropic's API. Its client is made on the first call and reused."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @cached_property
    def client(self) -> "AsyncAnthropic":
        """The SDK's client. Retries are left to the runtime, which shows them in the trace. Proxy
        settings of the machine do not apply: they would show the key and the texts to another.
        """
        import httpx2  # noqa: PLC0415 - heavy
        from anthropic import AsyncAnthropic  # noqa: PLC0415 - heavy

        timeout = httpx2.Timeout(SILENCE_S, connect=CONNECT_S)

        return AsyncAnthropic(
            base_url=self.endpoint.url,
            api_key=self.endpoint.key,
            max_retries=0,
            timeout=timeout,
            http_client=httpx2.AsyncClient(
                trust_env=False, timeout=timeout, proxy=self.endpoint.proxy or None
            ),
        )

    async def close(self) -> None:
        """Close the connections, if any were made."""
        if "client" in self.__dict__:
            await self.client.close()

    def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream an answer of the model; see ChatModel."""
        import httpx2  # noqa: PLC0415 - heavy
        from anthropic import AnthropicError  # noqa: PLC0415 - heavy

        answer, errors = _Answer(self.endpoint, model), (AnthropicError, httpx2.HTTPError)
        return answered(self.endpoint, model, self._events(model, request), answer, errors)

    async def _events(self, model: str, request: ChatRequest) -> AsyncGenerator[Any, None]:
        events = await self.client.messages.create(**_body(model, request))
        async with events:
            async for event in events:
                yield event


class AnthropicChat(ApiChat):
    """A Claude model. Claude takes no temperature: it is left out."""


@dataclass
class _Call:
    """A tool call that is still streaming in."""

    id: str
    name: str
    arguments: list[str] = field(default_factory=list)


class _Answer:
    """Collects what a stream contains besides text."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._asked = model
        self._model = ""
        self._reason = ""
        self._is_complete = False
        self._usage = Usage()
        self._calls: dict[int, _Call] = {}

    def take(self, event: Any) -> Delta | None:  # noqa: ANN401 - a union of events, told apart by `type`
        """Keep what the event says and return its text."""
        if event.type == "message_start":
            self._model = event.message.model
            self._count(event.message.usage)
        elif event.type == "content_block_start":
            return self._begin(event.index, event.content_block)
        elif event.type == "content_block_delta":
            return self._go_on(event.index, event.delta)
        elif event.type == "message_delta":
            self._reason = reason_of(event.delta.stop_reason) or self._reason
            self._count(event.usage)
        elif event.type == "message_stop":
            self._is_complete = True
        return None

    def _begin(self, index: int, block: Any) -> Delta | None:  # noqa: ANN401 - see take
        if block.type == "tool_use":
            whole = [json.dumps(block.input)] if block.input else []
            self._calls[index] = _Call(block.id, block.name, whole)
        return Delta(text=block.text) if block.type == "text" and block.text else None

    def _go_on(self, index: int, delta: Any) -> Delta | None:  # noqa: ANN401 - see take
        if delta.type == "text_delta":
            return Delta(text=delta.text) if delta.text else None
        if delta.type == "thinking_delta":
            return Delta(thought=delta.thinking)
        if delta.type == "input_json_delta" and index in self._calls:
            self._calls[index].arguments.append(delta.partial_json or "")
        return None

    def _count(self, usage: Any) -> None:  # noqa: ANN401 - see take
        """Keep the reported usage; Anthropic's `input_tokens` leaves the cached tokens out."""
        if usage is None:
            return
        cached = usage.cache_read_input_tokens or 0
        reported = (usage.input_tokens or 0) + (usage.cache_creation_input_tokens or 0) + cached
        self._usage = Usage(
            input_tokens=max(reported, self._usage.input_tokens),
            output_tokens=max(usage.output_tokens or 0, self._usage.output_tokens),
            cached_tokens=max(cached, self._usage.cached_tokens),
        )

    def used(self) -> Delta:
        """What was used, as far as the server has said."""
        return Delta(usage=self._usage, model=self._model or self._asked)

    def end(self) -> Iterator[Delta]:
        """The last deltas: what was used, and, when it ended well, everything gathered.

        Raises:
            UpstreamRefused: It declined to answer.
            UpstreamFailed: It broke off.
        """
        used = self.used()
        yield used
        if self._reason == "content_filter":
            raise UpstreamRefused(
                f"{self._endpoint.title} refused to answer this.", model=self._asked
            )
        if not self._reason and not self._is_complete:
            raise broken_off(self._endpoint, self._asked)
        calls: list[ToolCall] = []
        for _, call in sorted(self._calls.items()):
            arguments, broken = read_arguments(call.arguments)
            calls.append(ToolCall(id=call.id, name=call.name, arguments=arguments, broken=broken))
        reason = self._reason or "stop"
        if reason != "length":
            reason = "tool_calls" if calls else "stop"
        yield Delta(
            tool_calls=tuple(calls), usage=used.usage, model=used.model, finish_reason=reason
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
    """Messages by role. Adjacent ones of one role are merged, as parallel tool results must be."""
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
