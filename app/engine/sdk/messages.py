"""What goes to a chat model and what comes back, the same for every provider."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.engine.sdk.text import as_text
from app.kernel.errors import InvalidInput


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolSpec(_Value):
    """A tool a model may call. `parameters` is a JSON Schema of type object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}}


class ToolCall(_Value):
    """A model's wish to call a tool.

    Args:
        broken: What the model wrote for arguments when that is no JSON object.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] = {}
    broken: str = ""


class Message(_Value):
    """One turn. `tool` messages answer the call `tool_call_id`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class Usage(_Value):
    """Tokens of one call. `input_tokens` includes the cached ones.

    Args:
        is_estimated: The server did not say, or not all; what is missing was estimated from the texts.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    is_estimated: bool = False

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            is_estimated=self.is_estimated or other.is_estimated,
        )


class Completion(_Value):
    """A whole answer. `data` is the parsed value when a schema was asked for."""

    text: str
    data: Any = None
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    model: str = ""
    finish_reason: str = "stop"


def turns(history: object) -> tuple[Message, ...]:
    """Read earlier messages: a list of `{role, text}` or `{role, content}`, content also in parts; null means none.

    Messages in which nothing was said are left out.

    Raises:
        InvalidInput: It has another shape, or a role besides user and assistant; it says which message.
    """
    if history is None:
        return ()
    if not isinstance(history, list):
        raise InvalidInput(f"{_SHAPE} This is {_named(history)}.", field="history")
    messages = [_turn(number, row) for number, row in enumerate(history, 1)]
    return tuple(message for message in messages if message.text.strip())


_SHAPE = "Earlier messages must be a list of {role, text} or {role, content} with the roles user and assistant."


def _turn(number: int, row: object) -> Message:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{_SHAPE} Message {number} is {_named(row)}.", field="history")
    role = row.get("role")
    if role not in ("user", "assistant"):
        said = "has no role" if role is None else f"has the role {role!r}"
        raise InvalidInput(f"{_SHAPE} Message {number} {said}.", field="history")
    keys = [key for key in ("text", "content") if row.get(key) not in (None, "")]
    if len(keys) == 2 and row["text"] != row["content"]:
        raise InvalidInput(
            f"{_SHAPE} Message {number} has both text and content, and they differ.",
            field="history",
        )
    if keys:
        return Message(role=role, text=_said(number, row[keys[0]]))
    if ("text" in row or "content" in row) and not row.get("tool_calls"):
        return Message(role=role)
    raise InvalidInput(
        f"{_SHAPE} Message {number} has neither; it has {', '.join(map(str, row)) or 'nothing'}.",
        field="history",
    )


def _said(number: int, content: object) -> str:
    """The text of a message: parts of other kinds, such as pictures, are refused."""
    if not isinstance(content, (list, Mapping)):
        return as_text(content)
    parts = content if isinstance(content, list) else [content]
    texts = [part if isinstance(part, str) else _part(number, part) for part in parts]
    return "".join(texts)


def _part(number: int, part: object) -> str:
    text = part.get("text") if isinstance(part, Mapping) else None
    if isinstance(part, Mapping) and isinstance(text, str):
        return text
    kind = part.get("type") if isinstance(part, Mapping) else None
    what = f"of the type {kind!r}" if kind else f"that is {_named(part)}"
    raise InvalidInput(
        f"Message {number} of the earlier messages has a part {what}; only text can be sent: "
        '{"type": "text", "text": "…"}.',
        field="history",
    )


def _named(value: object) -> str:
    """What a value is, in the words of JSON."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "yes or no"}
    return names.get(type(value), "null" if value is None else "a number")
