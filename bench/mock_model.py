"""An OpenAI-compatible server that answers every chat after a fixed time. Run it in a process of its own:

.venv/bin/python bench/mock_model.py PORT MILLISECONDS
"""

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.wire import Server

ANSWER = "The sea is blue."
_USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def _chunk(delta: dict, reason: str | None = None, usage: dict | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock",
        "choices": [] if usage else [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": usage,
    }  # fmt: skip
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_STREAM = b"".join(
    [
        _chunk({"role": "assistant", "content": ""}),
        *(_chunk({"content": piece}) for piece in ("The ", "sea ", "is ", "blue.")),
        _chunk({}, "stop"),
        _chunk({}, usage=_USAGE),
        b"data: [DONE]\n\n",
    ]
)
_WHOLE = json.dumps(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "mock", "usage": _USAGE,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}],
    }
).encode()  # fmt: skip
_MODELS = json.dumps({"object": "list", "data": [{"id": "mock", "object": "model"}]}).encode()


def _response(kind: bytes, body: bytes) -> bytes:
    length = str(len(body)).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: "
        + kind
        + b"\r\nContent-Length: "
        + length
        + b"\r\n\r\n"
        + body
    )


_STREAMED = _response(b"text/event-stream", _STREAM)
_AT_ONCE = _response(b"application/json", _WHOLE)
_LISTED = _response(b"application/json", _MODELS)


def answer(head: bytes, body: bytes) -> bytes:
    """Answer a chat, streamed when asked for, or the list of models."""
    if head.startswith(b"GET"):
        return _LISTED
    return _STREAMED if b'"stream":true' in body or b'"stream": true' in body else _AT_ONCE


async def serve(port: int, delay_s: float) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(answer, delay_s), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
