"""Work on data with a few lines of Python, in a sandbox.

The value at the input is the variable `data`. Under Values you can name more variables, for example
`limit` with `{{ trigger.limit }}`. What the last line evaluates to, or the variable `result`, is
the node's output. What the program prints goes into the step's log.

The sandbox knows no files, no network and no packages. It runs a subset of Python with the modules
json, re, datetime, math, collections, itertools, hashlib, base64, csv and random; there is no
`yield`. Reach into data with `data["key"]`. As an agent's tool, put what the agent passes into
Values: `order` with `{{ args.order }}`.
"""

import keyword
from typing import Any

from pydantic import field_validator

from app.engine.sdk import CodeFailed, Example, NodeConfig, NodeContext, Ports, field, node, port


class Config(NodeConfig):
    """Form of the inspector."""

    code: str = field(
        "result = data\n",
        title="Python",
        widget="code",
        mode="literal",
        min_length=1,
        max_length=50_000,
    )
    values: dict[str, Any] = field(
        title="Values",
        widget="key_value",
        default_factory=dict,
        description="More variables for the program, by name.",
    )
    seconds: float = field(5, title="Time limit (seconds)", gt=0, le=10, advanced=True)

    @field_validator("values")
    @classmethod
    def _names(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in values:
            if not name.isidentifier() or keyword.iskeyword(name) or name == "data":
                raise ValueError(f"'{name}' cannot be a variable's name")
        return values


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Data")


class Out(Ports):
    """Sockets on the right."""

    result: Any = port(title="Result")
    printed: str = port("", title="Printed", socket=False)


@node(
    kind="tool.code_python",
    title="Python code",
    icon="code",
    tool=True,
    examples=[
        Example(
            "the last line is the result",
            Config(code="sum(data)"),
            In(input=[1, 2, 3]),
            {"result": 6},
        ),
        Example(
            "the variable `result`",
            Config(code="result = {'n': len(data)}"),
            In(input="abc"),
            {"result": {"n": 3}},
        ),
        Example(
            "a value of its own",
            Config(code="data * factor", values={"factor": 3}),
            In(input=4),
            {"result": 12},
        ),
        Example("the program fails", Config(code="1 / 0"), In(), raises=CodeFailed),
    ],
)
async def code_python(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Run the program in the sandbox."""
    done = await ctx.python(
        config.code, {**config.values, "data": inputs.input}, timeout_s=config.seconds
    )
    if done.printed.strip():
        ctx.log(done.printed.strip()[:2000])
    return Out(result=done.value, printed=done.printed)
