"""Sort a text into one of your labels and take that label's branch.

Describe each label in a sentence and add a few example texts, one per line. The text goes to the
label whose description and examples it resembles most; this is computed on this machine in
milliseconds, without a language model. More examples make it better; what it cannot see is negation
("happy" and "not happy" look alike).

Confidence, from 0 to 1, says how clearly the best label beats the others, and "none of them". Below
the threshold you can still take the best label, ask a model to decide, or leave by the port
`unsure`. The input passes unchanged through the chosen branch; the label itself is in `{{
nodes.<id>.label }}`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import field_validator

from app.engine.sdk import (
    Example,
    InvalidInput,
    Message,
    NodeConfig,
    NodeContext,
    Port,
    Ports,
    Result,
    Text,
    as_text,
    field,
    node,
    port,
    port_name,
)

_RESERVED = frozenset({"label", "confidence", "decided_by", "unsure", "error", "tool"})
_SHARPNESS = 20.0
"""Turns a lead of 0.1 in likeness over one other label into a confidence of 0.88."""
_NONE = 0.27
"""Likeness below which no label fits: measured 0.07 to 0.27, of fitting texts 0.30 to 0.78."""


class Label(NodeConfig):
    """A class a text may belong to."""

    name: str = field(
        title="Label", mode="literal", placeholder="Billing", min_length=1, max_length=60
    )
    description: Text = field(
        "", title="What belongs here", placeholder="Invoices, charges, refunds and prices."
    )
    examples: Text = field(
        "",
        title="Examples, one per line",
        widget="prompt",
        placeholder="I was charged twice in March.",
    )


class Config(NodeConfig):
    """Form of the inspector."""

    text: Text = field("{{ input }}", title="Text", widget="prompt", min_length=1)
    labels: list[Label] = field(
        title="Labels",
        widget="list",
        min_length=2,
        max_length=50,
        default_factory=lambda: [
            Label(
                name="Question",
                description="Somebody asks how something works.",
                examples="How do I change my password?",
            ),
            Label(
                name="Problem",
                description="Something is broken or went wrong.",
                examples="The app crashes when I open it.",
            ),
        ],
    )
    when_unsure: Literal["best", "model", "unsure"] = field(
        "best",
        title="When unsure",
        mode="literal",
        widget="choice",
        options=("Take the best label", "Ask a model", "Leave by the port 'unsure'"),
    )
    threshold: float = field(
        0.5,
        title="Unsure below",
        ge=0,
        le=1,
        show_if={"when_unsure": ["model", "unsure"]},
        description="Confidence under which the text counts as unclear.",
    )
    model: Text = field(
        "",
        title="Model",
        widget="model",
        placeholder="Default model",
        show_if={"when_unsure": "model"},
    )
    max_tokens: int | None = field(
        None,
        title="Longest answer (tokens)",
        ge=1,
        le=100_000,
        advanced=True,
        show_if={"when_unsure": "model"},
        description="Models that reason before they answer need some hundreds.",
    )

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[Label]) -> list[Label]:
        names = [port_name(label.name) for label in labels]
        for name, label in zip(names, labels, strict=True):
            if not name or name in _RESERVED:
                raise ValueError(f"'{label.name}' cannot be a label's name")
            if names.count(name) > 1:
                raise ValueError(f"two labels are called '{label.name}'")
        return labels


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right, besides one per label."""

    label: str = port(..., title="Label")
    confidence: float = port(..., title="Confidence", socket=False)
    decided_by: str = port(..., title="Decided by", socket=False)


def branches(config: Mapping[str, Any]) -> tuple[Port, ...]:
    """One port per label, and one for unclear texts when asked for."""
    titles: dict[str, str] = {}
    for raw in config.get("labels") or []:
        title = as_text(raw.get("name")) if isinstance(raw, Mapping) else ""
        name = port_name(title)
        if name and name not in _RESERVED:
            titles.setdefault(name, title)
    if config.get("when_unsure") == "unsure":
        titles["unsure"] = "Unsure"
    return tuple(Port(name=name, title=title, branch=True) for name, title in titles.items())


def _samples(label: Label) -> list[str]:
    about = f"{label.name}: {label.description}" if label.description else label.name
    return [about, *(line.strip() for line in label.examples.splitlines() if line.strip())]


