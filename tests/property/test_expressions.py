"""Any text ends as a JSON value or as an ExpressionError; nothing else, and not a mutated scope."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.expressions import complete, evaluate, preview, references, render
from app.kernel.errors import ExpressionError

SCOPE = {
    "input": {"a": 1, "b": "text", "rows": [{"x": 1.5}, None]},
    "nodes": {"n": {"out": "é🎈"}},
    "vars": {},
}
WORDS = [
    *(
        "input",
        "nodes.n.out",
        "input.rows",
        "input.missing",
        "1",
        "0",
        "2.5",
        "'t'",
        '"é"',
        "true",
        "null",
        "item",
    ),
    *(
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "<",
        ">=",
        "in",
        "not",
        "and",
        "or",
        "is",
        "if",
        "else",
        ".",
        ",",
        ":",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "{{",
        "}}",
        "len(",
        "str(",
        "json(",
        "join(",
        "round(",
        "min(",
        "default(",
    ),
    *("lambda", "for", "**", "|", "!", "=", "\n", "\\", "\x00", "\ud800", "__class__"),
]
texts = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=40)


def _error_of(work, *arguments):
    try:
        json.dumps(work(*arguments), allow_nan=False, default=sorted)
    except ExpressionError as error:
        return error
    return None


@settings(max_examples=500, deadline=None)
@given(texts)
def test_an_expression_gives_json_or_an_expression_error(text):
    before = copy.deepcopy(SCOPE)
    for work in (evaluate, render):
        error = _error_of(work, text, SCOPE)
        assert error is None or error.message
    for mode in ("template", "expression", "literal"):
        preview(text, mode, SCOPE)
        error = _error_of(references, text, mode)
        assert error is None or 0 <= error.context["position"] <= len(text)
    complete(text, SCOPE)
    assert before == SCOPE
