"""Reads a model's answer as a value of the requested shape, as the model meant it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.providers.reading import spoken, values_in
from app.engine.runtime.shapes import Shape, shape_of
from app.kernel.errors import OutputInvalid


def parse_answer(text: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Read a model's answer as JSON of a shape.

    Reasoning, prose and code fences around it are skipped; of several values the first that fits is taken. Servers are
    asked for more than is needed, since some only respect shapes in which every field is required and no other is
    allowed: an omitted nullable field is null, extra fields are dropped, and a choice is matched case-insensitively.

    Raises:
        OutputInvalid: It has no JSON, or none that fits; the message says where.
    """
    fits = shape_of(schema)
    nearest: Any = None
    found = False
    groups = list(values_in(spoken(text)))
    *outer, inner = groups
    for values in outer:
        if not found and values:
            nearest, found = values[0], True
        for value in values:
            if fits.is_valid(value):
                return value
    for values in outer:
        if (value := _most_detailed(values, schema, fits)) is not None:
            return value
    wrapped = [value for value in inner if fits.is_valid(value)]
    if len(wrapped) == 1:
        return wrapped[0]
    if not found:
        raise OutputInvalid(f"The model's answer is not JSON: {text.strip()[:100]!r}.")
    raise _misfit(fits, as_asked(nearest, schema))


def _misfit(fits: Shape, value: Any) -> OutputInvalid:  # noqa: ANN401 - any JSON value
    error = fits.misfit(value)
    if error is None:
        return OutputInvalid("The model's answer does not fit the asked shape.")
    place = f" at `{error.json_path}`" if error.absolute_path else ""
    return OutputInvalid(
        f"The model's answer does not fit the asked shape{place}: {error.message[:200]}."
    )


def _most_detailed(values: Sequence[Any], schema: Mapping[str, Any], fits: Shape) -> Any:  # noqa: ANN401
    """The most detailed of the values that fit, leniently read."""
    asked = [as_asked(value, schema) for value in values if not _is_foreign(value, schema)]
    fitting = [value for value in asked if value is not None and fits.is_valid(value)]
    return max(fitting, key=_details, default=None)


def _is_foreign(value: Any, schema: Mapping[str, Any]) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a value has content, but none of the requested fields."""
    known = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(known, Mapping):
        return False
    return bool(value) and not value.keys() & known.keys()


def _details(value: Any) -> int:  # noqa: ANN401 - any JSON value
    return sum(one is not None for one in value.values()) if isinstance(value, dict) else 1


def as_asked(value: Any, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Convert a nearly correct value to what a strict schema wants."""
    schema = _one_of(schema)
    if isinstance(value, dict):
        return _object(value, schema)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [as_asked(item, schema["items"]) for item in value]
    choices = schema.get("enum")
    if isinstance(value, str) and isinstance(choices, list) and value not in choices:
        same = [one for one in choices if _word(one) == _word(value)]
        return same[0] if len(same) == 1 else value
    return value


def _object(value: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return dict(value)
    is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    kept = {
        name: as_asked(part, _schema(properties.get(name)))
        for name, part in value.items()
        if name in properties or not is_closed
    }
    for name in schema.get("required", ()):
        if name not in kept and _may_be_null(_schema(properties.get(name))):
            kept[name] = None
    return kept


def _one_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shape of a value that may also be null."""
    ways = schema.get("anyOf") or schema.get("oneOf") or ()
    shapes = [way for way in ways if isinstance(way, Mapping) and way.get("type") != "null"]
    return shapes[0] if len(shapes) == 1 else schema


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    ways = schema.get("anyOf") or schema.get("oneOf") or ()
    kinds = schema.get("type")
    return (
        kinds == "null"
        or (isinstance(kinds, list) and "null" in kinds)
        or any(isinstance(way, Mapping) and _may_be_null(way) for way in ways)
    )


def _schema(part: object) -> Mapping[str, Any]:
    return part if isinstance(part, Mapping) else {}


def _word(choice: object) -> object:
    return choice.strip().casefold() if isinstance(choice, str) else choice
