"""Reading the body of a server's answer: an event stream, or JSON when it was not streamed."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import Any

import orjson

_LARGEST = 64_000_000
"""Bytes of one answer; the longest that a model writes is a hundredth of that."""

DONE: Mapping[str, Any] = {}
"""The mark with which a stream says that it is complete."""


async def chunks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Mapping[str, Any], None]:
    """Give the objects of an answer as they come, and DONE when it is known to be complete.

    Event streams are read as their standard says: any line ends, comments, data over several lines. What is not
    marked as data is JSON: the whole answer, or one object a line.

    Raises:
        ValueError: Something in it is no JSON object.
    """
    event = _Event()
    bare: list[bytes] = []
    async for line in _lines(pieces):
        if bare or (event.is_empty and line[:1] in (b"{", b"[", b"<")):
            bare.append(line)
            continue
        for chunk in event.take(line):
            yield chunk
            if chunk is DONE:
                return
    for chunk in event.end():
        yield chunk
    if bare:
        for chunk in _whole(b"\n".join(bare)):
            yield chunk
        yield DONE


class _Event:
    """An event while its lines come. Data that is complete is not kept waiting for the event's end."""

    def __init__(self) -> None:
        self._data: list[bytes] = []
        self._name = b""

    @property
    def is_empty(self) -> bool:
        """Whether it has no data yet."""
        return not self._data

    def take(self, line: bytes) -> Iterator[Mapping[str, Any]]:
        """Take a line; give what is complete with it."""
        if line.startswith(b"data:"):
            yield from self._take_data(line[5:].removeprefix(b" "))
        elif not line:
            yield from self.end()
            self._name = b""
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()

    def _take_data(self, data: bytes) -> Iterator[Mapping[str, Any]]:
        if data.strip() == b"[DONE]":
            yield from self.end()
            yield DONE
            return
        whole = None if self._data else _complete(data)
        if whole is None:
            self._data.append(data)
        else:
            yield _named(whole, self._name)

    def end(self) -> Iterator[Mapping[str, Any]]:
        """Give its data, and begin the next one; some servers leave out the empty line between events."""
        data, name = self._data, self._name
        if not data:
            return
        self._data = []
        joined = b"\n".join(data)
        whole = _complete(joined)
        if whole is not None:
            yield _named(whole, name)
        elif joined.strip():
            for line in data:
                yield _named(_object(line), name)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Lines without their ends, which are LF, CRLF or CR."""
    rest: list[bytes] = []
    size = 0
    first = True
    async for piece in pieces:
        size += len(piece)
        if size > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST:,} bytes")
        if first:
            piece, first = piece.removeprefix(b"\xef\xbb\xbf"), False  # noqa: PLW2901 - a byte order mark
        head, *more = piece.split(b"\n")
        rest.append(head)
        for following in more:
            for line in b"".join(rest).removesuffix(b"\r").split(b"\r"):
                yield line
            rest = [following]
    for line in b"".join(rest).removesuffix(b"\r").split(b"\r"):
        yield line


def _whole(body: bytes) -> Iterator[Mapping[str, Any]]:
    chunk = _complete(body)
    if chunk is not None:
        yield chunk
        return
    if body.lstrip().startswith(b"<"):
        raise ValueError("it is a web page")
    for line in body.splitlines():
        if line.strip():
            yield _object(line)


def _complete(data: bytes) -> Mapping[str, Any] | None:
    try:
        return _object(data)
    except ValueError:
        return None


def _object(data: bytes) -> Mapping[str, Any]:
    """Read an object. Half characters, which servers cut in two for two events, pass here and are joined later.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        value = orjson.loads(data)
    except ValueError:
        value = json.loads(data.decode("utf-8", "replace"))
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise ValueError("an event is not an object")  # noqa: TRY004 - as what is no JSON
    return value


def _named(chunk: Mapping[str, Any], name: bytes) -> Mapping[str, Any]:
    """An event called `error` is one, however it is written."""
    if name == b"error" and not chunk.get("error"):
        return {"error": chunk}
    return chunk
