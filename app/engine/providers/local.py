"""Models whose runtime has no reliable tool calls: tools become a JSON schema the answer must fit.

Source: both local models gave tool calls of the runtime back as plain text; with this method
Qwen-1.5B chose right in 12 of 12 requests (design notes, local parts 2.3).
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from secrets import token_hex
from typing import Any

from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.providers.openai import OpenAIApi
from app.engine.providers.reading import spoken, values_in
from app.engine.sdk.messages import Message, ToolCall, ToolSpec
from app.engine.sdk.text import as_text
from app.kernel.errors import UpstreamFailed

_MAX_TOKENS = 1024
"""Default limit of an answer: a small model can ramble until its context is full."""

_AGAIN_S = (0.1, 0.5, None)
"""Pauses before a server that died is asked again: one that is still shutting down may take the first request, too."""

_OPENING = re.compile(r'\s*\{\s*"tool"\s*:\s*"(?:answer_*)"\s*,\s*"text"\s*:\s*"')
_BEGUN = re.compile(r'\s*\{\s*"tool"\s*:\s*"([^"]+)"')
_PIECE = re.compile(
    r'[^"\\]+|\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
)


class LocalChat:
    """A model that gets its tools in the prompt and must answer in a schema.

    Args:
        connect: Gives the server, starting it when it sleeps.
    """

    def __init__(self, info: ModelInfo, connect: Callable[[], Awaitable[OpenAIApi]]) -> None:
        self.info = info
        self._connect = connect

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream the answer; see ChatModel. A server that dies is asked again, to go on after what it has said.

        Raises:
            ModelMissing: The model's server cannot be started.
        """
        if request.max_tokens is None:
            request = replace(request, max_tokens=_MAX_TOKENS)
        talk = _WithTools(request) if request.tools else _Plain(request)
        for pause in _AGAIN_S:
            try:
                api = await self._connect()
                async with aclosing(api.stream(self.info.name, talk.request)) as answer:
                    async for delta in answer:
                        if shown := talk.hear(delta):
                            yield replace(shown, model=self.info.name) if shown.model else shown
            except UpstreamFailed as error:
                # it is started again by who watches it, and connecting waits for that
                if pause is None:
                    error.context["is_final"] = True  # three tries are enough: nobody adds to them
                if pause is None or error.context.get("status_code", 0) is not None:
                    raise
                await asyncio.sleep(pause)
            else:
                return


class _Plain:
    """A conversation whose output is passed on as it is."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._said = ""

    @property
    def request(self) -> ChatRequest:
        """The request to send now."""
        return _going_on(self._request, self._said)

    def hear(self, delta: Delta) -> Delta | None:
        """What to pass on of a received piece."""
        self._said += delta.text
        return delta


class _WithTools:
    """A conversation in JSON; only the answer's text is passed on, or a tool call at the end."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = in_schema(request)
        self._answer = _answer_name(request.tools)
        self._reader = AnswerReader()

    @property
    def request(self) -> ChatRequest:
        """The request to send now; a tool call that was not passed on yet starts over."""
        if not self._reader.streamed:
            self._reader = AnswerReader()
        return _going_on(self._request, self._reader.raw)

    def hear(self, delta: Delta) -> Delta | None:
        """What to tell of a piece that came."""
        text = self._reader.feed(delta.text)
        if delta.finish_reason:
            last = self._conclusion(replace(delta, text=""))
            return replace(last, text=text + last.text)
        shown = replace(delta, text=text)
        return shown if text or delta.thought or delta.usage else None

    def _conclusion(self, last: Delta) -> Delta:
        """The last delta: tool calls, a value, or the end of a plain answer.

        A model that keeps to no schema may write words around its JSON, or none at all: that is its answer.
        """
        raw = self._reader.raw
        if self._reader.streamed or last.finish_reason == "length":
            return last
        for values in values_in(spoken(raw)):
            chosen = [value for value in values if self._is_choice(value)]
            if calls := tuple(_call(one) for one in chosen if one["tool"] != self._answer):
                return replace(last, tool_calls=calls, finish_reason="tool_calls")
            if chosen:
                return replace(last, text=_answered(chosen[0]))
        if begun := _BEGUN.match(spoken(raw)):
            call = ToolCall(id=f"call_{token_hex(4)}", name=begun[1], broken=raw)
            return replace(last, tool_calls=(call,), finish_reason="tool_calls")
        return replace(last, text=raw)

    def _is_choice(self, value: object) -> bool:
        """Whether a value names a tool or is the answer; what else has its form is text."""
        if not isinstance(value, dict) or not isinstance(value.get("tool"), str):
            return False
        if value["tool"] == self._answer:
            return "text" in value or "value" in value
        return isinstance(value.get("arguments", {}), dict)


def _call(choice: Mapping[str, Any]) -> ToolCall:
    arguments = choice.get("arguments", {})
    return ToolCall(id=f"call_{token_hex(4)}", name=choice["tool"], arguments=arguments)


def _answered(choice: Mapping[str, Any]) -> str:
    if "value" in choice:
        return json.dumps(choice["value"], ensure_ascii=False)
    return as_text(choice["text"])


