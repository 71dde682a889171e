"""A web server of our own that records what it is asked and answers what the test tells it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Asked:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Page:
    """An answer. `endless` repeats the body until the caller hangs up; `raw` is all that is sent."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] | list[tuple[str, str]] = field(default_factory=dict)
    endless: bool = False
    raw: bytes = b""


Handler = Callable[[Asked], Awaitable[Page] | Page]


class FakeWeb:
    """Use as `async with FakeWeb(handler) as web`."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._handler = handler
        self._tls = tls

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                asked = await _read(reader)
                self.asked.append(asked)
                found = self._handler(asked)
                page = found if isinstance(found, Page) else await found
                await _write(writer, page, with_body=asked.method != "HEAD")
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.lower(): text.strip() for name, _, text in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


async def _write(writer: asyncio.StreamWriter, page: Page, *, with_body: bool) -> None:
    if page.raw:
        writer.write(page.raw)
        return
    given = page.headers.items() if isinstance(page.headers, dict) else page.headers
    headers = [("Connection", "close"), *given]
    if not page.endless:
        headers.append(("Content-Length", str(len(page.body))))
    lines = [
        f"HTTP/1.1 {page.status} X",
        *(f"{name}: {text}" for name, text in headers),
        "",
        "",
    ]
    writer.write("\r\n".join(lines).encode())
    if with_body:
        writer.write(page.body)
    while page.endless:
        writer.write(page.body)
        await writer.drain()
