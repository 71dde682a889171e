"""Say what the run gives back.

The value here is the run's output: what the person sees when it ends and what the API returns.
It is given at once, and nodes after this one still run. Without such a node the output is what the
last nodes give. When several of these run, the last one to run counts. Inside a For each or a While
the value is what the turn gives.
"""

from typing import Any

from app.engine.sdk import (
    Example,
    ExpressionError,
    NodeConfig,
    NodeContext,
    Ports,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    value: Any = field("{{ input }}", title="Answer", widget="json", placeholder="{{ input }}")


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Answer")


@node(
    kind="flow.respond",
    title="Respond",
    icon="reply",
    quick=True,
    responds=True,
    examples=[
        Example("what arrives", Config(), In(input={"ok": True}), Out(value={"ok": True})),
        Example(
            "an object of values",
            Config(value={"reply": "{{ input }}", "n": 1}),
            In(input="Hi"),
            Out(value={"reply": "Hi", "n": 1}),
        ),
        Example(
            "a broken expression",
            Config(value="{{ input.a.b }}"),
            In(input={"a": 1}),
            raises=ExpressionError,
        ),
    ],
)
async def respond(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Return the value."""
    return Out(value=config.value)
