"""The functions of expressions. Each is pure and pays the budget for what it touches and builds."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.engine.expressions.budget import Budget
from app.engine.sdk.text import as_text
from app.kernel import jsons
from app.kernel.errors import ExpressionError

Json = Any  # a JSON value
_DIGITS = re.compile(r"[+-]?[0-9]{1,300}")
_NO = frozenset({"", "false", "no", "off", "0", "null", "none"})


class WrongArgument(Exception):
    """An argument a function cannot take; `index` counts from 0."""

    def __init__(self, index: int, needs: str) -> None:
        super().__init__(needs)
        self.index = index
        self.needs = needs


@dataclass(frozen=True)
class Function:
    """A function of the language: how it is written, what it does, how many values it takes."""

    name: str
    signature: str
    summary: str
    run: Callable[..., Json]
    least: int
    most: int


_Run = Callable[..., Json]

FUNCTIONS: dict[str, Function] = {}


def _function(signature: str, least: int, most: int) -> Callable[[_Run], _Run]:
    def register(run: _Run) -> _Run:
        name = signature.partition("(")[0]
        summary = (run.__doc__ or "").partition("\n")[0]
        FUNCTIONS[name] = Function(name, signature, summary, run, least, most)
        return run

    return register


def written(value: Json, budget: Budget) -> str:
    """Write a value as text, paying for it; null is the empty text."""
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list, tuple)):
        budget.build(budget.weigh(value))
    text = as_text(value)
    budget.build(len(text))
    return text


def _text(values: tuple[Json, ...], index: int, budget: Budget) -> str:
    value = values[index]
    if isinstance(value, (bool, int, float)):
        return as_text(value)
    if not isinstance(value, str):
        raise WrongArgument(index, "a text")
    budget.read(value)
    return value


def _list(values: tuple[Json, ...], index: int, budget: Budget) -> list[Json]:
    value = values[index]
    if not isinstance(value, (list, tuple)):
        raise WrongArgument(index, "a list")
    budget.count(len(value))
    return list(value)


def is_number(value: Json) -> bool:
    """Whether a value is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(values: tuple[Json, ...], index: int) -> int:
    value = values[index]
    if not is_number(value) or int(value) != value:
        raise WrongArgument(index, "a whole number")
    return int(value)


@_function("len(value)", 1, 1)
def _len(budget: Budget, *values: Json) -> int:
    """Number of letters of a text, items of a list or fields of an object."""
    if not isinstance(values[0], (str, list, tuple, dict)):
        raise WrongArgument(0, "a text, a list or an object")
    return len(values[0])


@_function("str(value)", 1, 1)
def _str(budget: Budget, *values: Json) -> str:
    """The value as text."""
    return written(values[0], budget)


@_function("int(value)", 1, 1)
def _int(budget: Budget, *values: Json) -> int:
    """A whole number from a text or number; decimals are cut off."""
    value = values[0]
    if isinstance(value, int):
        return int(value)
    digits = _text(values, 0, budget).strip() if isinstance(value, str) else ""
    if _DIGITS.fullmatch(digits):  # not by way of a float, which rounds from 2^53 on
        return int(digits)
    return int(_float(budget, *values))


@_function("float(value)", 1, 1)
def _float(budget: Budget, *values: Json) -> int | float:
    """A number from a text such as "0.8"."""
    value = values[0]
    if isinstance(value, (bool, int, float)):
        return float(value)
    text = _text(values, 0, budget).strip()
    try:
        number = float(text)
    except ValueError as error:
        raise ExpressionError(f"The text '{text[:60]}' is not a number.") from error
    return number


@_function("bool(value)", 1, 1)
def _bool(budget: Budget, *values: Json) -> bool:
    """True or false; the texts "false", "no", "off", "0" and the empty text are false."""
    value = values[0]
    if isinstance(value, str) and len(value) < 20:
        return value.strip().lower() not in _NO
    return bool(value)


@_function("lower(text)", 1, 1)
def _lower(budget: Budget, *values: Json) -> str:
    """The text in small letters."""
    return _text(values, 0, budget).lower()


@_function("upper(text)", 1, 1)
def _upper(budget: Budget, *values: Json) -> str:
    """The text in capital letters."""
    return _text(values, 0, budget).upper()


@_function("trim(text)", 1, 1)
def _trim(budget: Budget, *values: Json) -> str:
    """The text without blanks and line ends around it."""
    return _text(values, 0, budget).strip()


