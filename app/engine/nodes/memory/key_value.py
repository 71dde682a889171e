"""Remember a value under a key from one run to the next.

Get reads it, Set writes it, Append adds to a list, Delete forgets it. What one workflow remembers
is its own; choose Workspace to share a key between workflows. A key may hold values, such as
`customer:{{ trigger.email }}`.

`value` is what is remembered afterwards (for Delete: what was forgotten) and `found` tells whether
the key was there before. As an agent's tool, write `{{ args.<name> }}` into key and value.
"""

from typing import Any, Literal

from app.engine.sdk import (
    Example,
    InvalidInput,
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

    operation: Literal["get", "set", "append", "delete"] = field(
        "get",
        title="What to do",
        mode="literal",
        widget="choice",
        options=("Get", "Set", "Append to a list", "Delete"),
    )
    key: Text = field(
        ..., title="Key", min_length=1, max_length=200, placeholder="customer:{{ trigger.email }}"
    )
    value: Any = field(
        "{{ input }}", title="Value", widget="json", show_if={"operation": ["set", "append"]}
    )
    default: Any = field(
        None, title="When there is none", widget="json", show_if={"operation": "get"}
    )
    keep: int = field(
        100,
        title="Keep the last entries",
        ge=1,
        le=10_000,
        advanced=True,
        show_if={"operation": "append"},
    )
    scope: Literal["workflow", "workspace"] = field(
        "workflow",
        title="Remembered by",
        mode="literal",
        widget="choice",
        advanced=True,
        options=("This workflow", "All workflows of the workspace"),
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")
    found: bool = port(..., title="Was there", socket=False)


@node(
    kind="memory.key_value",
    title="Remember",
    icon="database",
    light=True,
    effects="external",
    reads_only=lambda config: config.get("operation", "get") == "get",
    tool=True,
    examples=[
        Example(
            "get",
            Config(key="name"),
            In(),
            Out(value="Ada", found=True),
            world={"memory": {"name": "Ada"}},
        ),
        Example(
            "get what is not there",
            Config(key="name", default="nobody"),
            In(),
            Out(value="nobody", found=False),
        ),
        Example(
            "set",
            Config(operation="set", key="n:{{ input }}"),
            In(input=3),
            Out(value=3, found=False),
        ),
        Example(
            "append keeps the last",
            Config(operation="append", key="log", keep=2),
            In(input="c"),
            Out(value=["b", "c"], found=True),
            world={"memory": {"log": ["a", "b"]}},
        ),
        Example(
            "delete",
            Config(operation="delete", key="name"),
            In(),
            Out(value="Ada", found=True),
            world={"memory": {"name": "Ada"}},
        ),
        Example(
            "append to what is no list",
            Config(operation="append", key="name"),
            In(input="x"),
            raises=InvalidInput,
            world={"memory": {"name": "Ada"}},
        ),
    ],
)
async def key_value(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Read or change the value under the key."""
    old = await ctx.memory.get(config.scope, config.key)
    found = old is not None
    if config.operation == "get":
        return Out(value=old if found else config.default, found=found)
    if config.operation == "delete":
        await ctx.memory.delete(config.scope, config.key)
        return Out(value=old, found=found)
    if config.operation == "append":
        new = await ctx.memory.append(config.scope, config.key, config.value, config.keep)
        return Out(value=new, found=found)
    await ctx.memory.put(config.scope, config.key, config.value)
    return Out(value=config.value, found=found)
