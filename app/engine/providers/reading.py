"""Reads a model's text: without its reasoning, the JSON in it, and the arguments of its calls."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from app.kernel import jsons

_THOUGHTS = {
    **{f"<{name}>": f"</{name}>" for name in ("think", "thinking", "thought", "reasoning")},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|channel|>analysis<|message|>": "<|channel|>final<|message|>",
}
"""Tags of reasoning that the server does not remove."""

_MARKS = (*_THOUGHTS, *_THOUGHTS.values())
_MARK = re.compile("|".join(re.escape(mark) for mark in _MARKS), re.IGNORECASE)
_CLOSE = re.compile("|".join(re.escape(mark) for mark in _THOUGHTS.values()), re.IGNORECASE)
_LONGEST_MARK = max(len(mark) for mark in _MARKS)
_FIRST_OF_MARK = frozenset(mark[0] for mark in _MARKS)
_DATA = re.compile(r"\s*(?:\{|\[(?!/?think\]))", re.IGNORECASE)
_FENCED = re.compile(r"```[\w+-]*[ \t]*\n(.*?)```", re.DOTALL)
_SPECIAL = re.compile("[<\\[\u25c1\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_JSON = json.JSONDecoder()
_MOST_STARTS = 500
_MOST_READ = 4_000_000
"""Limit of characters read in search of JSON, counting each attempt: about 20 ms."""


class Spoken:
    """Splits a text that arrives in pieces into the answer and the reasoning.

    Reasoning stands between marks such as <think> and </think>; without an opening mark, which some servers keep to
    themselves, all before the closing one is reasoning. A mark in code, in quotes or in an answer that is JSON is
    text like any other.
    """

    def __init__(self) -> None:
        self._said: list[str] = []
        self._thought: list[str] = []
        self._rest = ""
        self._close = ""
        self._opened = ""
        self._block: list[str] = []
        self._tail = ""
        self._fences = 0
        self._kind = ""
        self._trims = False

    @property
    def _is_plain(self) -> bool:
        """Whether what comes is said unless a mark begins in it."""
        return bool(self._kind) and not self._close

    @property
    def text(self) -> str:
        """The whole answer so far."""
        return "".join(self._said)

    @property
    def thought(self) -> str:
        """The whole reasoning so far."""
        return "".join([*self._thought, *self._block])

    def think(self, piece: str) -> None:
        """Take what the server itself calls reasoning."""
        self._thought.append(piece)

    def feed(self, piece: str) -> str:
        """Take a piece of the text; return what certainly belongs to the answer by now."""
        if self._is_plain and not self._rest and not _SPECIAL.search(piece):
            return self._say(piece)
        self._rest = whole(self._rest + piece)
        if not self._kind:
            if not self._rest.strip():
                return ""
            self._kind = "data" if _DATA.match(self._rest) else "text"
        return self._take(at_end=False)

    def end(self) -> str:
        """Take the text as complete; return the rest of the answer.

        A mark that is opened within the text and never closed was no mark.
        """
        self._rest = self._rest.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        said = self._take(at_end=True)
        if self._close and self._said:
            said += self._say(self._opened + "".join(self._block))
            self._block = []
        return said

    def _take(self, *, at_end: bool) -> str:
        said = ""
        while self._rest:
            mark = None if self._kind == "data" else self._next_mark()
            if mark is None:
                held = 0 if at_end else self._held()
                piece = self._rest[: len(self._rest) - held]
                self._rest = self._rest[len(piece) :]
                return said + self._add(piece)
            before, found = self._rest[: mark.start()], mark[0]
            self._rest = self._rest[mark.end() :]
            said += self._add(before)
            if self._close:
                self._closed()
            elif self._is_literal():
                said += self._say(found)
            elif found.lower() in _THOUGHTS:
                self._close, self._opened = _THOUGHTS[found.lower()], found
            else:
                self._thought += self._said
                self._said, said = [], ""
                self._closed()
        return said

    def _next_mark(self) -> re.Match[str] | None:
        if self._close:
            return re.compile(re.escape(self._close), re.IGNORECASE).search(self._rest)
        return _MARK.search(self._rest)

    def _closed(self) -> None:
        self._thought += self._block
        self._block, self._close, self._trims = [], "", not self._said

    def _add(self, piece: str) -> str:
        if self._close:
            self._block.append(piece)
            return ""
        return self._say(piece)

    def _say(self, piece: str) -> str:
        if self._trims:
            piece = piece.lstrip()
        if piece:
            self._trims = False
            self._said.append(piece)
            if "`" in piece:
                begun = len(self._tail) - len(self._tail.rstrip("`"))
                self._fences += ("`" * (begun % 3) + piece).count("```")
            self._tail = piece[-3:] if len(piece) > 2 else (self._tail + piece)[-3:]
        return piece

    def _is_literal(self) -> bool:
        return self._fences % 2 == 1 or self._tail[-1:] in ("`", '"', "'")

    def _held(self) -> int:
        """How many characters at the end may be the beginning of a mark, or half a character."""
        if self._kind == "data":
            return 1 if _is_high(self._rest[-1]) else 0
        end = self._rest[-_LONGEST_MARK:].lower()
        for at, character in enumerate(end):
            if character in _FIRST_OF_MARK and any(mark.startswith(end[at:]) for mark in _MARKS):
                return len(end) - at
        return 1 if _is_high(self._rest[-1]) else 0


def _is_high(character: str) -> bool:
    return "\ud800" <= character <= "\udbff"


def whole(text: str) -> str:
    """Join characters that came in two halves; a half at the end is left for what follows."""
    if not _SURROGATE.search(text):
        return text
    end = text[-1] if _is_high(text[-1]) else ""
    body = text[:-1] if end else text
    return body.encode("utf-16", "surrogatepass").decode("utf-16", "replace") + end


def spoken(text: str) -> str:
    """Return a text without its reasoning."""
    parts = Spoken()
    parts.feed(text)
    parts.end()
    return parts.text


def values_in(text: str) -> Iterator[list[Any]]:
    """Find the JSON values in a text, in groups, the most deliberate first.

    The text as a whole; what stands in code fences; between words, at whatever brace or bracket it begins; inside of
    other values.
    """
    yield _decoded(text)
    closed = [mark.end() for mark in _CLOSE.finditer(text)]
    if closed and text[closed[-1] :].strip():
        text = text[closed[-1] :]
        yield _decoded(text)
    yield [value for fence in _FENCED.finditer(text) for value in _decoded(fence[1])]
    outer, inner = _at_any_start(text)
    yield outer
    yield inner


def _decoded(text: str) -> list[Any]:
    with suppress(ValueError):
        return [jsons.read(text.strip())]
    return []


def _at_any_start(text: str) -> tuple[list[Any], list[Any]]:
    """Try each brace and bracket, within bounds; return the values, and those inside of them."""
    outer, inner = list[Any](), list[Any]()
    end = read = 0
    for count, start in enumerate(re.finditer(r"[{\[]", text)):
        if count >= _MOST_STARTS or read >= _MOST_READ:
            break
        at = start.start()
        try:
            _, stop = _JSON.raw_decode(text, at)
            value = jsons.read(text[at:stop])
        except json.JSONDecodeError as error:
            read += error.pos - at
        except (ValueError, RecursionError):
            read += len(text) - at
        else:
            read += stop - at
            (outer if at >= end else inner).append(value)
            end = max(end, stop)
    return outer, inner


def read_arguments(pieces: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Read the arguments of a tool call from their pieces.

    Returns:
        The arguments, and the text as it came when it is no JSON object (then there are none).
    """
    written = whole("".join(pieces))
    for text in chain((written,), reversed(pieces)):  # the last piece may repeat all
        found = _object(text)
        if found is not None:
            return found, ""
    return {}, written


