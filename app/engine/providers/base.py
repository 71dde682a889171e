"""The protocol every model provider fulfils."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.engine.sdk.messages import Message, ToolCall, ToolSpec, Usage


@dataclass(frozen=True)
class ChatRequest:
    """One call. With `schema` the answer must be JSON of that shape."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class Delta:
    """A piece of an answer: text, then once at the end the calls, usage, model and reason.

    Args:
        thought: Reasoning that the provider keeps apart from the text.
        usage: None, or zero tokens: the provider does not say.
        finish_reason: `stop`, `length` (cut off at its longest) or `tool_calls`.
    """

    text: str = ""
    thought: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    model: str = ""
    finish_reason: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """An entry of the model picker.

    Args:
        ref: What is stored in graphs: `provider/name`.
        demo: Its judgement cannot be relied on; it is there to show how things run.
    """

    ref: str
    provider: str
    name: str
    title: str
    local: bool = False
    demo: bool = False
    available: bool = True
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


_REASONS = {
    "length": (
        "length", "max_tokens", "max_output_tokens", "max_length", "model_length", "token_limit",
        "model_context_window_exceeded",
    ),
    "content_filter": (
        "content_filter", "refusal", "safety", "recitation", "blocklist", "prohibited_content",
        "spii", "sensitive",
    ),
    "failed": (
        "error", "abort", "cancelled", "network_error", "insufficient_system_resource",
    ),
    "tool_calls": ("tool_calls", "tool_call", "tool_use", "function_call"),
    "": ("", "null", "none"),
}  # fmt: skip
_REASON_BY_WORD = {word: reason for reason, words in _REASONS.items() for word in words}


def reason_of(word: object) -> str:
    """Map a provider's finish reason to ours: `stop` for any that is not special."""
    return _REASON_BY_WORD.get(str(word or "").lower(), "stop")


class ChatModel(Protocol):
    """A model ready to be called."""

    info: ModelInfo

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream the answer; closing the generator ends the call.

        Raises:
            UpstreamFailed: 429 (with `retry_after_s` in context), 5xx, no connection. A retry can help.
            UpstreamRefused: Any other refusal; the provider's message, redacted.
        """
