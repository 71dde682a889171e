"""Reading an expression: an allow-list over Python's expression grammar, checked before it runs."""

import ast
import keyword
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from app.engine.expressions.budget import MAX_CHARS, MAX_DEPTH
from app.engine.expressions.functions import FUNCTIONS
from app.kernel.errors import ExpressionError

CONSTANTS = {"true": True, "false": False, "null": None}
"""JSON's words, beside Python's `True`, `False` and `None`."""

_SHAPES = (
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.BoolOp, ast.UnaryOp,
    ast.BinOp, ast.Compare, ast.IfExp, ast.Call, ast.List, ast.Tuple, ast.Dict,
)  # fmt: skip
_OPERATORS = (
    ast.And, ast.Or, ast.Not, ast.UAdd, ast.USub, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
)  # fmt: skip
_PLAIN = (bool, int, float, str, type(None))
_REFUSED: dict[type[ast.AST], str] = {
    ast.BitOr: "`|` is not known here. Write `upper(x)` for a function, `or` for a choice.",
    ast.BitAnd: "`&` is not known here. Write `and`.",
    ast.Pow: "`**` is not allowed.",
    ast.FloorDiv: "`//` is not allowed. Write `int(a / b)`.",
    ast.Invert: "`~` is not known here. Write `not`.",
    ast.Lambda: "Functions of your own are not allowed in an expression.",
    ast.ListComp: "Loops are not allowed in an expression. Use a For each node.",
    ast.GeneratorExp: "Loops are not allowed in an expression. Use a For each node.",
    ast.SetComp: "Loops are not allowed in an expression. Use a For each node.",
    ast.DictComp: "Loops are not allowed in an expression. Use a For each node.",
    ast.JoinedStr: "Texts with an f before the quote are not allowed. Join texts with `+`.",
    ast.NamedExpr: "`:=` is not allowed. An expression cannot store a value.",
    ast.Starred: "`*` cannot stand before a value here.",
}
_HINTS = (
    ("!==", "Write `!=` to compare."),
    ("===", "Write `==` to compare."),
    ("&&", "Write `and` for `&&`."),
    ("||", "Write `or` for `||`."),
    ("?", "Write `a if condition else b` for a choice."),
    ("{{", "Braces are not needed inside an expression."),
    ("!", "Write `not` for `!`."),
    ("=", "Write `==` to compare."),
)

_WORD_OF_PYTHON = re.compile(rf"\.\s*({'|'.join(keyword.kwlist)})\b")

Path = tuple[str, ...]


@dataclass(frozen=True)
class Expression:
    """A checked expression. `paths` are what it reads, such as ("nodes", "classify", "label")."""

    text: str
    tree: ast.expr
    paths: frozenset[Path]


def parse(text: str) -> Expression:
    """Read one expression (no braces).

    Raises:
        ExpressionError: `context["position"]` is the offset of the fault in characters.
    """
    if len(text) > MAX_CHARS:
        raise ExpressionError(
            f"An expression may have {MAX_CHARS:,} characters; this one has {len(text):,}.",
            position=0,
        )
    return _parse(text)


