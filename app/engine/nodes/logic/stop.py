"""End the run here and now.

The run ends as succeeded with a value as its output, or as failed with a message. Whatever else is
still at work is canceled, also when this node lies in a loop or another branch has not finished; a
step that is changing the outside ends by itself first.
"""

from typing import Any, Literal

from app.engine.sdk import Example, NodeConfig, NodeContext, Ports, RunStopped, field, node, port


class Config(NodeConfig):
    """Form of the inspector."""

    outcome: Literal["succeeded", "failed"] = field(
        "succeeded",
        title="End the run as",
        mode="literal",
        widget="choice",
        options=("Succeeded, with a value", "Failed, with a message"),
    )
    value: Any = field(
        "{{ input }}",
        title="Value",
        widget="json",
        placeholder="{{ input }}",
        show_if={"outcome": "succeeded"},
    )
    message: str = field(
        "The workflow stopped the run.",
        title="Message",
        max_length=2_000,
        show_if={"outcome": "failed"},
        needed=True,
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """What the run gives back."""

    value: Any = port(title="Value", socket=False)


@node(
    kind="flow.stop",
    title="Stop",
    icon="circle-stop",
    quick=True,
    stops=True,
    examples=[
        Example("with what arrives", Config(), In(input={"n": 1}), Out(value={"n": 1})),
        Example(
            "with a value of its own",
            Config(value={"reply": "Nothing to do for {{ input }}"}),
            In(input="Ada"),
            Out(value={"reply": "Nothing to do for Ada"}),
        ),
        Example(
            "as failed",
            Config(outcome="failed", message="No stock for {{ input }}."),
            In(input="tea"),
            raises=RunStopped,
        ),
    ],
)
async def stop(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Give the value, or the message as an error; the engine ends the run."""
    if config.outcome == "failed":
        raise RunStopped(config.message)
    return Out(value=config.value)
