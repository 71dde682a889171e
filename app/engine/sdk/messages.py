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
    """A model's wish to call a tool."""

    id: str
    name: str
    arguments: Mapping[str, Any] = {}


class Message(_Value):
    """One turn. `tool` messages answer the call `tool_call_id`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class Usage(_Value):
    """Tokens of one call. `input_tokens` includes the cached ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
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
    """Read earlier messages given as a list of `{role, text}`; null means none.

    Raises:
        InvalidInput: It has another shape, or a role besides user and assistant.
    """
    rows = [] if history is None else history
    if not isinstance(rows, list) or not all(
        isinstance(row, Mapping) and row.get("role") in ("user", "assistant") for row in rows
    ):
        raise InvalidInput(
            "Earlier messages must be a list of {role, text} with the roles user and assistant."
        )
    return tuple(Message(role=row["role"], text=as_text(row.get("text"))) for row in rows)
