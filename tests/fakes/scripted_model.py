"""A server of OpenAI's chat protocol that answers from a script, byte by byte if need be.

A turn of the script is a dict:

- `content`: a text, streamed whole; `deltas`: what the pieces hold; `finish`: why it ended (None: it does not say)
- `usage`: tokens told at the end (None: none are); `ends`: False leaves the end mark out
- `body`: what is sent instead, as text or bytes; `type`: its content type
- `status`, `headers`: an answer that is no answer; `hangs_up`: bytes of the body after which the connection is cut
"""

import asyncio
import json
from contextlib import suppress
from typing import Any, Self

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class ScriptedModel:
    """Use as `async with ScriptedModel(*turns) as server`; `requests` has every body that came in.

    The last turn is repeated.
    """

    def __init__(self, *turns: dict[str, Any]) -> None:
        self.turns = list(turns)
        self.requests: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            size = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
            self.requests.append(json.loads(await reader.readexactly(size)))
            turn = self.turns[min(len(self.requests), len(self.turns)) - 1]
            writer.write(answer(turn))
            await writer.drain()
        writer.close()


def answer(turn: dict[str, Any]) -> bytes:
    """The bytes of one answer."""
    status = turn.get("status", 200)
    body = turn.get("body")
    if body is None:
        body = stream(turn) if status == 200 else json.dumps({"error": {"message": "busy"}})
    raw = body if isinstance(body, bytes) else body.encode()
    kind = turn.get("type") or ("text/event-stream" if status == 200 else "application/json")
    headers = {"Content-Type": kind, "Content-Length": len(raw), "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in {**headers, **turn.get("headers", {})}.items()]
    return (
        "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + raw[: turn.get("hangs_up")]
    )


def stream(turn: dict[str, Any]) -> str:
    """An answer as an event stream."""
    deltas = turn.get("deltas", [{"content": turn.get("content", "")}])
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if turn.get("finish", "stop") is not None:
        choices.append({"index": 0, "delta": {}, "finish_reason": turn.get("finish", "stop")})
    events = [{"model": "m1", "choices": [choice]} for choice in choices]
    usage = turn.get("usage", USAGE)
    if usage is not None:
        events.append({"model": "m1", "choices": [], "usage": usage})
    told = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return told + ("data: [DONE]\n\n" if turn.get("ends", True) else "")


def call(arguments: Any = '{"a": "1", "b": "2"}', name: str | None = "add", **more: Any) -> Any:
    """A piece of a tool call; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    piece = {"id": "c1", "index": 0, "type": "function", **more}
    piece["function"] = {key: value for key, value in function.items() if value is not None}
    return {key: value for key, value in piece.items() if value is not None}
