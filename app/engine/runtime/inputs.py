"""Checks a run's input against the trigger's form before the run begins."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from app.engine.sdk import InvalidInput, Json, as_text

_WORDS = {"true", "yes", "on", "1", "false", "no", "off", "0"}


def check_input(schema: Mapping[str, Any], given: Json) -> None:
    """Refuse an input that the trigger could not accept. Strings may stand for numbers and for yes or no, as a form
    sends them; keys that the schema does not list are accepted. A trigger whose schema says `text_is` takes plain text
    for that field.

    Raises:
        InvalidInput: A required value is missing or one has the wrong type; `context["field"]` names it.
    """
    if not schema:
        return
    values = {} if given is None else given
    if isinstance(given, str) and "text_is" in schema:
        values = {schema["text_is"]: given}
    if not isinstance(values, Mapping):
        raise InvalidInput(
            "The input must be a JSON object with one value per field.", field="input"
        )
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        _check_value(name, field, values.get(name), needed=name in required)


def _check_value(name: str, field: Mapping[str, Any], value: Json, *, needed: bool) -> None:
    title = field.get("title") or name
    if value is None or (isinstance(value, str) and not value.strip()):
        if needed and field.get("default") is None:
            raise InvalidInput(f"'{title}' is required. Give it a value and run again.", field=name)
        return
    fits, wanted = _TYPES.get(str(field.get("type")), (_anything, ""))
    if not fits(value):
        raise InvalidInput(f"'{title}' must be {wanted}.", field=name)
    choices = field.get("enum")
    if choices and as_text(value) not in choices:
        raise InvalidInput(f"'{title}' must be one of {', '.join(choices)}.", field=name)


def _anything(_: Json) -> bool:
    return True


def _is_text(value: Json) -> bool:
    return not isinstance(value, (Mapping, list))


def _is_number(value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        return math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def _is_yes_or_no(value: Json) -> bool:
    return as_text(value).strip().lower() in _WORDS


def _is_list(value: Json) -> bool:
    return isinstance(value, list)


_TYPES: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "string": (_is_text, "text"),
    "number": (_is_number, "a number, such as 3 or 0.5"),
    "boolean": (_is_yes_or_no, "yes or no"),
    "array": (_is_list, "a list"),
}
