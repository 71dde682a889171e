"""Help while typing an expression: what may come next, and what it gives now."""

import keyword
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.engine.expressions.budget import MAX_OUTPUT
from app.engine.expressions.evaluator import Scope, evaluate, type_name
from app.engine.expressions.fields import Mode, check
from app.engine.expressions.functions import FUNCTIONS
from app.engine.expressions.template import render
from app.engine.sdk.text import as_text
from app.kernel.errors import ExpressionError
from app.kernel.jsons import json_of, weighs_more

_SHOWN = 2_000
_MOST = 50
_CHAIN = re.compile(r"""([A-Za-z_]\w*(?:\.\w+|\[\d+\]|\["[^"\]]*"\]|\['[^'\]]*'\])*)?(\.?)(\w*)$""")
_STEP = re.compile(r"""\.(\w+)|\[(\d+)\]|\["([^"\]]*)"\]|\['([^'\]]*)'\]""")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Suggestion(_Value):
    """What may come next.

    Args:
        label: What the list shows.
        insert: What takes the place of the last `replace` characters before the cursor.
        detail: Type and value, or what a function does.
    """

    label: str
    insert: str
    replace: int
    kind: Literal["name", "field", "function"]
    detail: str = ""


class Preview(_Value):
    """What a text gives in a scope: its value, or a sentence why not and where."""

    ok: bool
    value: Any = None
    text: str = ""
    type: str = ""
    message: str = ""
    position: int | None = None
    path: str = ""


class FunctionHelp(_Value):
    """A function as the editor lists it."""

    name: str
    signature: str
    summary: str


def functions() -> list[FunctionHelp]:
    """List all functions of the language."""
    return [
        FunctionHelp(name=f.name, signature=f.signature, summary=f.summary)
        for f in FUNCTIONS.values()
    ]


def complete(prefix: str, scope: Scope) -> list[Suggestion]:
    """List what may stand at the end of `prefix`, the text left of the cursor; at most 50."""
    _, _, inside = prefix.rpartition("{{")
    found = _CHAIN.search(inside)
    if found is None or _in_quotes(inside):
        return []
    chain, dot, word = found[1] or "", found[2], found[3]
    if dot and not chain:
        return []
    if not dot:
        chain, word = _cut(chain + word)
    if not chain:
        return _names(word, scope)
    value = _follow(chain, scope)
    if not isinstance(value, dict):
        return []
    keys = [key for key in value if isinstance(key, str) and key.lower().startswith(word.lower())]
    return [_field(key, value[key], len(word)) for key in keys[:_MOST]]


def _cut(typed: str) -> tuple[str, str]:
    """Split `nodes.cla` into the chain and the word that is being typed."""
    head, dot, word = typed.rpartition(".")
    if not dot or not (word.isidentifier() or not word):
        return "", typed if typed.isidentifier() or not typed else ""
    return head, word


def _in_quotes(text: str) -> bool:
    quote = ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
    return bool(quote)


def _names(word: str, scope: Scope) -> list[Suggestion]:
    low = word.lower()
    names = [
        Suggestion(
            label=name, insert=name, replace=len(word), kind="name", detail=_detail(scope[name])
        )
        for name in scope
        if name.lower().startswith(low)
    ]
    calls = [
        Suggestion(
            label=f.signature,
            insert=f"{f.name}(",
            replace=len(word),
            kind="function",
            detail=f.summary,
        )
        for f in FUNCTIONS.values()
        if f.name.startswith(low)
    ]
    return [*names, *calls][:_MOST]


def _field(key: str, value: Any, typed: int) -> Suggestion:  # noqa: ANN401 - any JSON value
    plain = key.isidentifier() and not keyword.iskeyword(key)
    insert, replace = (key, typed) if plain else (f'["{key}"]', typed + 1)
    return Suggestion(
        label=key, insert=insert, replace=replace, kind="field", detail=_detail(value)
    )


def _detail(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, (dict, list)):
        return f"{type_name(value)} ({len(value)})"
    return f"{type_name(value)}: {as_text(value)[:80]}" if value is not None else type_name(value)


def _follow(chain: str, scope: Scope) -> Any:  # noqa: ANN401 - any JSON value
    root = re.match(r"\w+", chain)
    value = scope.get(root[0]) if root else None
    for step in _STEP.finditer(chain):
        key = next(group for group in step.groups() if group is not None)
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The beginning of a value as text; a large one is written without blanks, which is quick."""
    if weighs_more(value, MAX_OUTPUT):
        return json_of(value)[: 4 * _SHOWN].decode("utf-8", "ignore")[:_SHOWN]
    return as_text(value)[:_SHOWN]


def preview(text: str, mode: Mode, scope: Scope) -> Preview:
    """Evaluate a text for the editor. Never raises; texts are cut at 2,000 characters."""
    try:
        check(text, mode)
        value: Any = text
        if mode == "template":
            value = render(text, scope)
        elif mode == "expression" and text.strip():
            value = evaluate(text, scope)
    except ExpressionError as error:
        return Preview(
            ok=False, message=error.message,
            position=error.context.get("position"), path=error.context.get("path", ""),
        )  # fmt: skip
    shown = _shown(value)
    small = not isinstance(value, (dict, list, str)) or len(shown) < _SHOWN
    return Preview(ok=True, value=value if small else None, text=shown, type=type_name(value))
