"""Limits of one evaluation: by these, hostile input costs little time and memory."""

from typing import Any

from app.kernel import jsons
from app.kernel.errors import ExpressionError

MAX_CHARS = 2_000
MAX_STEPS = 10_000
MAX_DEPTH = 50
MAX_OUTPUT = 1 << 20
MAX_CONFIG = 10 << 20
MAX_VALUE_DEPTH = jsons.MAX_DEPTH

_KIB = 10
_SIXTEEN = 4
_INSTEAD = (
    "Hand it on whole with a plain reference such as `{{ nodes.rows.result }}`, or work on it in a "
    "Python node (docs/limits.md)."
)


class Budget:
    """What one text may still spend: a step per operation, per KiB of text, per 16 items."""

    __slots__ = ("steps",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.steps = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps away.

        Raises:
            ExpressionError: Nothing is left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise ExpressionError(
                f"This does too much work: more than {MAX_STEPS:,} steps. Use a Python node "
                "(docs/limits.md)."
            )

    def read(self, text: str) -> None:
        """Pay for going through a text once."""
        self.spend(1 + (len(text) >> _KIB))

    def build(self, length: int) -> None:
        """Pay for a new text of this many characters.

        Raises:
            ExpressionError: It would be larger than 1 MiB.
        """
        if length > MAX_OUTPUT:
            raise ExpressionError(
                f"The result would have {length:,} characters; an expression may make "
                f"{MAX_OUTPUT:,} (docs/limits.md)."
            )
        self.spend(1 + (length >> _KIB))

    def count(self, items: int) -> None:
        """Pay for going through this many items."""
        self.spend(1 + (items >> _SIXTEEN))

    def weigh(self, value: Any) -> int:  # noqa: ANN401 - any JSON value
        """Pay for going through all of a value and return its size in characters, roughly.

        Raises:
            ExpressionError: It is no JSON value, nested deeper than 100 levels, or too large to be
                gone through.
        """
        size, layer, level = 0, [value], 0
        while layer:
            level += 1
            if level > MAX_VALUE_DEPTH:
                raise ExpressionError(f"The value is nested deeper than {MAX_VALUE_DEPTH} levels.")
            if len(layer) >> _SIXTEEN > self.steps:
                raise too_large("The value")
            self.count(len(layer))
            below: list[Any] = []
            for item in layer:
                size += _own_size(item, below)
            self.spend(size >> 14)
            layer = below
        return size


def _own_size(item: Any, below: list[Any]) -> int:  # noqa: ANN401 - any JSON value
    if isinstance(item, str):
        return len(item) + 2
    if isinstance(item, dict):
        below.extend(item.values())
        return 2 + sum(len(key) + 4 for key in item if isinstance(key, str))
    if isinstance(item, (list, tuple)):
        below.extend(item)
        return 2 + 2 * len(item)
    if item is None or isinstance(item, (bool, int, float)):
        return 4
    raise ExpressionError(f"A {type(item).__name__} cannot be used in an expression.")


def too_large(what: str, **context: Any) -> ExpressionError:  # noqa: ANN401 - facts, as JSON
    """The error of a value that an expression may hand on, but not work on."""
    return ExpressionError(
        f"{what} is too large to be worked on in an expression, which may make and look through "
        f"about 1 MiB. {_INSTEAD}",
        **context,
    )


def copied(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Copy a JSON value that was weighed, so that nobody changes a step's output."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [copied(item) for item in value]
    return value
