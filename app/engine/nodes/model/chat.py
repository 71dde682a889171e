"""Ask a language model and get its answer as text.

Write what the model should always keep to under Instructions, and the task of this run under
Prompt. Any text may hold values in double braces, such as `{{ input }}`, `{{ trigger.message }}` or
`{{ nodes.<id>.<port> }}`. Leave Model empty to use the workspace's default one.

The answer streams into the node while it is written. Put what never changes into Instructions:
models read an unchanged beginning much faster the second time.
"""

from typing import Any

from app.engine.sdk import (
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
        "",
        title="Instructions",
        widget="prompt",
        placeholder="You are a friendly support agent. Answer in two sentences.",
    )
    prompt: Text = field(
        "{{ input }}", title="Prompt", widget="prompt", min_length=1, placeholder="{{ input }}"
    )
    history: Any = field(
        None,
        title="Earlier messages",
        mode="expression",
        advanced=True,
        placeholder="trigger.history",
        description="A list of {role, text} or {role, content}, oldest first.",
    )
    temperature: float | None = field(
        None,
        title="Temperature",
        ge=0,
        le=2,
        advanced=True,
        description="0 repeats itself, 1 varies. Empty: the model's own.",
    )
    max_tokens: int | None = field(
        None, title="Longest answer (tokens)", ge=1, le=100_000, advanced=True
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    text: str = port(..., title="Answer")


@node(
    kind="model.chat",
    title="Ask a model",
    icon="sparkles",
    light=True,
    uses_model=True,
    examples=[
        Example(
            "answer",
            Config(prompt="Greet {{ input }}."),
            In(input="Ada"),
            Out(text="Hello, Ada!"),
            world={"models": ["Hello, Ada!"]},
        ),
        Example(
            "with earlier messages",
            Config(prompt="And now?", history="input"),
            In(input=[{"role": "user", "text": "Hi"}]),
            Out(text="Still here."),
            world={"models": ["Still here."]},
        ),
        Example(
            "earlier messages of another program",
            Config(prompt="And now?", history="input"),
            In(input=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]),
            Out(text="Still here."),
            world={"models": ["Still here."]},
        ),
        Example(
            "history of another shape",
            Config(prompt="Hi", history="input"),
            In(input="text"),
            raises=InvalidInput,
        ),
        Example(
            "the provider is down",
            Config(prompt="Hi"),
            In(),
            raises=UpstreamFailed,
            world={"models": [UpstreamFailed("The provider did not answer.")]},
        ),
    ],
)
async def chat(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Send instructions, history and prompt, and return the answer."""
    system = [Message(role="system", text=config.instructions)] if config.instructions else []
    answer = await ctx.complete(
        [*system, *turns(config.history), Message(role="user", text=config.prompt)],
        model=config.model,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
    )
    return Out(text=answer.text)
