"""Run another workflow and go on with what it gives back.

The other workflow runs as a run of its own, as it is when the call begins, and is listed under this
one; questions that it asks people appear in both. This run waits for it without using anything. What
it gives back leaves through `output`. When it fails, this step fails with its error; a retry calls
it again. Cancelling this run cancels the other one, too.

Workflows may call each other up to eight deep.
"""

from typing import Any

from app.engine.sdk import (
    ChildFailed,
    Example,
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

    workflow: Text = field(
        ...,
        title="Workflow",
        widget="workflow",
        min_length=1,
        max_length=100,
        placeholder="The id of a workflow, such as wfl_01J…",
    )
    given: Any = field(
        "{{ input }}",
        title="Input",
        widget="json",
        description="What its trigger gets: an object with a value for each of its fields.",
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    output: Any = port(title="Output")


@node(
    kind="flow.run_workflow",
    title="Run a workflow",
    icon="workflow",
    effects="pauses",
    examples=[
        Example(
            "what it gives back",
            Config(workflow="wfl_01J", given={"name": "{{ input }}"}),
            In(input="Ada"),
            Out(output="Hi Ada"),
            world={"child": {"status": "succeeded", "output": "Hi Ada"}},
        ),
        Example(
            "it failed",
            Config(workflow="wfl_01J"),
            In(),
            raises=ChildFailed,
            world={"child": {"status": "failed", "error": {"message": "No answer."}}},
        ),
        Example(
            "it was canceled",
            Config(workflow="wfl_01J"),
            In(),
            raises=ChildFailed,
            world={"child": {"status": "canceled"}},
        ),
    ],
)
async def run_workflow(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Call the workflow and give back its output."""
    return Out(output=await ctx.run_workflow(config.workflow.strip(), config.given))