def is_object(text: str) -> bool:
    """Whether a text is a whole JSON object."""
    return text.rstrip().endswith("}") and _object(text) is not None


def _object(text: str) -> dict[str, Any] | None:
    text = text.strip() or "{}"
    try:
        _, stop = _JSON.raw_decode(text)
        value, rest = jsons.read(text[:stop]), text[stop:].strip()
        if isinstance(value, str):  # written as JSON within JSON
            value = jsons.read(value)
        if rest and jsons.read(rest) != value:
            return None
    except (ValueError, RecursionError):
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def text_parts(content: Any) -> tuple[str, str]:  # noqa: ANN401 - whatever a server sends
    """Read a content that is a text or a list of parts.

    Returns:
        What is said, and what is thought.

    Raises:
        ValueError: It is neither.
    """
    if content is None or isinstance(content, str):
        return content or "", ""
    if isinstance(content, Mapping):
        kind = str(content.get("type") or "text")
        inner = content.get("text", content.get("thinking", content.get("reasoning")))
        if isinstance(inner, Mapping):
            inner = inner.get("value")
        said, thought = text_parts(inner) if isinstance(inner, str | list) else ("", "")
        is_thought = kind.startswith(("think", "thought", "reason", "redacted"))
        return ("", thought + said) if is_thought or "text" not in content else (said, thought)
    if isinstance(content, list):
        parts = [text_parts(part) for part in content]
        return "".join(part[0] for part in parts), "".join(part[1] for part in parts)
    raise ValueError(f"its content is of the type {type(content).__name__}")
