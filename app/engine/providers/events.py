"""Reads the body of a server's answer: an event stream, or JSON if it was not streamed."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import orjson

_LARGEST = 64_000_000
"""Limit of one answer in bytes: a hundred times the longest that models write."""

DONE: Mapping[str, Any] = {}
"""The marker with which a stream says that it is complete."""

_BARE = frozenset({b"{", b"[", b"<"})
"""Beginnings of lines that belong to no event stream."""


async def chunks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Mapping[str, Any], None]:
    """Give the objects of an answer as they come, and DONE when it is known to be complete.

    Event streams are read as their standard says: any line ends, comments, data over several lines. What is not
    marked as data is JSON: the whole answer, or one object a line.

    Raises:
        ValueError: Something in it is no JSON object.
    """
    event, lines, bare = _Event(), _Lines(), list[bytes]()
    async for piece in pieces:
        for line in lines.feed(piece):
            if bare or event.is_before(line):
                bare.append(line)
                continue
            for chunk in event.take(line):
                yield chunk
                if chunk is DONE:
                    return
    for chunk in _rest(lines.end(), event, bare):
        yield chunk
        if chunk is DONE:
            return


def _rest(last: Sequence[bytes], event: "_Event", bare: list[bytes]) -> Iterator[Mapping[str, Any]]:
    """The objects in the remaining lines once the body has ended."""
    for line in last:
        if bare or event.is_before(line):
            bare.append(line)
        else:
            yield from event.take(line)
    yield from event.end()
    if bare:
        yield from _whole(b"\n".join(bare))
        yield DONE


class _Event:
    """An event whose lines are still coming. Complete data does not wait for the event's end."""

    def __init__(self) -> None:
        self._data: list[bytes] = []
        self._name = b""

    def is_before(self, line: bytes) -> bool:
        """Whether a line belongs to no event: none has begun, and it looks like JSON or a page."""
        return not self._data and line[:1] in _BARE

    def take(self, line: bytes) -> Sequence[Mapping[str, Any]]:
        """Take a line; yield what it completes."""
        if line.startswith(b"data:"):
            return self._take_data(line[5:].removeprefix(b" "))
        if not line:
            found = self.end() if self._data else ()
            self._name = b""
            return found
        if line.startswith(b"event:"):
            self._name = line[6:].strip()
        return ()

    def _take_data(self, data: bytes) -> Sequence[Mapping[str, Any]]:
        if data.strip() == b"[DONE]":
            return [*self.end(), DONE]
        whole = None if self._data else _complete(data)
        if whole is not None:
            return (_named(whole, self._name),)
        self._data.append(data)
        return ()

    def end(self) -> Sequence[Mapping[str, Any]]:
        """Yield its data and begin the next event; some servers omit the empty line between events."""
        data, name = self._data, self._name
        if not data:
            return ()
        self._data = []
        joined = b"\n".join(data)
        whole = _complete(joined)
        if whole is not None:
            return (_named(whole, name),)
        return [_named(_object(line), name) for line in data] if joined.strip() else ()


class _Lines:
    """Lines without their ends, which are LF, CRLF or CR."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take a piece of the body; yield the lines it completes.

        Raises:
            ValueError: The body is too large.
        """
        if not self._size:
            piece = piece.removeprefix(b"\xef\xbb\xbf")  # a byte order mark
        self._size += len(piece)
        if self._size > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST:,} bytes")
        *complete, last = piece.split(b"\n")
        found: list[bytes] = []
        for part in complete:
            line = b"".join((*self._rest, part)).removesuffix(b"\r")
            self._rest.clear()
            if b"\r" in line:
                found += line.split(b"\r")
            else:
                found.append(line)
        self._rest.append(last)
        return found

    def end(self) -> list[bytes]:
        """The last line, which has no end."""
        return b"".join(self._rest).removesuffix(b"\r").split(b"\r")


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