def _going_on(request: ChatRequest, said: str) -> ChatRequest:
    """A request that goes on after what was said: servers of local models write on in a last message that is their own.
    They would start the schema over, so it goes without one.
    """
    if not said:
        return request
    own = Message(role="assistant", text=said)
    return replace(request, messages=(*request.messages, own), schema=None)


class AnswerReader:
    """Reads `{"tool": "answer", "text": "…"}` while it arrives; gives out the text's new part."""

    def __init__(self) -> None:
        self.raw = ""
        self.streamed = False
        self._at = -1

    def feed(self, chunk: str) -> str:
        """Add a piece of JSON; return the text that is certain by now."""
        self.raw += chunk
        if self._at < 0:
            opening = _OPENING.match(self.raw)
            if opening is None:
                return ""
            self._at, self.streamed = opening.end(), True
        found = ""
        while piece := _PIECE.match(self.raw, self._at):
            found += piece[0]
            self._at = piece.end()
        return str(json.loads(f'"{found}"', strict=False))


def tool_schema(
    tools: Sequence[ToolSpec], answer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The schema of one choice: a tool with its arguments, or the answer.

    Args:
        answer: Shape of the answer's value; None: the answer is a text.
    """
    calls = [_shape(tool.name, "arguments", tool.parameters) for tool in tools]
    field, shape = ("text", {"type": "string"}) if answer is None else ("value", dict(answer))
    return {"anyOf": [*calls, _shape(_answer_name(tools), field, shape)]}


def in_schema(request: ChatRequest) -> ChatRequest:
    """Rewrite a request with tools into one whose answer fits `tool_schema`.

    What stays the same between calls comes first (persona, tools, examples), so that the server
    finds it in its prefix cache; reuse is 35 times faster.
    """
    system = [message.text for message in request.messages if message.role == "system"]
    instructions = Message(role="system", text="\n\n".join([*system, _instructions(request)]))
    names: dict[str, str] = {}
    talk: list[Message] = []
    for message in request.messages:
        names.update({call.id: call.name for call in message.tool_calls})
        talk.extend(_as_schema_says(message, request, names))
    return replace(
        request,
        messages=(instructions, *_examples(request), *talk),
        tools=(),
        schema=tool_schema(request.tools, request.schema),
    )


def _shape(name: str, field: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"const": name}, field: dict(schema)},
        "required": ["tool", field],
        "additionalProperties": False,
    }


def _answer_name(tools: Sequence[ToolSpec]) -> str:
    """`answer`, or a longer name when a tool is called that."""
    name = "answer"
    while any(tool.name == name for tool in tools):
        name += "_"
    return name


def _instructions(request: ChatRequest) -> str:
    lines = [
        f"- {tool.name}: {tool.description} Arguments: "
        + json.dumps(dict(tool.parameters), ensure_ascii=False)
        for tool in request.tools
    ]
    return "\n".join(
        [
            "You can use these tools:",
            *lines,
            "Reply with one JSON object. To use a tool: "
            '{"tool": "<name>", "arguments": {…}}. You will get its result and can go on.',
            f"To answer the user: {_answer(request, '…')}. "
            "Answer when no tool fits, or when you have the results.",
        ]
    )


def _examples(request: ChatRequest) -> list[Message]:
    """One call and one plain answer, made from the first tool."""
    tool = request.tools[0]
    arguments = _sample(tool.parameters)
    asked = ", ".join(f"{key} {json.dumps(value)}" for key, value in arguments.items())
    examples = [
        Message(role="user", text=f"Please use {tool.name}{f' with {asked}' if asked else ''}."),
        Message(role="assistant", text=json.dumps({"tool": tool.name, "arguments": arguments})),
    ]
    if request.schema is None:
        examples += [
            Message(role="user", text="Thank you, that is all. Say hello."),
            Message(role="assistant", text=_answer(request, "Hello!")),
        ]
    return examples


def _answer(request: ChatRequest, text: str) -> str:
    field = "text" if request.schema is None else "value"
    return json.dumps({"tool": _answer_name(request.tools), field: text}, ensure_ascii=False)


def _as_schema_says(
    message: Message, request: ChatRequest, names: Mapping[str, str]
) -> list[Message]:
    """A message of the conversation, written in the schema."""
    if message.role == "user":
        return [message]
    if message.role == "tool":
        tool = names.get(message.tool_call_id, "the tool")
        return [Message(role="user", text=f"Result of {tool}: {message.text}")]
    if message.role == "assistant" and message.tool_calls:
        calls = [
            json.dumps({"tool": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False)
            for call in message.tool_calls
        ]
        return [Message(role="assistant", text="\n".join(calls))]
    if message.role == "assistant":
        return [Message(role="assistant", text=_answer(request, message.text))]
    return []


def _sample(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Example arguments for a tool's parameters."""
    values = {
        "string": "example",
        "number": 1,
        "integer": 1,
        "boolean": True,
        "array": [],
        "object": {},
    }
    return {
        name: part["enum"][0] if part.get("enum") else values.get(str(part.get("type")), "example")
        for name, part in schema.get("properties", {}).items()
    }