@lru_cache(4_096)
def _parse(text: str) -> Expression:
    skipped = len(text) - len(text.lstrip())
    source = text.strip().translate({ord("\n"): " ", ord("\r"): " ", ord("\t"): " "})
    if not source:
        raise ExpressionError("The expression is empty.", position=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        at = min(error.offset - 1 if error.offset else len(source), len(source))
        message = _syntax_message(source, at, error.msg)
        raise ExpressionError(message, position=skipped + at) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError("The expression cannot be read.", position=skipped) from error
    _check(tree, source, skipped)
    return Expression(text, tree, frozenset(_paths(tree)))


def _syntax_message(source: str, at: int, reason: str) -> str:
    bare = _without_texts(source)
    hints = (hint for sign, hint in _HINTS if sign in bare and not _is_comparison(sign, bare))
    hint = next(hints, "")
    field = _WORD_OF_PYTHON.search(bare)
    if "never closed" in reason or "unterminated" in reason:
        hint = "A bracket or a quote is never closed."
    elif field:
        hint = f'Write `["{field[1]}"]` for a field named `{field[1]}`.'
    near = source[at : at + 20].strip()
    place = f" near `{near}`" if near else " at its end"
    return f"The expression cannot be read{place}. {hint}".rstrip()


def _is_comparison(sign: str, bare: str) -> bool:
    """Whether a lone `!` or `=` is only part of `!=`, `==`, `<=` or `>=`."""
    if sign not in ("!", "="):
        return False
    rest = bare
    for comparison in ("==", "!=", "<=", ">="):
        rest = rest.replace(comparison, "")
    return sign not in rest


def _without_texts(source: str) -> str:
    kept, quote = [], ""
    for sign in source:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            kept.append(sign)
    return "".join(kept)


def _check(tree: ast.expr, source: str, skipped: int) -> None:
    """Refuse every shape that is not on the list. Not recursive: the input may be very deep."""
    stack: list[tuple[ast.AST, int]] = [(tree, 1)]
    while stack:
        found, depth = stack.pop()
        if isinstance(found, (ast.expr_context, *_OPERATORS)):
            continue
        position = skipped + _offset(found, source)
        if depth > MAX_DEPTH:
            message = f"The expression is nested deeper than {MAX_DEPTH} levels."
            raise ExpressionError(message, position=position)
        message = _refusal(found)
        if message:
            raise ExpressionError(message, position=position)
        stack.extend((child, depth + 1) for child in _children(found))


def _offset(found: ast.AST, source: str) -> int:
    """Characters before a node; Python counts bytes."""
    column = getattr(found, "col_offset", 0)
    return len(source.encode("utf-8", "replace")[:column].decode("utf-8", "replace"))


def _children(found: ast.AST) -> Iterator[ast.AST]:
    if isinstance(found, ast.Call):
        return iter(found.args)
    return ast.iter_child_nodes(found)


def _refusal(found: ast.AST) -> str:
    if type(found) in _REFUSED:
        return _REFUSED[type(found)]
    if isinstance(found, ast.BinOp) and not isinstance(found.op, _OPERATORS):
        return _REFUSED.get(type(found.op), "This operator is not allowed.")
    if isinstance(found, ast.UnaryOp) and not isinstance(found.op, _OPERATORS):
        return _REFUSED.get(type(found.op), "This operator is not allowed.")
    if not isinstance(found, _SHAPES):
        return "This is not allowed in an expression."
    if isinstance(found, ast.Constant) and not isinstance(found.value, _PLAIN):
        return "Only texts, numbers, true, false and null can be written here."
    if isinstance(found, ast.Subscript) and isinstance(found.slice, ast.Tuple):
        return "Pick one field or item at a time: `x[0]`."
    if isinstance(found, ast.Dict) and None in found.keys:
        return "`**` is not allowed."
    if isinstance(found, ast.Slice) and found.step is not None:
        return "Write a slice as `x[from:to]`."
    return _refused_call(found) if isinstance(found, ast.Call) else ""


def _refused_call(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        name = call.func.attr
        known = name in FUNCTIONS
        instead = f"Write `{name}(…)` around the value" if known else "Use one of the functions"
        return f"A value has no `.{name}()`. {instead} instead."
    if not isinstance(call.func, ast.Name):
        return "Only the named functions can be called."
    function = FUNCTIONS.get(call.func.id)
    if function is None:
        return f"There is no function `{call.func.id}`. There are: {', '.join(FUNCTIONS)}."
    if call.keywords:
        return f"`{function.name}` takes plain values: `{function.signature}`."
    if not function.least <= len(call.args) <= function.most:
        return f"`{function.name}` is written as `{function.signature}`."
    return ""


def path_of(found: ast.AST) -> Path | None:
    """The path of a chain such as `nodes.x["label"]`; None for anything else."""
    steps: list[str] = []
    while True:
        if isinstance(found, ast.Name):
            return (found.id, *reversed(steps)) if found.id not in CONSTANTS else None
        if isinstance(found, ast.Attribute):
            steps.append(found.attr)
            found = found.value
        elif isinstance(found, ast.Subscript) and isinstance(found.slice, ast.Constant):
            steps.append(str(found.slice.value))
            found = found.value
        else:
            return None


def chains(tree: ast.expr) -> Iterator[ast.expr]:
    """The parts of an expression that read a path, each as a whole."""
    stack: list[ast.AST] = [tree]
    while stack:
        found = stack.pop()
        if isinstance(found, ast.expr) and path_of(found):
            yield found
        else:
            stack.extend(_children(found))


def _paths(tree: ast.expr) -> Iterator[Path]:
    return (path for chain in chains(tree) if (path := path_of(chain)))
