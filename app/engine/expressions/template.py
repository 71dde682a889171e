"""Texts with `{{ expression }}` in them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.engine.expressions.budget import MAX_CHARS, MAX_OUTPUT, Budget
from app.engine.expressions.evaluator import Scope, evaluate_parsed
from app.engine.expressions.functions import written
from app.engine.expressions.syntax import Expression, parse
from app.kernel.errors import ExpressionError

_CACHED_CHARS = 20_000


@dataclass(frozen=True)
class Part:
    """An expression inside a text; `at` is the offset of its first character after the braces."""

    expression: Expression
    at: int


@dataclass(frozen=True)
class Template:
    """A text cut into plain pieces and expressions.

    Args:
        whole: The only expression when the text holds nothing else; then its value keeps its type.
    """

    text: str
    parts: tuple[str | Part, ...]
    whole: Part | None

    @property
    def expressions(self) -> tuple[Part, ...]:
        """The expressions in order."""
        return tuple(part for part in self.parts if isinstance(part, Part))


def is_dynamic(text: str) -> bool:
    """Whether a text holds an expression."""
    return "{{" in text


def parse_template(text: str) -> Template:
    """Cut a text into plain pieces and expressions. Write `{{ "{{" }}` for two braces.

    Raises:
        ExpressionError: Braces are not closed, or an expression cannot be read.
    """
    return _cached(text) if len(text) <= _CACHED_CHARS else _parsed(text)


def _parsed(text: str) -> Template:
    parts: list[str | Part] = []
    here = 0
    while (start := text.find("{{", here)) >= 0:
        end = _closing(text, start + 2)
        if start > here:
            parts.append(text[here:start])
        try:
            parts.append(Part(parse(text[start + 2 : end]), start + 2))
        except ExpressionError as error:
            raise placed(error, start + 2) from error
        here = end + 2
    if here < len(text):
        parts.append(text[here:])
    own = [part for part in parts if not (isinstance(part, str) and not part.strip())]
    whole = own[0] if len(own) == 1 and isinstance(own[0], Part) else None
    return Template(text, tuple(parts), whole)


_cached = lru_cache(2_048)(_parsed)


def placed(error: ExpressionError, offset: int) -> ExpressionError:
    """Return the error with its position moved from the expression into the text around it."""
    position = error.context.get("position", 0) + offset
    return ExpressionError(error.message, **{**error.context, "position": position})


def _closing(text: str, start: int) -> int:
    """Offset of the `}}` that ends an expression; braces in quotes and of objects do not count."""
    depth, quote, at = 0, "", start
    limit = min(len(text), start + MAX_CHARS + 2)
    while at < limit:
        sign = text[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            if depth == 0 and text.startswith("}}", at):
                return at
            depth -= depth > 0
        at += 1
    plain = text.find("}}", start)
    if plain < 0:
        raise ExpressionError(
            'A `{{` is never closed. Add `}}`, or write `{{ "{{" }}` for the braces themselves.',
            position=start - 2,
        )
    return plain


def render(text: str, scope: Scope) -> Any:  # noqa: ANN401 - any JSON value
    """Fill a template. A text that is one expression gives the value itself, anything else a text.

    Raises:
        ExpressionError: An expression fails; `context` has `path` and `position`.
    """
    template = parse_template(text)
    budget = Budget()
    if template.whole:
        return _value(template.whole, scope, budget)
    pieces: list[str] = []
    size = 0
    for part in template.parts:
        piece = part if isinstance(part, str) else written(_value(part, scope, budget), budget)
        size += len(piece)
        if size > MAX_OUTPUT and isinstance(part, Part):
            message = (
                f"The text would have more than {MAX_OUTPUT:,} characters, the most that may be "
                "written with values in it (docs/limits.md)."
            )
            raise ExpressionError(message, position=part.at)
        pieces.append(piece)
    return "".join(pieces)


def _value(part: Part, scope: Scope, budget: Budget) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return evaluate_parsed(part.expression, scope, budget)
    except ExpressionError as error:
        raise placed(error, part.at) from error
