"""Start a run by hand or by API, with a form of your own.

List the values a run needs. They become the form shown when somebody presses Run, the input the API
expects, and `{{ trigger.<name> }}` in every other node. Without any field a run may be given any
JSON object.

Texts that arrive for a number, a yes/no or a JSON field are converted; a missing required value or
an unknown choice refuses the run with the field's name. Values you did not list are passed on.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from app.engine.sdk import (
    Example,
    InvalidInput,
    Json,
    NodeConfig,
    NodeContext,
    Ports,
    as_text,
    field,
    node,
    port,
    read_json,
)

_JSON_TYPES = {"number": "number", "boolean": "boolean", "json": ""}
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0", ""}


class Input(NodeConfig):
    """One value of the run form."""

    name: str = field(
        title="Name",
        mode="literal",
        placeholder="customer_message",
        pattern=r"^[A-Za-z_]\w{0,63}$",
        description="How other nodes call it: `trigger.<name>`. Letters, digits and _ only.",
    )
    title: str = field("", title="Label", mode="literal", placeholder="Customer message")
    type: Literal["text", "long_text", "number", "boolean", "choice", "json", "file_text"] = field(
        "text", title="Type", mode="literal"
    )
    required: bool = field(False, title="Required")
    default: Any = field(None, title="Default", mode="literal", widget="json", advanced=True)
    choices: list[str] = field(
        title="Choices",
        mode="literal",
        widget="list",
        show_if={"type": "choice"},
        needed=True,
        default_factory=list,
    )


class Config(NodeConfig):
    """Form of the inspector."""

    fields: list[Input] = field(
        title="Input form",
        widget="fields",
        mode="literal",
        default_factory=list,
        description="What a run is given. Each field is available as {{ trigger.<name> }}.",
    )


class In(Ports):
    """A trigger has no inputs."""


class Out(Ports):
    """What the run was given."""

    data: dict[str, Any] = port(..., title="Data", type="object")


def input_schema(config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe what a run must be given, as the JSON Schema behind the run form."""
    properties: dict[str, Any] = {}
    required = []
    for raw in config.get("fields") or []:
        if not isinstance(raw, Mapping) or not raw.get("name"):
            continue
        kind = str(raw.get("type") or "text")
        schema: dict[str, Any] = {"title": raw.get("title") or raw["name"], "widget": kind}
        if json_type := _JSON_TYPES.get(kind, "string"):
            schema["type"] = json_type
        if kind == "choice":
            schema["enum"] = list(raw.get("choices") or [])
        if raw.get("default") is not None:
            schema["default"] = raw["default"]
        properties[raw["name"]] = schema
        if raw.get("required"):
            required.append(raw["name"])
    return {"type": "object", "properties": properties, "required": required}


def _number(value: Json) -> Json:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = as_text(value).strip()
    number = int(text) if text.lstrip("+-").isdigit() else float(text)
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    return number


def _boolean(value: Json) -> Json:
    word = as_text(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("not yes or no")
    return word in _TRUE


def _json(value: Json) -> Json:
    return read_json(value) if isinstance(value, str) else value


_READERS: dict[str, Callable[[Json], Json]] = {
    "number": _number,
    "boolean": _boolean,
    "json": _json,
}
_WANTED = {"number": "a number", "boolean": "yes or no", "json": "JSON"}


def _read(spec: Input, value: Json) -> Json:
    """Convert a given value to the field's type."""
    title = spec.title or spec.name
    reader: Callable[[Json], Json] = _READERS.get(spec.type, as_text)
    try:
        value = reader(value)
    except ValueError as error:
        raise InvalidInput(f"'{title}' must be {_WANTED[spec.type]}.", field=spec.name) from error
    if spec.type == "choice" and value not in spec.choices:
        raise InvalidInput(f"'{title}' must be one of {', '.join(spec.choices)}.", field=spec.name)
    return value


_FORM = Config(
    fields=[
        Input(name="message", title="Message", type="long_text", required=True),
        Input(name="amount", title="Amount", type="number", default=10),
    ]
)


@node(
    kind="trigger.manual",
    title="Manual start",
    icon="play",
    trigger=True,
    quick=True,
    input_schema_for=input_schema,
    examples=[
        Example(
            "a number typed as text",
            _FORM,
            In(),
            Out(data={"message": "Hi", "amount": 7}),
            world={"trigger": {"message": "Hi", "amount": "7"}},
        ),
        Example(
            "a default fills in",
            _FORM,
            In(),
            Out(data={"message": "Hi", "amount": 10}),
            world={"trigger": {"message": "Hi"}},
        ),
        Example(
            "no form: any object", Config(), In(), Out(data={"a": 1}), world={"trigger": {"a": 1}}
        ),
        Example(
            "required value missing",
            _FORM,
            In(),
            raises=InvalidInput,
            world={"trigger": {"amount": 1}},
        ),
        Example(
            "not a number",
            _FORM,
            In(),
            raises=InvalidInput,
            world={"trigger": {"message": "Hi", "amount": "many"}},
        ),
    ],
)
async def manual(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Check the run's input against the form and fill in defaults."""
    given = {} if ctx.trigger is None else ctx.trigger
    if not isinstance(given, Mapping):
        raise InvalidInput("The run's input must be a JSON object with one value per field.")
    data = dict(given)
    for spec in config.fields:
        value = data.get(spec.name)
        if value is None or (value == "" and spec.type not in ("text", "long_text", "file_text")):
            value = spec.default
        if spec.required and value in (None, ""):
            raise InvalidInput(f"'{spec.title or spec.name}' is required.", field=spec.name)
        data[spec.name] = None if value is None else _read(spec, value)
    return Out(data=data)
