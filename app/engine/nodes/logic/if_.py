"""Go one way when a condition holds, and the other way when it does not.

Write the condition without braces, for example `input.amount > 100 and input.country == "DE"`. You
can use `input`, `trigger`, `nodes.<id>.<port>` and functions such as `len`, `lower` and `contains`.
Empty texts and lists, 0 and null count as no. The input passes unchanged through the port that is
taken; what hangs on the other port is skipped.
"""

from typing import Any

from app.engine.sdk import (
    Example,
    ExpressionError,
    NodeConfig,
    NodeContext,
    Ports,
    Result,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    condition: Any = field(
        ...,
        title="Condition",
        widget="expression",
        mode="expression",
        placeholder="input.amount > 100",
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """The two ways."""

    true: Any = port(title="True", branch=True)
    false: Any = port(title="False", branch=True)


@node(
    kind="logic.if",
    title="If",
    icon="split",
    quick=True,
    examples=[
        Example(
            "holds",
            Config(condition="input.amount > 100"),
            In(input={"amount": 250}),
            {"true": {"amount": 250}},
            alive=frozenset({"true"}),
        ),
        Example(
            "does not hold",
            Config(condition="input.amount > 100"),
            In(input={"amount": 5}),
            {"false": {"amount": 5}},
            alive=frozenset({"false"}),
        ),
        Example(
            "empty counts as no",
            Config(condition="input"),
            In(input=[]),
            {"false": []},
            alive=frozenset({"false"}),
        ),
        Example(
            "a missing value cannot be compared",
            Config(condition="input.amount > 100"),
            In(input={}),
            raises=ExpressionError,
        ),
    ],
)
async def if_(config: Config, inputs: In, ctx: NodeContext) -> Result:
    """Pass the input through one of the two ports."""
    way = "true" if config.condition else "false"
    return Result({way: inputs.input}, frozenset({way}))
