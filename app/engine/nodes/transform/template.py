"""Write a text with values filled in.

Put values in double braces: `Dear {{ trigger.name }}, your order {{ input.number }} is on its way.`
A value that is not there leaves an empty place; objects and lists are written as JSON.
"""

from typing import Any

from app.engine.sdk import (
    Example,
    ExpressionError,
    NodeConfig,
    NodeContext,
    Ports,
    Text,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    template: Text = field(
        "{{ input }}", title="Text", widget="prompt", placeholder="Dear {{ input.name }},"
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    text: str = port(..., title="Text")


@node(
    kind="data.template",
    title="Text template",
    icon="text-quote",
    quick=True,
    examples=[
        Example(
            "a value in a text",
            Config(template="Hi {{ input.name }}!"),
            In(input={"name": "Ada"}),
            Out(text="Hi Ada!"),
        ),
        Example(
            "a missing value is empty",
            Config(template="Hi {{ input.name }}!"),
            In(input={}),
            Out(text="Hi !"),
        ),
        Example(
            "a number alone becomes text",
            Config(template="{{ input }}"),
            In(input=3),
            Out(text="3"),
        ),
        Example(
            "a word of a text does not exist",
            Config(template="{{ input.name.first }}"),
            In(input={"name": "Ada"}),
            raises=ExpressionError,
        ),
    ],
)
async def template(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Return the filled-in text."""
    return Out(text=config.template)
