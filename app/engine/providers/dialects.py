"""The answer of a server that speaks OpenAI's chat protocol, in whatever dialect.

A server may leave out ids, indices, usage or the reason why it ended; repeat names or ids in each piece; give
content in parts; answer as a whole though a stream was asked for. All of that says the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import orjson

from app.engine.providers.base import Delta, reason_of
from app.engine.providers.endpoint import Endpoint, broken_off, malformed
from app.engine.providers.events import DONE
from app.engine.providers.reading import is_object, read_arguments, text_parts
from app.engine.sdk.messages import ToolCall, Usage
from app.kernel.errors import UpstreamFailed, UpstreamRefused

_NOTHING: Mapping[str, Any] = {}
_REASONING = ("reasoning_content", "reasoning", "thinking")


class Answer:
    """Collects what the chunks of one answer contain besides text.

    Args:
        tools: Names of the tools that were offered.
    """

    def __init__(self, endpoint: Endpoint, model: str, tools: Sequence[str]) -> None:
        self._endpoint = endpoint
        self._asked = model
        self._tools = tools
        self._model = ""
        self._reason = ""
        self._refusal = ""
        self._has_choices = False
        self._is_complete = False
        self._has_text = False
        self._counts: dict[str, int] = {}
        self._calls = Calls()

    def take(self, chunk: Mapping[str, Any]) -> Delta | None:
        """Keep what the chunk contains and return its text.

        Raises:
            ValueError, TypeError, AttributeError: It has another shape.
        """
        if chunk is DONE:
            self._is_complete = True
            return None
        model = chunk.get("model")
        if model and isinstance(model, str):
            self._model = model
        if usage := chunk.get("usage") or (chunk.get("x_groq") or _NOTHING).get("usage"):
            self._count(usage)
        for choice in chunk.get("choices") or ():
            if not choice.get("index"):  # only one answer is asked for
                return self._take_choice(choice)
        return None

    def _take_choice(self, choice: Mapping[str, Any]) -> Delta | None:
        self._has_choices = True
        if usage := choice.get("usage"):
            self._count(usage)
        if reason := choice.get("finish_reason"):
            self._reason = reason_of(reason) or self._reason
        return self._said(choice)

    def _said(self, choice: Mapping[str, Any]) -> Delta | None:
        """The text of a choice; a whole message after the pieces of a stream repeats them."""
        said = choice.get("delta")
        if not said:
            said = choice.get("message")
            if not said or self._has_text or self._calls.found:
                return None
        content = said.get("content")
        if refusal := said.get("refusal") or _refusals(content):
            self._refusal += refusal
        if calls := said.get("tool_calls") or said.get("function_call"):
            self._calls.take([calls] if isinstance(calls, Mapping) else calls)
        text, thought = (content, "") if isinstance(content, str) else text_parts(content)
        for key in _REASONING:  # some servers give it under two names
            if apart := said.get(key):
                thought += "".join(text_parts(apart))
                break
        self._has_text = self._has_text or bool(text)
        return Delta(text=text, thought=thought) if text or thought else None

    def _count(self, usage: object) -> None:
        """Keep the reported usage; servers that report it in each chunk only increase it."""
        if isinstance(usage, dict):
            for name, count in _counts(usage).items():
                self._counts[name] = max(count, self._counts.get(name, 0))

    def used(self) -> Delta:
        """The usage, as far as the server has reported it."""
        counts, model = self._counts, self._model or self._asked
        said = counts.get("input", 0), counts.get("output", 0)
        output = max(said[1], counts.get("total", 0) - said[0]) if said[0] else said[1]
        usage = Usage(
            input_tokens=said[0],
            output_tokens=output,
            cached_tokens=min(counts.get("cached", 0), said[0]),
        )
        return Delta(usage=usage if counts else None, model=model)

    def end(self) -> Iterator[Delta]:
        """The last deltas: what was used, and, when it ended well, everything gathered.

        Raises:
            UpstreamRefused: It declined to answer.
            UpstreamFailed: It broke off, or what came is no answer.
        """
        used = self.used()
        yield used
        title, asked = self._endpoint.title, self._asked
        if self._refusal or self._reason == "content_filter":
            why = self._refusal or "its content filter stepped in"
            raise UpstreamRefused(f"{title} refused to answer: {why}", model=asked)
        if self._reason == "failed":
            raise UpstreamFailed(
                f"{title} failed in the middle of the answer.", model=asked, status_code=None
            )
        if not self._reason and not self._is_complete:
            raise broken_off(self._endpoint, asked)
        if not self._has_choices:
            raise malformed(self._endpoint, asked, "it has no choices")
        calls = self._calls.all(self._tools)
        reason = self._reason or "stop"
        if reason != "length":
            reason = "tool_calls" if calls else "stop"
        yield Delta(tool_calls=calls, usage=used.usage, model=used.model, finish_reason=reason)


@dataclass
class _Call:
    """A tool call that is still streaming in."""

    id: str = ""
    names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    @property
    def written(self) -> str:
        return "".join(self.arguments)

    @property
    def is_whole(self) -> bool:
        return bool(self.arguments) and self.arguments[-1].rstrip().endswith("}") and is_object(
            self.written
        )  # fmt: skip


@dataclass(frozen=True)
class _Piece:
    """What one delta contains of one call."""

    index: int | None
    id: str
    name: str
    arguments: str
    is_all: bool


class Calls:
    """Assembles tool calls from their pieces."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}

    @property
    def found(self) -> bool:
        """Whether there is a call."""
        return bool(self._calls)

    def take(self, parts: Sequence[Any]) -> None:
        """Take the calls of one delta."""
        touched: list[_Call] = []
        for position, part in enumerate(parts):
            piece = _piece(part)
            place = position if piece.index is None and len(parts) > 1 else piece.index
            call = self._find(piece, place, touched)
            touched.append(call)
            call.id = call.id or piece.id
            if piece.name:
                call.names.append(piece.name)
            if piece.is_all:
                call.arguments = [piece.arguments]
            elif piece.arguments:
                call.arguments.append(piece.arguments)

    def _find(self, piece: _Piece, place: int | None, touched: Sequence[_Call]) -> _Call:
        """The call a piece belongs to, a new one if it begins one."""
        by_id = next((call for call in self._calls if piece.id and call.id == piece.id), None)
        if place is not None:
            call = self._at.get(place)
            if call is None and by_id is not None and not piece.name:
                call = by_id
        else:
            call = by_id or (self._calls[-1] if self._calls else None)
        if call is None or _begins(piece, call, is_touched=any(call is one for one in touched)):
            call = _Call()
            self._calls.append(call)
        if place is not None:
            self._at[place] = call
        return call

    def all(self, tools: Sequence[str]) -> tuple[ToolCall, ...]:
        """The calls in the order in which they began, each with an id of its own."""
        made: list[ToolCall] = []
        for call in self._calls:
            arguments, broken = read_arguments(call.arguments)
            is_taken = any(call.id == other.id for other in made)
            made.append(
                ToolCall(
                    id=f"call_{token_hex(6)}" if is_taken or not call.id else call.id,
                    name=_name(call.names, tools),
                    arguments=arguments,
                    broken=broken,
                )
            )
        return tuple(made)


