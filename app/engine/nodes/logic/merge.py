"""Bring several branches together.

Connect as many edges as you like. The node waits until each of them has arrived or was skipped; or,
as you choose, only goes on when all arrive, or goes on with the first that arrives, with or without
stopping what the others still do. A branch is stopped when all it does leads only here; what
changes the outside ends by itself first.

It gives a list of what arrived, or the first value, or one object made of all arriving objects (a
later edge wins when two have the same key). After a condition, `first` gives the value of the
branch that was taken.
"""

from collections.abc import Mapping
from typing import Any, Literal

from app.engine.sdk import (
    Example,
    InvalidInput,
    Join,
    NodeConfig,
    NodeContext,
    Ports,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    mode: Literal["list", "first", "object"] = field(
        "list",
        title="Give",
        mode="literal",
        widget="choice",
        options=("A list of all values", "The first value", "One object of all objects"),
    )

    join: Literal["decided", "all", "any", "first"] = field(
        "decided",
        title="Wait for",
        mode="literal",
        widget="choice",
        options=(
            "Every branch, also those that are skipped",
            "Every branch; skip this when one is skipped",
            "The first branch that arrives",
            "The first branch that arrives; stop the others",
        ),
    )


class In(Ports):
    """Sockets on the left."""

    input: list[Any] = port([], title="Branches", type="any", many=True)


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")


def join_of(config: Mapping[str, Any]) -> Join:
    """When the node starts."""
    chosen: Join = config.get("join") or "decided"
    return chosen


@node(
    kind="logic.merge",
    title="Merge",
    icon="merge",
    quick=True,
    merges=True,
    join_for=join_of,
    examples=[
        Example("list", Config(), In(input=[1, "two"]), Out(value=[1, "two"])),
        Example(
            "the branch that was taken", Config(mode="first"), In(input=["yes"]), Out(value="yes")
        ),
        Example(
            "the first to arrive",
            Config(mode="first", join="first"),
            In(input=["fast"]),
            Out(value="fast"),
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
