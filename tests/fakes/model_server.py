"""A model provider on the wire: OpenAI's, Anthropic's and Ollama's protocols, and how they go wrong.

The model's name says how the server behaves:

- `plain`: answers TEXT in pieces; `tools`: calls get_weather; `schema`: answers JSON
- `thinks`: reasons before it answers; `full`: is cut off at its longest; `wrong`: calls with arguments that are no JSON
- `two`: calls get_weather twice; `silent`: tells no usage
- `limited`: 429 with Retry-After; `broken`: 500; `unknown`: 404; `refuses`: declines to answer
- `cut`: the connection ends in the middle; `malformed`: what comes is no JSON
- `endless`: goes on until the caller hangs up
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any, Self

KEY = "sk-test-0123456789abcdefghij"
PIECES = ("The ", "sea ", "is ", "blue – ", "always.")
TEXT = "".join(PIECES)
ARGUMENTS = {"city": "Óbidos", "days": 3}
WRITTEN = {"two": ('{"city": "Oslo"}', '{"city": "Rome"}'), "wrong": ('{"city": ',)}
DATA = {"label": "billing", "score": 2}


class FakeModelServer:
    """Use as `async with FakeModelServer() as server`; `requests` has every body that came in."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.hung_up = asyncio.Event()
        self.ollama_models: list[str] = []
        self.ollama_capabilities = ["completion"]
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            path, headers, body = await _read_request(reader)
            self.asked.append(path)
            if body:
                self.requests.append(json.loads(body))
            await self._answer(path, headers, writer)
        writer.close()

    async def _answer(
        self, path: str, headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        if path.startswith("/api/"):
            _send(writer, 200, self._ollama(path))
            return
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if given not in (KEY, "ollama"):
            _send(writer, 401, _error("invalid_api_key", f"Incorrect API key provided: {given}"))
        elif path == "/v1/models":
            _send(
                writer,
                200,
                {
                    "object": "list",
                    "data": [
                        {"id": name, "object": "model", "created": 0, "owned_by": "us"}
                        for name in ("plain", "tools")
                    ],
                },
            )
        else:
            await self._chat(path.endswith("/messages"), writer)

    def _ollama(self, path: str) -> dict[str, Any]:
        return {
            "/api/version": {"version": "0.9.0"},
            "/api/tags": {"models": [{"name": name, "size": 1000} for name in self.ollama_models]},
            "/api/show": {"capabilities": self.ollama_capabilities},
        }[path]

    async def _chat(self, is_anthropic: bool, writer: asyncio.StreamWriter) -> None:
        model = str(self.requests[-1]["model"])
        failures = {
            "limited": (429, "rate_limit_error", "Too many requests"),
            "broken": (500, "api_error", "Something broke"),
            "unknown": (404, "not_found_error", "No such model"),
        }
        if model in failures:
            status, kind, message = failures[model]
            _send(
                writer, status, _error(kind, message), {"Retry-After": "7"} if status == 429 else {}
            )
            return
        _begin_stream(writer)
        if model == "malformed":
            _chunk(writer, "data: {this is no JSON\n\n")
            _chunk(writer, "")
            return
        events = _anthropic(model) if is_anthropic else _openai(model)
        try:
            async for event in _paced(events, endless=model == "endless"):
                _chunk(writer, event)
                await writer.drain()
                if model == "cut" and "blue" in event:
                    return
        except ConnectionError:
            self.hung_up.set()
            return
        _chunk(writer, "")


async def _paced(events: Iterator[str], *, endless: bool) -> AsyncIterator[str]:
    for event in events:
        yield event
        await asyncio.sleep(0.01 if endless else 0)


def _openai(model: str) -> Iterator[str]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _data(
            {
                "id": "1",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": model,
                "choices": [choice],
            }
        )

    yield chunk({"role": "assistant", "content": ""})
    if model == "thinks":
        yield chunk({"reasoning_content": "Let me see."})
    if model in WRITTEN:
        for index, text in enumerate(WRITTEN[model]):
            function = {"name": "get_weather", "arguments": text}
            yield chunk({"tool_calls": [{"index": index, "id": f"c{index}", "function": function}]})
    elif model == "tools":
        text = json.dumps(ARGUMENTS)
        yield chunk(
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": ""},
                    }
                ]
            }
        )
        for piece in (text[:5], text[5:14], text[14:]):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    elif model == "refuses":
        yield chunk({"refusal": "I cannot help with that."})
    else:
        yield from (chunk({"content": piece}) for piece in _pieces(model))
    reasons = {"tools": "tool_calls", "two": "tool_calls", "wrong": "tool_calls", "full": "length"}
    yield chunk({}, reasons.get(model, "stop"))
    if model == "silent":
        yield "data: [DONE]\n\n"
        return
    yield _data(
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": model,
            "choices": [],
            "usage": {
                "prompt_tokens": 30,
                "completion_tokens": 5,
                "total_tokens": 35,
                "prompt_tokens_details": {"cached_tokens": 20},
            },
        }
    )
    yield "data: [DONE]\n\n"


def _anthropic(model: str) -> Iterator[str]:
    def event(kind: str, **fields: Any) -> str:
        return f"event: {kind}\n" + _data({"type": kind, **fields})

    usage = {
        "input_tokens": 6,
        "cache_creation_input_tokens": 4,
        "cache_read_input_tokens": 20,
        "output_tokens": 1,
    }
    if model == "silent":
        usage = dict.fromkeys(usage, 0)
    yield event(
        "message_start",
        message={
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        },
    )
    if model == "thinks":
        block = {"type": "thinking", "thinking": "", "signature": ""}
        yield event("content_block_start", index=7, content_block=block)
        delta = {"type": "thinking_delta", "thinking": "Let me see."}
        yield event("content_block_delta", index=7, delta=delta)
        yield event("content_block_stop", index=7)
    if model in WRITTEN:
        for index, text in enumerate(WRITTEN[model]):
            block = {"type": "tool_use", "id": f"c{index}", "name": "get_weather", "input": {}}
            yield event("content_block_start", index=index, content_block=block)
            delta = {"type": "input_json_delta", "partial_json": text}
            yield event("content_block_delta", index=index, delta=delta)
    elif model == "tools":
        text = json.dumps(ARGUMENTS)
        yield event(
            "content_block_start",
            index=0,
            content_block={"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {}},
        )
        for piece in (text[:5], text[5:14], text[14:]):
            yield event(
                "content_block_delta",
                index=0,
                delta={"type": "input_json_delta", "partial_json": piece},
            )
    else:
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for piece in _pieces(model):
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    reasons = {"tools": "tool_use", "two": "tool_use", "wrong": "tool_use"}
    reasons |= {"refuses": "refusal", "full": "max_tokens"}
    yield event(
        "message_delta",
        delta={"stop_reason": reasons.get(model, "end_turn"), "stop_sequence": None},
        usage={"output_tokens": 0 if model == "silent" else 5},
    )
    yield event("message_stop")


def _pieces(model: str) -> Iterator[str]:
    if model == "schema":
        text = json.dumps(DATA)
        yield from (text[:7], text[7:])
    elif model == "endless":
        while True:
            yield "on and on "
    else:
        yield from PIECES


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "code": kind, "message": message}}


def _data(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): text.strip() for name, _, text in (line.partition(":") for line in head[1:])
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return head[0].split(" ")[1], headers, body


def _send(
    writer: asyncio.StreamWriter,
    status: int,
    value: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> None:
    body = json.dumps(value).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {text}" for name, text in (headers or {}).items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


def _begin_stream(writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n"
    )


def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