@_function("replace(text, old, new)", 3, 3)
def _replace(budget: Budget, *values: Json) -> str:
    """The text with each `old` replaced by `new`."""
    text, old, new = (_text(values, index, budget) for index in range(3))
    if not old:
        raise WrongArgument(1, "a text that is not empty")
    budget.build(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


@_function("contains(value, part)", 2, 2)
def _contains(budget: Budget, *values: Json) -> bool:
    """Whether a text has a part, a list an item, or an object a field."""
    container, part = values
    if isinstance(container, (list, tuple)):
        budget.weigh(container)
        budget.weigh(part)
        return part in container
    if isinstance(container, dict):
        return isinstance(part, str) and part in container
    return _text(values, 1, budget) in _text(values, 0, budget)


@_function("starts_with(text, part)", 2, 2)
def _starts_with(budget: Budget, *values: Json) -> bool:
    """Whether the text begins with the part."""
    return _text(values, 0, budget).startswith(_text(values, 1, budget))


@_function("ends_with(text, part)", 2, 2)
def _ends_with(budget: Budget, *values: Json) -> bool:
    """Whether the text ends with the part."""
    return _text(values, 0, budget).endswith(_text(values, 1, budget))


@_function("split(text, by)", 1, 2)
def _split(budget: Budget, *values: Json) -> list[str]:
    """The pieces of a text, cut at `by`; without it at line ends."""
    text = _text(values, 0, budget)
    by = _text(values, 1, budget) if len(values) > 1 else "\n"
    if not by:
        raise WrongArgument(1, "a text that is not empty")
    budget.count(text.count(by))
    return text.split(by)


@_function("join(list, with)", 1, 2)
def _join(budget: Budget, *values: Json) -> str:
    """The items of a list as one text, with `with` between them; without it a comma."""
    between = _text(values, 1, budget) if len(values) > 1 else ", "
    items = [written(item, budget) for item in _list(values, 0, budget)]
    budget.build(sum(map(len, items)) + len(between) * max(len(items) - 1, 0))
    return between.join(items)


@_function("round(number, digits)", 1, 2)
def _round(budget: Budget, *values: Json) -> int | float:
    """The number rounded; without digits to a whole number."""
    if not is_number(values[0]):
        raise WrongArgument(0, "a number")
    digits = _whole(values, 1) if len(values) > 1 else 0
    if abs(digits) > 15:
        raise WrongArgument(1, "a number of digits from -15 to 15")
    rounded: int | float = round(values[0], digits)
    return rounded if digits > 0 else int(rounded)


@_function("min(list)", 1, 50)
def _min(budget: Budget, *values: Json) -> Json:
    """The smallest of a list or of several values."""
    return min(_comparable(values, budget), default=None)


@_function("max(list)", 1, 50)
def _max(budget: Budget, *values: Json) -> Json:
    """The largest of a list or of several values."""
    return max(_comparable(values, budget), default=None)


@_function("sum(list)", 1, 1)
def _sum(budget: Budget, *values: Json) -> int | float:
    """All numbers of a list added up."""
    items = _list(values, 0, budget)
    if not all(is_number(item) for item in items):
        raise WrongArgument(0, "a list of numbers")
    return sum(items)


def _comparable(values: tuple[Json, ...], budget: Budget) -> list[Json]:
    items = _list(values, 0, budget) if len(values) == 1 else list(values)
    if all(is_number(item) for item in items):
        return items
    for index, item in enumerate(items):
        if not isinstance(item, str):
            raise WrongArgument(0 if len(values) == 1 else index, "numbers only, or texts only")
        budget.read(item)
    return items


@_function("default(value, otherwise)", 2, 2)
def _default(budget: Budget, *values: Json) -> Json:
    """The value, or `otherwise` when it is missing or an empty text."""
    return values[1] if values[0] is None or values[0] == "" else values[0]


@_function("json(value)", 1, 1)
def _json(budget: Budget, *values: Json) -> str:
    """The value written as JSON."""
    budget.build(budget.weigh(values[0]))
    text = json.dumps(values[0], ensure_ascii=False)
    budget.build(len(text))
    return text


@_function("parse_json(text)", 1, 1)
def _parse_json(budget: Budget, *values: Json) -> Json:
    """The value that a JSON text describes."""
    text = _text(values, 0, budget)
    budget.build(len(text))
    budget.spend(len(text) >> 7)
    try:
        return jsons.read(text)
    except jsons.NotJson as error:
        raise ExpressionError(f"The text '{text[:60]}' is not JSON: {error}.") from error


@_function("first(list)", 1, 1)
def _first(budget: Budget, *values: Json) -> Json:
    """The first item of a list or letter of a text; null when it is empty."""
    return _at(values, 0)


@_function("last(list)", 1, 1)
def _last(budget: Budget, *values: Json) -> Json:
    """The last item of a list or letter of a text; null when it is empty."""
    return _at(values, -1)


def _at(values: tuple[Json, ...], index: int) -> Json:
    if values[0] is None:
        return None
    if not isinstance(values[0], (str, list, tuple)):
        raise WrongArgument(0, "a list or a text")
    return values[0][index] if values[0] else None


@_function("keys(object)", 1, 1)
def _keys(budget: Budget, *values: Json) -> list[str]:
    """The names of an object's fields."""
    if not isinstance(values[0], dict):
        raise WrongArgument(0, "an object")
    budget.count(len(values[0]))
    return list(values[0])


@_function("values(object)", 1, 1)
def _values(budget: Budget, *values: Json) -> list[Json]:
    """The values of an object's fields."""
    if not isinstance(values[0], dict):
        raise WrongArgument(0, "an object")
    budget.count(len(values[0]))
    return list(values[0].values())
