"""Bring several branches together.

Connect as many edges as you like. The node waits until each of them has arrived or was skipped. It
gives a list of what arrived, or the first value, or one object made of all arriving objects (a
later edge wins when two have the same key). After a condition, `first` gives the value of the
branch that was taken.
"""

from typing import Any, Literal

from app.engine.sdk import Example, InvalidInput, NodeConfig, NodeContext, Ports, field, node, port


class Config(NodeConfig):
    """Form of the inspector."""

    mode: Literal["list", "first", "object"] = field(
        "list",
        title="Give",
        mode="literal",
        widget="choice",
        options=("A list of all values", "The first value", "One object of all objects"),
    )


class In(Ports):
    """Sockets on the left."""

    input: list[Any] = port([], title="Branches", type="any", many=True)


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")


@node(
    kind="logic.merge",
    title="Merge",
    icon="merge",
    quick=True,
    merges=True,
    examples=[
        Example("list", Config(), In(input=[1, "two"]), Out(value=[1, "two"])),
        Example(
            "the branch that was taken", Config(mode="first"), In(input=["yes"]), Out(value="yes")
        ),
        Example(
            "one object",
            Config(mode="object"),
            In(input=[{"a": 1}, {"b": 2}]),
            Out(value={"a": 1, "b": 2}),
        ),
        Example(
            "a text is no object",
            Config(mode="object"),
            In(input=[{"a": 1}, "b"]),
            raises=InvalidInput,
        ),
    ],
)
async def merge(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Combine the values that arrived."""
    values = inputs.input
    if config.mode == "first":
        return Out(value=values[0] if values else None)
    if config.mode == "list":
        return Out(value=values)
    together: dict[str, Any] = {}
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise InvalidInput(
                f"Value {number} is not an object; choose 'A list of all values' instead.",
                port="input",
            )
        together |= value
    return Out(value=together)
