"""Let a model work on a task with tools until it is done.

Write under Instructions who the agent is and how it works, and under Prompt what it should do now.
Wire the `tool` port of other nodes (a code node, a web request, another agent) into the Tools slot:
the agent decides when to call them and sees what they return. A tool reads what the agent passes as
`{{ args.<name> }}`; describe it in the node's Settings so that the agent knows when to use it.

The agent stops after the set number of turns. With a JSON Schema under Advanced the answer also
comes as data of that shape. Small local models handle one tool and short tasks; longer plans need a
stronger model.
"""

from typing import Any

from app.engine.sdk import (
    AgentSpec,
    Example,
    InvalidInput,
    Message,
    NodeConfig,
    NodeContext,
    Ports,
    Text,
    UpstreamFailed,
    field,
    node,
    port,
    turns,
)


class Config(NodeConfig):
    """Form of the inspector."""

    model: Text = field("", title="Model", widget="model", placeholder="Default model")
    instructions: Text = field(
        "You are a helpful assistant. Use a tool when it helps, then answer briefly.",
        title="Instructions",
        widget="prompt",
        min_length=1,
    )
    prompt: Text = field("{{ input }}", title="Prompt", widget="prompt", min_length=1)
    max_turns: int = field(6, title="At most this many turns", ge=1, le=50, advanced=True)
    max_tokens: int = field(
        400,
        title="Tokens per turn at most",
        ge=1,
        le=100_000,
        advanced=True,
        description="How much the model may write before it calls a tool or answers.",
    )
    history: Any = field(
        None,
        title="Earlier messages",
        mode="expression",
        advanced=True,
        placeholder="trigger.history",
        description="A list of {role, text} or {role, content}, oldest first.",
    )
    output_schema: dict[str, Any] | None = field(
        None,
        title="Answer as JSON Schema",
        widget="schema",
        mode="literal",
        advanced=True,
        description="The answer also comes as `data` of this shape.",
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")
    tools: list[Any] = port([], title="Tools", type="tool", many=True)


class Out(Ports):
    """Sockets on the right."""

    text: str = port(..., title="Answer")
    data: Any = port(title="Data", socket=False)
    tools_called: list[str] = port([], title="Tools called", socket=False)


@node(
    kind="agent.run",
    title="Agent",
    icon="bot",
    tool=True,
    uses_model=True,
    effects="external",
    examples=[
        Example(
            "answers without a tool",
            Config(),
            In(input="Say hello"),
            {"text": "Hello!", "tools_called": []},
            world={"models": ["Hello!"]},
        ),
        Example(
            "history of another shape",
            Config(history="input"),
            In(input="text"),
            raises=InvalidInput,
        ),
        Example(
            "the provider is down",
            Config(),
            In(input="Say hello"),
            raises=UpstreamFailed,
            world={"models": [UpstreamFailed("The provider did not answer.")]},
        ),
    ],
)
async def run(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Hold the conversation and return how it ended."""
    result = await ctx.agent(
        AgentSpec(
            model=config.model,
            instructions=config.instructions,
            messages=(*turns(config.history), Message(role="user", text=config.prompt)),
            max_turns=config.max_turns,
            max_tokens=config.max_tokens,
            schema_=config.output_schema,
        )
    )
    return Out(text=result.text, data=result.data, tools_called=list(result.tools_called))
