"""Writing another path in a text: found by the parser, in whatever form it is written."""

import ast
import json
import keyword
from collections.abc import Iterator

from app.engine.expressions.evaluator import without_braces
from app.engine.expressions.fields import Mode
from app.engine.expressions.syntax import Expression, Path, chains, parse, path_of
from app.engine.expressions.template import parse_template
from app.kernel.errors import ExpressionError

Span = tuple[int, int]


def renamed(text: str, mode: Mode, old: Path, new: Path) -> str:
    """Return the text with `new` wherever its expressions read `old` or something in it.

    `nodes.a`, `nodes["a"]` and `nodes . a` are one path; plain words, texts in quotes and whatever
    is no expression stay as they are. A text that cannot be read is returned unchanged.
    """
    try:
        spans = sorted(_spans(text, mode, old), reverse=True)
    except ExpressionError:
        return text
    for start, end in spans:
        text = text[:start] + written_path(new) + text[end:]
    return text


def written_path(path: Path) -> str:
    """Write a path the way people do: with dots, and brackets for what is no name."""
    head, *rest = path
    return head + "".join(
        f".{step}"
        if step.isidentifier() and not keyword.iskeyword(step)
        else f"[{json.dumps(step)}]"
        for step in rest
    )


def _spans(text: str, mode: Mode, old: Path) -> Iterator[Span]:
    """Where the path stands in the text."""
    if mode == "literal" or (mode == "expression" and not text.strip()):
        return
    if mode == "template":
        for part in parse_template(text).expressions:
            yield from _spans_in(part.expression, part.at, old)
        return
    bare = without_braces(text)
    yield from _spans_in(parse(bare), text.find(bare), old)


def _spans_in(expression: Expression, at: int, old: Path) -> Iterator[Span]:
    skipped = at + len(expression.text) - len(expression.text.lstrip())
    source = expression.text.strip().encode()
    for chain in chains(expression.tree):
        here: ast.expr | None = chain
        while here is not None and path_of(here) != old:
            here = here.value if isinstance(here, (ast.Attribute, ast.Subscript)) else None
        if here is not None:
            start, end = here.col_offset, here.end_col_offset or here.col_offset
            yield skipped + len(source[:start].decode()), skipped + len(source[:end].decode())
