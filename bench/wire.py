"""A very small HTTP client and server, so that the load generator and the mock cost next to nothing."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time. Answers must say their length."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        """Connect to the host of an address."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(cls, parts.hostname, parts.port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Gather until one whole answer is there."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server hung up"))

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request as bytes; return status and body."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    async def call(self, request: bytes) -> Any:
        """Send a request; return the JSON of a good answer.

        Raises:
            RuntimeError: The status is not 2xx.
        """
        status, body = await self.send(request)
        if status >= 300:
            raise RuntimeError(f"{status}: {body[:500].decode(errors='replace')}")
        return json.loads(body) if body else None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def request_bytes(
    method: str, path: str, body: Any = None, token: str = "", **headers: str
) -> bytes:
    """A request on the wire."""
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(data)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


Answer = Callable[[bytes, bytes], bytes]
"""From head and body of a request to the whole response."""


class Server(asyncio.Protocol):
    """Answers each request after a fixed delay."""

    def __init__(self, answer: Answer, delay_s: float) -> None:
        self._answer_of = answer
        self._delay_s = delay_s
        self._buffer = bytearray()
        self._due: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take every whole request in."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            lower = head.lower()
            at = lower.find(b"\r\ncontent-length:")
            length = int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            self._due.append(self._answer_of(head, body))
            asyncio.get_running_loop().call_later(self._delay_s, self._send)

    def _send(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._due.popleft())
