"""Read a text and fill in the fields you ask for.

Name each field and say in a few words what it is. The answer always has that shape: numbers are
numbers, and what the text does not say is null unless the field is required. "Only what the text
says" drops values that do not stand in the text, which keeps small models from inventing them.

For nested shapes write a JSON Schema of type object under Advanced; it takes the place of the
fields.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import field_validator

from app.engine.sdk import (
    Example,
    InvalidInput,
    Json,
    Message,
    NodeConfig,
    NodeContext,
    OutputInvalid,
    Ports,
    Text,
    as_text,
    field,
    node,
    port,
)

_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "description": "a date as YYYY-MM-DD"},
    "list": {"type": "array", "items": {"type": "string"}},
}


class Wanted(NodeConfig):
    """A value to look for."""

    name: str = field(
        title="Name", mode="literal", placeholder="total", pattern=r"^[A-Za-z_]\w{0,63}$"
    )
    type: Literal["text", "number", "boolean", "date", "list"] = field(
        "text", title="Type", mode="literal"
    )
    description: Text = field("", title="What it is", placeholder="The amount to pay, with tax")
    required: bool = field(False, title="Required")


class Config(NodeConfig):
    """Form of the inspector."""

    text: Text = field("{{ input }}", title="Text", widget="prompt", min_length=1)
    fields: list[Wanted] = field(
        title="Fields to fill in",
        widget="list",
        max_length=50,
        needed={"json_schema": None},
        default_factory=lambda: [
            Wanted(
                name="summary", description="What the text says, in one sentence", required=True
            ),
        ],
    )
    grounded: bool = field(
        False,
        title="Only what the text says",
        description="Drop texts and numbers that do not stand in the text.",
    )
    model: Text = field("", title="Model", widget="model", placeholder="Default model")
    instructions: Text = field(
        "",
        title="Extra instructions",
        widget="prompt",
        advanced=True,
        placeholder="Amounts are in euro.",
    )
    max_tokens: int | None = field(
        None, title="Longest answer (tokens)", ge=1, le=100_000, advanced=True
    )
    json_schema: dict[str, Any] | None = field(
        None,
        title="JSON Schema",
        widget="schema",
        mode="literal",
        advanced=True,
        description="Used instead of the fields.",
    )

    @field_validator("fields")
    @classmethod
    def _distinct(cls, fields: list[Wanted]) -> list[Wanted]:
        names = [wanted.name for wanted in fields]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two fields are called '{twice}'")
        return fields


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    data: dict[str, Any] = port(..., title="Data")


def _schema(config: Config) -> dict[str, Any]:
    if config.json_schema:
        if config.json_schema.get("type") != "object":
            raise InvalidInput("The JSON Schema must be of type object.", field="json_schema")
        return config.json_schema
    if not config.fields:
        raise InvalidInput("Name at least one field to fill in.", field="fields")
    properties = {}
    for wanted in config.fields:
        base = dict(_SCHEMAS[wanted.type])
        if wanted.description:
            base["description"] = (
                f"{wanted.description} ({base['description']})"
                if "description" in base
                else wanted.description
            )
        properties[wanted.name] = (
            base if wanted.required else {**base, "type": [base["type"], "null"]}
        )
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


class _Said:
    """What a text says, to look values up in it whatever way they are written."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"\s+", " ", text.lower())
        joined = re.sub(r"(?<=\d)[ ,.'](?=\d{3}(?!\d))", "", text)
        self.words = text
        self.numbers = {
            float(number.replace(",", "."))
            for number in re.findall(r"\d+(?:[.,]\d+)?", f"{text} {joined}")
        }

    def has(self, value: Json) -> bool:
        """Whether the value stands in the text; yes, no and null need not."""
        if isinstance(value, bool) or value is None:
            return True
        if isinstance(value, (int, float)):
            return abs(float(value)) in self.numbers
        text = re.sub(r"\s+", " ", as_text(value).lower()).strip()
        if date := re.fullmatch(r"(\d{4})-\d\d-(\d\d)", text):
            return text in self.words or {float(part) for part in date.groups()} <= self.numbers
        return text in self.words

    def only(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data without what the text does not say."""
        kept: dict[str, Any] = {}
        for name, value in data.items():
            if isinstance(value, Mapping):
                kept[name] = self.only(value)
            elif isinstance(value, list):
                rows = [self.only(item) if isinstance(item, Mapping) else item for item in value]
                kept[name] = [row for row in rows if isinstance(row, dict) or self.has(row)]
            else:
                kept[name] = value if self.has(value) else None
        return kept


_BILL = [
    Wanted(name="vendor", description="Who sent the invoice"),
    Wanted(name="total", type="number", description="Amount to pay"),
]
_LINE = "Invoice of Acme Ltd. Total: EUR 1,250.50"


@node(
    kind="model.extract",
    title="Extract fields",
    icon="scan-text",
    light=True,
    uses_model=True,
    examples=[
        Example(
            "two fields of an invoice",
            Config(fields=_BILL),
            In(input=_LINE),
            Out(data={"vendor": "Acme Ltd", "total": 1250.5}),
            world={"models": ['{"vendor": "Acme Ltd", "total": 1250.5}']},
        ),
        Example(
            "an invented value is dropped",
            Config(fields=_BILL, grounded=True),
            In(input=_LINE),
            Out(data={"vendor": None, "total": 1250.5}),
            world={"models": ['{"vendor": "Foo Inc", "total": 1250.5}']},
        ),
        Example(
            "what is not said is null",
            Config(fields=_BILL),
            In(input="Invoice of Acme Ltd."),
            Out(data={"vendor": "Acme Ltd", "total": None}),
            world={"models": ['{"vendor": "Acme Ltd"}']},
        ),
        Example(
            "an answer of another shape, twice",
            Config(fields=_BILL),
            In(input=_LINE),
            raises=OutputInvalid,
            world={"models": ["I think it is Acme", "Acme!"]},
        ),
        Example("no field", Config(fields=[]), In(input=_LINE), raises=InvalidInput),
    ],
)
async def extract(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Ask a model for an object of the wanted shape."""
    schema = _schema(config)
    rules = [
        "Copy the wanted values out of the text.",
        "Never guess: a value the text does not give is null.",
    ]
    rules += [
        f"- {name}: {about.get('description', '')}"
        for name, about in schema.get("properties", {}).items()
    ]
    if config.instructions:
        rules.append(config.instructions)
    answer = await ctx.complete(
        [
            Message(role="system", text="\n".join(rules)),
            Message(role="user", text=f"Text:\n{config.text}"),
        ],
        model=config.model,
        schema=schema,
        temperature=0,
        max_tokens=config.max_tokens,
        name="extract",
    )
    data = dict(answer.data)
    if config.grounded:
        kept = _Said(config.text).only(data)
        dropped = [name for name in data if kept[name] != data[name]]
        if dropped:
            ctx.log("Dropped what the text does not say.", fields=dropped)
        data = kept
    return Out(data=data)
