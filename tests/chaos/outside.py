"""The outside world of the product under test, in a process of its own: an effects sink and a model
provider.

`python -m tests.chaos.outside PORT FILE`. Each effect is appended to FILE, as one line of JSON, and
on disk before it is answered. The model provider speaks OpenAI's protocol; how it fails is told by the
prompt: `[limited:2]` answers 429 twice and then well, `[broken:n]` 500, `[cut:n]` ends in the middle,
`[malformed:n]` is no JSON, `[slow:ms]` takes its time.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKENS_IN, TOKENS_OUT = 11, 7
_WISH = re.compile(r"\[(limited|broken|cut|malformed|slow):(\d+)\]")
_TURN = re.compile(r"\[(\d+)")


class Log:
    """A file that is on disk before anybody hears of what is in it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()

    async def append(self, **facts: Any) -> None:
        """Return once the line is on disk."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((json.dumps(facts).encode() + b"\n", done))
        self._wake.set()
        await done

    async def write_forever(self) -> None:
        """Many lines share one fsync."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            taken, self._waiting = self._waiting, []
            os.write(self._file, b"".join(line for line, _ in taken))
            await asyncio.to_thread(os.fsync, self._file)
            for _, done in taken:
                if not done.cancelled():
                    done.set_result(None)


class Outside:
    """Answers what the product's runs ask."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seen: Counter[str] = Counter()
        self._count = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (x.partition(":") for x in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            url = urlsplit(head[0].split(" ")[1])
            if url.path.startswith("/effect/"):
                await self._effect(url.path, dict(parse_qsl(url.query)), headers, body, writer)
            elif url.path == "/v1/chat/completions":
                await self._chat(json.loads(body), writer)
            else:
                _send(writer, 200, {"object": "list", "data": []})
            await writer.drain()
        writer.close()

    async def _effect(
        self,
        path: str,
        wish: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._count += 1
        nonce = f"{os.getpid()}-{self._count}"
        key = headers.get("idempotency-key", "")
        self._seen[key] += 1
        run_id, _, step = key.partition(":")
        first_try = "." not in step
        fails = self._seen[key] <= int(wish.get("fail", 0)) or ("fail_first" in wish and first_try)
        given = json.loads(body) if body else {}
        await self._log.append(
            what="effect",
            at=time.time(),
            run_id=run_id,
            path=step,
            key=key,
            pid=int(headers.get("x-process", 0)),
            life=headers.get("x-life", ""),
            node=path.rpartition("/")[2],
            nonce=nonce,
            status=500 if fails else 200,
            marker=given.get("marker"),
            version=given.get("version"),
        )
        await asyncio.sleep(float(wish.get("delay", 0)) / 1000)
        if fails:
            _send(writer, 500, {"error": "not yet"})
        else:
            turn = _TURN.search(step)
            _send(writer, 200, {"nonce": nonce, "turn": int(turn[1]) if turn else 0})

    async def _chat(self, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        prompt = str(asked["messages"][-1]["content"])
        self._seen[prompt] += 1
        wishes = {name: int(n) for name, n in _WISH.findall(prompt)}
        await asyncio.sleep(wishes.pop("slow", 0) / 1000)
        ways = [name for name, times in wishes.items() for _ in range(times)]
        turn = self._seen[prompt] - 1
        way = ways[turn] if turn < len(ways) else "well"
        await self._log.append(what="model", at=time.time(), prompt=prompt, way=way)
        if way in ("limited", "broken"):
            status = 429 if way == "limited" else 500
            _send(writer, status, {"error": {"message": way, "type": way}}, {"Retry-After": "1"})
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        if way == "malformed":
            _chunk(writer, "data: {this is no JSON\n\n")
        for piece in ("The ", "sea ", "is ", "blue."):
            _chunk(writer, _delta({"content": piece}))
            await writer.drain()
            if way == "cut" and piece == "sea ":
                return
        usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": 18}
        _chunk(writer, _delta({}, "stop"))
        _chunk(writer, _data({**_HEAD, "choices": [], "usage": usage}))
        _chunk(writer, "data: [DONE]\n\n")
        _chunk(writer, "")


_HEAD = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "sea"}


def _delta(delta: dict[str, Any], reason: str | None = None) -> str:
    return _data({**_HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def _data(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _send(
    writer: asyncio.StreamWriter,
    status: int,
    value: dict[str, Any],
    more: dict[str, str] | None = None,
) -> None:
    body = json.dumps(value).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {text}" for name, text in (more or {}).items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


async def main(port: int, path: str) -> None:
    """Serve until killed."""
    log = Log(path)
    server = await asyncio.start_server(Outside(log).serve, "127.0.0.1", port, backlog=512)
    async with server:
        await log.write_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
