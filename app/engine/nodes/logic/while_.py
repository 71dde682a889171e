"""Run the nodes inside this box again and again while a condition holds.

Drop nodes into the box and connect them. What the last node in the box gives is `last` in the next
turn, and arrives at nodes in the box that nothing is wired to; in the first turn that is the input.
`{{ index }}` is the number of the turn, counted from 0.

Write the condition without braces, for example `last.score < 0.8`. It may use `last` and `index`,
which there is the number of turns so far. It is looked at before each turn, or after it: then there
is always one turn. A loop that would turn more often than its limit fails with what it had so far.
"""

from typing import Any, Literal

from app.engine.sdk import (
    Example,
    ExpressionError,
    InvalidInput,
    NodeConfig,
    NodeContext,
    Ports,
    TooManyIterations,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    condition: str = field(
        ...,
        title="Go on while",
        widget="expression",
        mode="expression",
        later=True,
        placeholder="last.score < 0.8",
    )
    check: Literal["before", "after"] = field(
        "before",
        title="Look",
        mode="literal",
        widget="choice",
        options=("Before each turn", "After each turn"),
    )
    max_iterations: int = field(100, title="Turns at most", ge=1, le=100_000)


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")
    turns: int = port(..., title="Turns", socket=False)


@node(
    kind="logic.while",
    title="While",
    icon="refresh-cw",
    container=True,
    body_names=("last", "index"),
    examples=[
        Example(
            "until it is large enough",
            Config(condition="last < 100"),
            In(input=3),
            Out(value=192, turns=6),
            world={"body": "last * 2"},
        ),
        Example(
            "not once",
            Config(condition="last < 100"),
            In(input=500),
            Out(value=500, turns=0),
            world={"body": "last * 2"},
        ),
        Example(
            "at least once",
            Config(condition="last < 100", check="after"),
            In(input=500),
            Out(value=1000, turns=1),
            world={"body": "last * 2"},
        ),
        Example(
            "three times",
            Config(condition="index < 3"),
            In(input=[]),
            Out(value=[0, 1, 2], turns=3),
            world={"body": "last + [index]"},
        ),
        Example(
            "too many turns",
            Config(condition="true", max_iterations=5),
            In(input=0),
            raises=TooManyIterations,
            world={"body": "last + 1"},
        ),
        Example(
            "a missing value cannot be compared",
            Config(condition="last.a > 3"),
            In(input={}),
            raises=ExpressionError,
            world={"body": "last"},
        ),
    ],
)
async def while_(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Turn while the condition holds."""
    if not ctx.body_size:
        raise InvalidInput(
            "The box is empty: put the nodes into it that each turn goes through.",
            field="condition",
        )
    last, turns = inputs.input, 0
    due = config.check == "after" or ctx.evaluate(config.condition, last=last, index=0)
    while due:
        if turns == config.max_iterations:
            raise TooManyIterations(
                f"The condition still held after {turns:,} turns. Check it, or allow more turns.",
                partial=last,
                turns=turns,
            )
        last = await ctx.run_body(turns, {"last": last, "index": turns})
        turns += 1
        due = ctx.evaluate(config.condition, last=last, index=turns)
    return Out(value=last, turns=turns)
