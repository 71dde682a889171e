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
    data: list[bytes] = []
    bare: list[bytes] = []
    name = b""
    async for line in _lines(pieces):
        if bare or (not data and line[:1] in (b"{", b"[", b"<")):
            bare.append(line)
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
            if data == [b"[DONE]"] or data[-1].strip() == b"[DONE]":
                yield DONE
                return
            if len(data) == 1 and (chunk := _complete(data[0])) is not None:
                yield _named(chunk, name)
                data, name = [], b""
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif not line:
            for chunk in _ended(data):
                yield _named(chunk, name)
            data, name = [], b""
    for chunk in _ended(data):
        yield _named(chunk, name)
    if bare:
        for chunk in _whole(b"\n".join(bare)):
            yield chunk
        yield DONE


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


def _ended(data: list[bytes]) -> Iterator[Mapping[str, Any]]:
    """The data of an event; some servers leave out the empty line between events."""
    joined = b"\n".join(data)
    if not joined.strip():
        return
    chunk = _complete(joined)
    if chunk is not None:
        yield chunk
        return
    for line in data:
        yield _object(line)


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
