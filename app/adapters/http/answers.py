"""What a web server answered, as a reply of the engine: whole, unpacked, and read by its charset."""

import codecs
import re
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from app.engine.sdk.media import media_type
from app.kernel.errors import UpstreamFailed

if TYPE_CHECKING:  # only a process that calls out pays for the import
    import httpx2

_PLAIN = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_IN_XML = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_NO_CHARSETS = frozenset({
    "undefined", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "utf-7", "mbcs", "oem",
})  # fmt: skip
_ALWAYS_LISTS = frozenset({"set-cookie"})


async def read_body(response: "httpx2.Response", max_bytes: int) -> bytes:
    """Read the body, bounded as sent and as unpacked: a small gzip can hold a very large text.

    Raises:
        UpstreamFailed: It is too large, or not all of it came.
    """
    body = bytearray()
    async for piece in _unpacked(response, max_bytes):
        body += piece
        if len(body) > max_bytes:
            raise UpstreamFailed(f"The answer is larger than the {max_bytes:,} bytes allowed here.")
    return bytes(body)


def _unpacked(response: "httpx2.Response", max_bytes: int) -> AsyncIterator[bytes]:
    words = response.headers.get("content-encoding", "").lower().split(",")
    packings = [word.strip() for word in words if word.strip() not in _PLAIN]
    if not packings:
        return response.aiter_raw()
    if len(packings) > 1 or packings[0] not in _GZIP:
        told = ", ".join(packings)
        raise UpstreamFailed(f"The answer is packed as '{told}', which was not asked for.")
    return _gunzipped(response.aiter_raw(), max_bytes)


async def _gunzipped(chunks: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Unpack gzip with all its members; zeros behind one are padding, as for the tool of that name."""
    unpack, members = None, 0
    async for chunk in chunks:
        rest = chunk
        while rest:
            if unpack is None:
                rest = rest.lstrip(b"\0") if members else rest
                if not rest:
                    break
                unpack = zlib.decompressobj(wbits=31)
            try:
                yield unpack.decompress(rest, max_bytes + 1)
            except zlib.error as error:
                raise UpstreamFailed("The answer's packing is broken.") from error
            rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            if unpack.eof:
                unpack, members = None, members + 1
    if unpack is not None:
        raise UpstreamFailed("The answer was cut off: its packing does not come to an end.")


def headers_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Headers by name in lower case: the text of one that came once, a list when it came several times.

    `set-cookie` is always a list: with the dates in them, joined ones could not be told apart.
    """
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return {
        name: values if len(values) > 1 or name in _ALWAYS_LISTS else values[0]
        for name, values in found.items()
    }


def text_of(body: bytes, content_type: str) -> tuple[str, bool]:
    """Read the body as text: by its byte order mark, its declared charset, as UTF-8.

    Returns:
        The text without its mark, and whether all of it could be read.
    """
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], charset)
    kind, parameters = media_type(content_type)
    charset = parameters.get("charset", "")
    if not charset and (kind.endswith("+xml") or kind in ("application/xml", "text/xml")):
        found = _IN_XML.match(body.lstrip()[:400])
        charset = found[1].decode() if found else ""
    text, is_whole = _decoded(body, charset if _is_charset(charset) else "utf-8")
    if not is_whole and not charset and kind.startswith("text/"):
        return _decoded(body, "cp1252")  # what browsers take such a page for
    return text, is_whole


def _is_charset(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return found.name not in _NO_CHARSETS and found.name.replace("-", "_") not in _NO_CHARSETS


def _decoded(body: bytes, charset: str) -> tuple[str, bool]:
    try:
        return body.decode(charset), True
    except UnicodeDecodeError:
        return body.decode(charset, errors="replace"), False
    except LookupError:  # a codec for bytes, such as hex
        return _decoded(body, "utf-8")
