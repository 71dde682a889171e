import pytest

from app.engine.expressions import complete, functions, preview

SCOPE = {
    "input": {"text": "Hello"},
    "index": 2,
    "nodes": {
        "classify": {"label": "billing", "top score": 1, "from": "x"},
        "clean": {"rows": [{"id": 7}]},
    },
}


@pytest.mark.parametrize(
    ("prefix", "labels"),
    [
        ("{{ in", ["input", "index", "int(value)"]),
        ("nodes.", ["classify", "clean"]),
        ("Dear {{ a }} {{ nodes.cl", ["classify", "clean"]),
        ("{{ lower(nodes.clas", ["classify"]),
        ("{{ 1 + nodes.classify.la", ["label"]),
        ("{{ nodes.clean.rows[0].", ["id"]),
        ('{{ nodes["classify"].', ["label", "top score", "from"]),
        ("{{ nodes.missing.", []),
        ("{{ input.text.", []),
        ("{{ 'input.", []),
        ("{{ 1.", []),
    ],
)
def test_completion_offers_what_may_follow(prefix, labels):
    assert [found.label for found in complete(prefix, SCOPE)] == labels


def test_completion_says_what_to_insert():
    found = complete("nodes.clas", SCOPE)[0]
    assert (found.insert, found.replace, found.kind) == ("classify", 4, "field")
    odd = next(f for f in complete("nodes.classify.to", SCOPE) if f.label == "top score")
    assert (odd.insert, odd.replace) == ('["top score"]', 3)
    assert complete("nodes.classify.fr", SCOPE)[0].insert == '["from"]'
    assert complete("low", SCOPE)[0].insert == "lower("


def test_everything_is_offered_at_the_start():
    labels = [found.label for found in complete("{{ ", SCOPE)]
    assert labels[:3] == ["input", "index", "nodes"]
    assert len(labels) == 3 + len(functions())


def test_each_function_is_explained():
    assert all(f.summary.endswith(".") and f.signature.startswith(f.name) for f in functions())


def test_a_preview_shows_the_value_or_the_fault():
    shown = preview("{{ nodes.clean.rows }}", "template", SCOPE)
    assert (shown.ok, shown.value, shown.type) == (True, [{"id": 7}], "a list")
    failed = preview("index < input.missing", "expression", SCOPE)
    assert (failed.ok, failed.path) == (False, "input.missing")
    assert preview("Hi {{ input. }}", "template", SCOPE).position is not None
    assert preview("{{ as it is", "literal", SCOPE).value == "{{ as it is"
    assert preview("", "expression", SCOPE).ok


def test_a_preview_of_much_text_is_cut():
    shown = preview("{{ big }}", "template", {"big": "x" * 10_000})
    assert len(shown.text) == 2_000
    assert shown.value is None