def _begins(piece: _Piece, call: _Call, *, is_touched: bool) -> bool:
    """Whether a piece begins a new call rather than continuing the one at its index."""
    if not piece.name:
        return False
    if is_touched:
        return True
    if piece.id and call.id and piece.id != call.id:
        return not call.arguments or call.is_whole
    if piece.name in call.names and piece.arguments in ("", call.written):
        return False
    return call.is_whole


def _piece(part: Any) -> _Piece:  # noqa: ANN401 - whatever a server sends
    function = part.get("function") or part
    index = part.get("index")
    arguments = function.get("arguments")
    is_all = arguments is not None and not isinstance(arguments, str)
    return _Piece(
        index=int(index) if str(index if index is not None else "").isdigit() else None,
        id=str(part.get("id") or ""),
        name=str(function.get("name") or ""),
        arguments=orjson.dumps(arguments).decode() if is_all else arguments or "",
        is_all=is_all,
    )


def _name(pieces: Sequence[str], tools: Sequence[str]) -> str:
    """The name of a tool from its pieces: split, repeated, or longer each time."""
    if not pieces:
        return ""
    for name in ("".join(pieces), pieces[-1], pieces[0]):
        if name.strip() in tools:
            return name.strip()
    return (pieces[0] if len(set(pieces)) == 1 else "".join(pieces)).strip()


def _refusals(content: object) -> str:
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("refusal") or "") for part in content if isinstance(part, Mapping))


def _counts(usage: Mapping[str, Any]) -> dict[str, int]:
    """Token counts by kind, under the names that various servers use."""
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    reported = {
        "input": usage.get("prompt_tokens") or usage.get("input_tokens"),
        "output": usage.get("completion_tokens") or usage.get("output_tokens"),
        "total": usage.get("total_tokens"),
        "cached": details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens"),
    }
    return {
        name: int(count)
        for name, count in reported.items()
        if isinstance(count, int | float) and 0 < count < 2**53
    }
