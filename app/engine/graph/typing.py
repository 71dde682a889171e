"""Which output fits which input, and the reason when one does not."""

from typing import Any

from app.engine.sdk.node import PORT_TYPES

NAMES = {
    "any": "any value",
    "text": "a text",
    "number": "a number",
    "boolean": "yes or no",
    "object": "an object",
    "list": "a list",
    "file": "a file",
    "message": "a message",
    "document": "a document",
    "tool": "a tool",
}
"""How a sentence names the value of a port type."""

_ALSO = {
    "text": frozenset({"number", "boolean"}),
    "object": frozenset({"file", "message", "document"}),
}
"""What an input takes besides its own type and `any`."""

_WAYS = {
    "text": "Put a Text template between them.",
    "number": "Put a Set values node between them that picks the number.",
    "boolean": "Put a Set values node between them that decides it.",
    "object": "Put a Set values node between them that makes an object of it.",
    "list": "Put a Merge or a Set values node between them that makes a list.",
}

_PYTHON: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "object": dict,
    "list": list,
    "file": dict,
    "message": dict,
    "document": dict,
}


def compatible(source: str, target: str) -> str | None:
    """Return None when an output of type `source` fits an input of type `target`, else why not."""
    for name in (source, target):
        if name not in PORT_TYPES:
            return f"There is no port type '{name}'."
    if source == target:
        return None
    if source == "tool":
        return "A tool port leads to the tools of an agent only."
    if target == "tool":
        return "Only the tool port of a node can be connected to the tools of an agent."
    if "any" in (source, target) or source in _ALSO.get(target, ()):
        return None
    way = _WAYS.get(target, "")
    return f"This output gives {NAMES[source]}, but that input takes {NAMES[target]}. {way}".strip()


def is_of_type(value: Any, wanted: str) -> bool:  # noqa: ANN401 - a JSON value
    """Whether a value is what a port of this type gives; null is of the type `any` only."""
    if wanted == "any":
        return True
    if isinstance(value, bool):
        return wanted == "boolean"
    python = _PYTHON.get(wanted)
    return python is not None and isinstance(value, python)
