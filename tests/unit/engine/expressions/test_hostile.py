import time

import pytest

from app.engine.expressions import Form, evaluate, render
from app.kernel.errors import ExpressionError

BIG = "x" * 900_000
ROWS = list(range(150_000))


class Planted:
    """An object of ours that must never be reached."""

    secret = "leaked"

    def __eq__(self, other):
        raise AssertionError("compared")

    def __hash__(self):
        return 1


SCOPE = {
    "big": BIG,
    "rows": ROWS,
    "obj": Planted(),
    "input": {"a": "b", "inner": Planted()},
    "n": 10**300,
}


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__[0].__subclasses__()",
        "obj",
        "obj.secret",
        "input.inner",
        "input.inner.secret",
        "[obj]",
        "obj == obj and [obj] == [obj]",
        "contains([1], obj)",
        "str(obj)",
        "json(input)",
        "__import__('os')",
        "eval('1')",
        "getattr(input, 'a')",
        "globals",
        "'a' * 500000000",
        "'%2000000000d' % 1",
        "'a'.ljust(2000000000)",
        "9 ** 9 ** 9",
        "round(1, -1000000000)",
        "1e999",
        "1e308 * 10",
        "n * n * n * n * n",
        "int('9' + '9')" + " * n" * 40,
        "9" * 1_999,
        "int('" + "9" * 1_900 + "')",
        "float('inf')",
        "float('nan')",
        "(" * 500 + ")" * 500,
        "-" * 1_990 + "1",
        "not " * 490 + "1",
        "+".join(["1"] * 60),
        "[" * 60 + "]" * 60,
        "a" * 2_001,
        "\x00",
        "'\ud800' + \x00",
        "parse_json('" + "[" * 1_900 + "')",
        "+".join(["big"] * 3),
        "join([big, big])",
        "[big, big]",
        "json([big, big])",
        "replace(big, 'x', big)",
        "replace(big, 'x', 'yyyy')",
        "[rows, rows, rows, rows]",
        "len(split(big, 'x')) == len(split(big, 'x'))",
        " or ".join(["contains(big, 'y')"] * 80),
        " or ".join(["lower(big) == upper(big)"] * 60),
        " and ".join(["rows == rows"] * 40),
        "sum([" + ",".join(["len(str(rows))"] * 40) + "])",
        " or ".join(["999999 in rows"] * 40),
        "deep == deep2",
        "str(deep)",
    ],
)
def test_hostile_input_is_refused_quickly(text):
    scope = {**SCOPE, "deep": deep(5_000), "deep2": deep(5_000)}
    started = time.perf_counter()
    with pytest.raises(ExpressionError):
        evaluate(text, scope)
    assert time.perf_counter() - started < 1


def test_a_template_may_not_grow_without_bound():
    with pytest.raises(ExpressionError):
        render("{{ big }}" * 3 + "!", SCOPE)
    with pytest.raises(ExpressionError):
        render("{{ 1 + 1 }}" * 20_000, SCOPE)


def test_a_configuration_may_not_grow_without_bound():
    config = {"items": ["{{ big }}"] * 50}
    with pytest.raises(ExpressionError) as caught:
        Form(config, {}).resolve(SCOPE)
    assert caught.value.context["field"].startswith("items.")


@pytest.mark.parametrize("text", ["{{" * 5_000, "{{ ' " * 5_000, "{{ ' }}" * 5_001, "{{ {" * 5_000])
def test_broken_braces_are_found_quickly(text):
    started = time.perf_counter()
    with pytest.raises(ExpressionError):
        render(text, {})
    assert time.perf_counter() - started < 1


def test_dunder_names_are_only_missing_fields():
    assert evaluate("input.__class__.__mro__", {"input": {}}) is None


def test_a_large_legal_value_passes():
    assert evaluate("big", SCOPE) == BIG
    assert evaluate("len(rows)", SCOPE) == 150_000
