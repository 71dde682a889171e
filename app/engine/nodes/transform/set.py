"""Build an object with the values you name.

Each row is a key and its value. A value that is a single expression such as `{{ input.total }}`
keeps its type; mixed with text it becomes text. With "Keep the input" the rows are added to the
object that arrives; a row with the same key takes its place.
"""

from typing import Any

from app.engine.sdk import Example, InvalidInput, NodeConfig, NodeContext, Ports, field, node, port


class Config(NodeConfig):
    """Form of the inspector."""

    values: dict[str, Any] = field(
        title="Values", widget="key_value", default_factory=dict, placeholder="{{ input.total }}"
    )
    keep_input: bool = field(
        False, title="Keep the input", description="Add the values to the object that arrives."
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    data: dict[str, Any] = port(..., title="Object")


@node(
    kind="data.set",
    title="Set values",
    icon="pen-line",
    quick=True,
    examples=[
        Example(
            "types stay",
            Config(values={"n": "{{ input.n }}", "say": "n is {{ input.n }}"}),
            In(input={"n": 3}),
            Out(data={"n": 3, "say": "n is 3"}),
        ),
        Example(
            "added to the input",
            Config(values={"b": 2}, keep_input=True),
            In(input={"a": 1, "b": 1}),
            Out(data={"a": 1, "b": 2}),
        ),
        Example(
            "a text cannot be added to",
            Config(values={"b": 2}, keep_input=True),
            In(input="text"),
            raises=InvalidInput,
        ),
    ],
)
async def set_values(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Return the named values, on top of the input when asked for."""
    if not config.keep_input or inputs.input is None:
        return Out(data=config.values)
    if not isinstance(inputs.input, dict):
        raise InvalidInput("Only an object can be kept; the input is something else.", port="input")
    return Out(data={**inputs.input, **config.values})
