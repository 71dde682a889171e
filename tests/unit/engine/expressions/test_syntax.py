import pytest

from app.engine.expressions import check, parse_template, references
from app.kernel.errors import ExpressionError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("input.a && input.b", "`and`"),
        ("input.a || input.b", "`or`"),
        ("input.a === 1", "`==`"),
        ("input.a = 1", "`==`"),
        ("!input.a", "`not`"),
        ("input.a ? 1 : 2", "if condition else"),
        ("input.name | upper", "`upper(x)`"),
        ("input.name.upper()", "`upper(…)`"),
        ("input.name.format()", "no `.format()`"),
        ("trigger.from", '`["from"]`'),
        ("uper(input)", "There is no function `uper`"),
        ("lower()", "lower(text)"),
        ("lower(text=1)", "lower(text)"),
        ("lower(*input)", "cannot stand"),
        ("2 ** 8", "`**`"),
        ("7 // 2", "`//`"),
        ("~1", "`~`"),
        ("f'{input}'", "f before"),
        ("(a := 1)", "cannot store"),
        ("[x for x in input]", "For each"),
        ("lambda: 1", "not allowed"),
        ("{1, 2}", "not allowed"),
        ("{**input}", "`**`"),
        ("input[1:2:3]", "slice"),
        ("input[1, 2]", "at a time"),
        ("input[1:2, 3]", "at a time"),
        ("b'x'", "Only texts"),
        ("1j", "Only texts"),
        ("...", "Only texts"),
        ("input.a +", "at its end"),
        ("", "empty"),
        ("await input", "not allowed"),
        ("(yield)", "not allowed"),
    ],
)
def test_a_refusal_says_what_to_write_instead(text, words):
    with pytest.raises(ExpressionError) as caught:
        check("{{" + text + "}}")
    assert words in caught.value.message
    assert caught.value.context["position"] >= 2


@pytest.mark.parametrize(
    ("text", "position"),
    [("Dear {{ input.name.upper() }}", 8), ("ä {{ 'ö' + (lambda: 1) }}", 12), ("a {{ b", 2)],
)
def test_a_fault_has_its_place(text, position):
    with pytest.raises(ExpressionError) as caught:
        check(text)
    assert caught.value.context["position"] == position


def test_expression_mode_is_checked_without_braces():
    check("input.a > 1", "expression")
    check("", "expression")
    with pytest.raises(ExpressionError) as caught:
        check("{{ input.a > }}", "expression")
    assert caught.value.context["position"] >= 11
    check("{{ not read", "literal")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{{ nodes.a.text }} and {{ input }}", {("nodes", "a", "text"), ("input",)}),
        ("{{ nodes['a'].rows[0].id }}", {("nodes", "a", "rows", "0", "id")}),
        ("{{ nodes.a.rows[index].id }}", {("nodes", "a", "rows"), ("index",)}),
        ("{{ default(args.q, vars.q) if true else null }}", {("args", "q"), ("vars", "q")}),
        ("{{ first(nodes.a.rows).id }}", {("nodes", "a", "rows")}),
        ("{{ input[nodes.a.from_:2] }}", {("input",), ("nodes", "a", "from_")}),
        ("plain", set()),
    ],
)
def test_references_are_the_longest_known_paths(text, paths):
    assert references(text) == paths


def test_braces_in_texts_and_objects_do_not_close_an_expression():
    assert [
        p.expression.text.strip() for p in parse_template("{{ {'a': '}}'} }} {{ b }}").expressions
    ] == [
        "{'a': '}}'}",
        "b",
    ]


def test_an_apostrophe_does_not_hide_the_end_of_an_expression():
    with pytest.raises(ExpressionError) as caught:
        parse_template("{{ it's }} fine")
    assert "quote" in caught.value.message
