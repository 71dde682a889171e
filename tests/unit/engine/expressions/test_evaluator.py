import copy

import pytest

from app.engine.expressions import evaluate, render
from app.kernel.errors import ExpressionError

SCOPE = {
    "input": {
        "text": "Hello",
        "n": 3,
        "rows": [{"id": 1}, {"id": 2}],
        "first-name": "Ada",
        "none": None,
    },
    "nodes": {"classify": {"label": "billing", "score": 0.8}},
    "context": {"last_output": {"score": 0.8, "label": "billing"}},
    "vars": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("context.last_output.score > 0.7 and context.last_output.label == 'billing'", True),
        ("nodes.classify.label", "billing"),
        ('nodes["classify"]["label"]', "billing"),
        ('input["first-name"]', "Ada"),
        ("input.rows[1].id", 2),
        ("input.rows[-1].id", 2),
        ("input.rows[9].id", None),
        ("input.missing.deeper.still", None),
        ("nodes.other.text", None),
        ("input.text[0:2]", "He"),
        ("1 + 2 * 3", 7),
        ("7 % 4", 3),
        ("6 / 4", 1.5),
        ("-input.n", -3),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("{'a': input.n}", {"a": 3}),
        ("(1, 2)", [1, 2]),
        ("'yes' if input.n > 2 else 'no'", "yes"),
        ("not input.missing", True),
        ("input.none is null", True),
        ("input.text is not None", True),
        ("true and not false", True),
        ("input.none or 'other'", "other"),
        ("1 < input.n <= 3", True),
        ("'ell' in input.text", True),
        ("2 not in [1, 3]", True),
        ("'n' in input", True),
        ("input.n\n  + 1", 4),
        ("  input.n", 3),
        ("len(input.rows)", 2),
        ("len('äöü')", 3),
        ("str(3.0)", "3"),
        ("str(null)", ""),
        ("str(true)", "true"),
        ("int('12')", 12),
        ("int('3.9')", 3),
        ("int(12345678901234567890123)", 12345678901234567890123),
        ("float(' 0.5 ')", 0.5),
        ("bool('false')", False),
        ("bool('yes')", True),
        ("bool([])", False),
        ("lower('AbC') + upper('d')", "abcD"),
        ("trim(' a\\n')", "a"),
        ("replace('a-b-c', '-', '+')", "a+b+c"),
        ("contains('abc', 'b')", True),
        ("contains([1, 2], 2)", True),
        ("contains(404, '4')", True),
        ("starts_with('abc', 'ab') and ends_with('abc', 'c')", True),
        ("split('a,b', ',')", ["a", "b"]),
        ("split('a\\nb')", ["a", "b"]),
        ("join(['a', 1, null])", "a, 1, "),
        ("round(2.567, 1)", 2.6),
        ("round(2.4)", 2),
        ("min(3, 1, 2)", 1),
        ("max([3, 1])", 3),
        ("max([])", None),
        ("sum([1, 2.5])", 3.5),
        ("default(input.missing, 'x')", "x"),
        ("default('', 'x')", "x"),
        ("default(0, 'x')", 0),
        ("json({'a': [1]})", '{"a": [1]}'),
        ("parse_json('{\"a\": 1}').a", 1),
        ("first(input.rows).id + last(input.rows).id", 3),
        ("first(input.missing)", None),
        ("keys(input.rows[0])", ["id"]),
        ("values(input.rows[0])", [1]),
        ("{{ input.n }}", 3),
    ],
)
def test_an_expression_has_this_value(text, value):
    assert evaluate(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("nodes.classify.missing < 1", "nodes.classify.missing", "empty (null)"),
        ("1 >= input.none", "input.none", "empty (null)"),
        ("input.text > 3", "input.text", "float(…)"),
        ("input.n + input.text", "input.n + input.text", "str(…)"),
        ("input.none + 1", "input.none", "needs a value"),
        ("input.text * 3", "input.text", "needs a number"),
        ("'%s' % input.n", "'%s'", "needs a number"),
        ("-input.text", "input.text", "needs a number"),
        ("input.rows.id", "input.rows", "a list"),
        ("input.rows.length", "input.rows", "len(…)"),
        ("input.text.label", "input.text", "a text"),
        ("input.rows[true]", "input.rows", "cannot pick"),
        ("input.n[0:1]", "input.n", "only texts and lists"),
        ("3 in input.none", "input.none", "needs a text, a list or an object"),
        ("1 / (input.n - 3)", "input.n - 3", "is 0"),
        ("lower(input.none)", "input.none", "`lower` needs a text"),
        ("replace('a', '', 'b')", "''", "not empty"),
        ("len(input.none)", "input.none", "empty (null)"),
        ("sum(['a'])", "['a']", "numbers"),
        ("min(1, 'a')", "1", "only"),
        ("round(1.5, 99)", "99", "digits"),
        ("int('abc')", "'abc'", "not a number"),
        ("parse_json('{')", "'{'", "not JSON"),
        ("keys([1])", "[1]", "an object"),
        ("whatever.x", "whatever", "Known: context, input, nodes, vars"),
        ("item", "item", "There is no `item`"),
    ],
)
def test_an_error_names_the_path(text, path, words):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, SCOPE)
    assert caught.value.context["path"] == path
    assert words in caught.value.message


def test_a_value_is_a_copy():
    scope = copy.deepcopy(SCOPE)
    evaluate("input.rows", scope)[0]["id"] = 99
    assert scope == SCOPE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ input.n }}", 3),
        (" {{ input.rows }}\n", [{"id": 1}, {"id": 2}]),
        ("n={{ input.n }}!", "n=3!"),
        ("{{ input.n }}{{ input.n }}", "33"),
        ("a {{ input.none }} b", "a  b"),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{ {'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("{{ '}}' }}", "}}"),
        ('write {{ "{{" }}x}}', "write {{x}}"),
        ("list: {{ input.rows }}", 'list: [{"id": 1}, {"id": 2}]'),
        ("{ not } one", "{ not } one"),
    ],
)
def test_a_template_keeps_the_type_only_when_it_is_one_expression(text, value):
    assert render(text, SCOPE) == value


def test_the_position_of_an_error_counts_in_the_whole_text():
    text = "Hällo {{ input.n }} and {{ input.n + }}"
    with pytest.raises(ExpressionError) as caught:
        render(text, SCOPE)
    assert caught.value.context["position"] > text.index("+")
