"""Start a run with each message of a conversation.

Gives the newest message as text and the earlier turns as a list of `{role, text}`, oldest first; they may come as
`{role, content}`, too, as other programs write them.
Other nodes reach them as `{{ trigger.message }}` and `{{ trigger.history }}`. A run started with
plain text takes it as the message.
"""

from collections.abc import Mapping
from typing import Any

from app.engine.sdk import (
    Example,
    InvalidInput,
    NodeConfig,
    NodeContext,
    Ports,
    as_text,
    field,
    node,
    port,
    turns,
)


class Config(NodeConfig):
    """Form of the inspector."""

    keep_turns: int = field(
        20,
        title="Earlier messages to keep",
        ge=0,
        le=200,
        advanced=True,
        description="Older messages are left out of the history.",
    )


class In(Ports):
    """A trigger has no inputs."""


class Out(Ports):
    """The conversation."""

    message: str = port(..., title="Message")
    history: list[dict[str, str]] = port(..., title="History")


def input_schema(config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe what a run must be given: the conversation, or its newest message as plain text."""
    return {
        "type": "object",
        "text_is": "message",
        "properties": {
            "message": {"type": "string", "title": "Message", "widget": "long_text"},
            "history": {
                "type": "array",
                "title": "Earlier messages",
                "widget": "json",
                "advanced": True,
            },
        },
        "required": ["message"],
    }


_TURNS = [
    {"role": "user", "text": "Hello"},
    {"role": "assistant", "text": "Hi, how can I help?"},
]


@node(
    kind="trigger.chat",
    title="Chat message",
    icon="message-circle",
    trigger=True,
    quick=True,
    input_schema_for=input_schema,
    examples=[
        Example(
            "first message",
            Config(),
            In(),
            Out(message="Hello", history=[]),
            world={"trigger": {"message": "Hello"}},
        ),
        Example(
            "plain text",
            Config(),
            In(),
            Out(message="Hello", history=[]),
            world={"trigger": "Hello"},
        ),
        Example(
            "only the last turn is kept",
            Config(keep_turns=1),
            In(),
            Out(message="My bill is wrong", history=_TURNS[1:]),
            world={"trigger": {"message": "My bill is wrong", "history": _TURNS}},
        ),
        Example(
            "earlier messages of another program",
            Config(),
            In(),
            Out(message="Why?", history=_TURNS[:1]),
            world={
                "trigger": {"message": "Why?", "history": [{"role": "user", "content": "Hello"}]}
            },
        ),
        Example(
            "a history of another shape",
            Config(),
            In(),
            raises=InvalidInput,
            world={"trigger": {"message": "Why?", "history": [{"role": "user", "say": "Hello"}]}},
        ),
        Example(
            "nothing was said",
            Config(),
            In(),
            raises=InvalidInput,
            world={"trigger": {"message": " "}},
        ),
    ],
)
async def chat(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Split the run's input into the newest message and what came before."""
    given = ctx.trigger if isinstance(ctx.trigger, Mapping) else {"message": ctx.trigger}
    message = as_text(given.get("message"))
    if not message.strip():
        raise InvalidInput("There is no message to answer.", field="message")
    said = [{"role": turn.role, "text": turn.text} for turn in turns(given.get("history"))]
    return Out(message=message, history=said[-config.keep_turns :] if config.keep_turns else [])