def _likeness(text: Sequence[float], samples: Sequence[Sequence[float]]) -> float:
    """Cosine between the text and the middle of the samples, all unit vectors."""
    middle = [sum(column) for column in zip(*samples, strict=True)]
    length = math.sqrt(sum(x * x for x in middle))
    return sum(a * b for a, b in zip(text, middle, strict=True)) / length if length else 0.0


async def _nearest(config: Config, ctx: NodeContext) -> tuple[str, float]:
    """The label most like the text, and how clearly it leads."""
    samples = [_samples(label) for label in config.labels]
    vectors = await ctx.embed([config.text, *(text for group in samples for text in group)])
    text, rest = vectors[0], iter(vectors[1:])
    likeness = {
        label.name: _likeness(text, [next(rest) for _ in group])
        for label, group in zip(config.labels, samples, strict=True)
    }
    best = max(likeness, key=lambda name: likeness[name])
    rivals = [*likeness.values(), _NONE]
    share = 1 / sum(math.exp(_SHARPNESS * (value - likeness[best])) for value in rivals)
    return best, round(share, 3)


async def _ask(config: Config, ctx: NodeContext) -> str:
    """Let a model choose; its answer is held to the labels."""
    names = [label.name for label in config.labels]
    lines = ["Say which label fits the text best. The labels are:"]
    for label in config.labels:
        examples = "; ".join(f'"{example}"' for example in _samples(label)[1:])
        lines.append(
            f"- {label.name}: {label.description}"
            + (f" For example {examples}" if examples else "")
        )
    answer = await ctx.complete(
        [
            Message(role="system", text="\n".join(lines)),
            Message(role="user", text=f"Text: {config.text}"),
        ],
        model=config.model,
        schema={
            "type": "object",
            "properties": {"label": {"enum": names}},
            "required": ["label"],
            "additionalProperties": False,
        },
        temperature=0,
        max_tokens=config.max_tokens,
        stream=False,
        name="classify",
    )
    return str(answer.data["label"])


_DESK = [
    Label(
        name="Billing",
        description="Invoices, charges and refunds.",
        examples="I was charged twice.\nI want my money back.",
    ),
    Label(
        name="Bug",
        description="Errors and crashes of the app.",
        examples="The app crashes.\nI see an error message.",
    ),
]


@node(
    kind="model.classify",
    title="Classify",
    icon="tags",
    uses_model=True,
    ports_for=branches,
    examples=[
        Example(
            "a charge is billing",
            Config(labels=_DESK),
            In(input="I was charged twice for one invoice."),
            {"label": "Billing", "decided_by": "likeness"},
            alive=frozenset({"label", "billing"}),
        ),
        Example(
            "a crash is a bug",
            Config(labels=_DESK),
            In(input="The app crashes with an error message."),
            {"label": "Bug", "bug": "The app crashes with an error message."},
            alive=frozenset({"label", "bug"}),
        ),
        Example(
            "a model decides unclear texts",
            Config(labels=_DESK, when_unsure="model", threshold=1),
            In(input="Hm."),
            {"label": "Bug", "decided_by": "model"},
            alive=frozenset({"label", "bug"}),
            world={"models": ['{"label": "Bug"}']},
        ),
        Example(
            "unclear texts have their own port",
            Config(labels=_DESK, when_unsure="unsure", threshold=1),
            In(input="Hm."),
            {"unsure": "Hm."},
            alive=frozenset({"label", "unsure"}),
        ),
        Example(
            "nothing to classify",
            Config(labels=_DESK, text="{{ input }} "),
            In(input=" "),
            raises=InvalidInput,
        ),
    ],
)
async def classify(config: Config, inputs: In, ctx: NodeContext) -> Result:
    """Choose a label and let its branch live."""
    if not config.text.strip():
        raise InvalidInput("There is no text to classify.", field="text")
    label, confidence = await _nearest(config, ctx)
    decided_by, branch = "likeness", port_name(label)
    if confidence < config.threshold and config.when_unsure == "model":
        label, decided_by = await _ask(config, ctx), "model"
        branch = port_name(label)
    elif confidence < config.threshold and config.when_unsure == "unsure":
        branch = "unsure"
    values = {
        "label": label,
        "confidence": confidence,
        "decided_by": decided_by,
        branch: inputs.input,
    }
    return Result(values, frozenset({"label", branch}))
