"""Values as text, and names as port names."""

import json
import re
from typing import Annotated, Any

from pydantic import BeforeValidator


def as_text(value: Any) -> str:
    """Write a JSON value the way a person would type it; null is the empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict) else None)
    return str(value)


MAX_SIGNAL = 100
"""The longest name of a signal."""

Text = Annotated[str, BeforeValidator(as_text)]
"""A text field of a form: `{{ input }}` may put any JSON value into it."""


def port_name(title: str) -> str:
    """Make a port name of what a person typed: `Billing question` becomes `billing_question`."""
    return re.sub(r"\W+", "_", title.strip().lower()).strip("_")


def signal_name(text: str) -> str:
    """Return the name of a signal as it is sent and waited for: the one rule for both sides.

    The name is a part of an address, so what clients take out of addresses cannot be sent.

    Raises:
        ValueError: Nobody could send it.
    """
    name = text.strip()
    if not (0 < len(name) <= MAX_SIGNAL and name.isprintable()):
        raise ValueError(f"the name of a signal is a line of 1 to {MAX_SIGNAL} characters")
    if {".", ".."} & set(name.split("/")):
        raise ValueError("the name of a signal may not be, or hold between slashes, '.' or '..'")
    return name
