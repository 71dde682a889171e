"""A path is renamed where the parser finds it, in every form, and nowhere else."""

import json
from pathlib import Path

import pytest

from app.engine.expressions import renamed

CANVAS = Path(__file__).parents[2] / "components" / "js" / "renaming.json"
A, B = ("nodes", "a"), ("nodes", "b")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (
            '{{ nodes["a"].text }}|{{ nodes.a.text }}|see nodes.a',
            "{{ nodes.b.text }}|{{ nodes.b.text }}|see nodes.a",
        ),
        ("{{ nodes['a'].text }}", "{{ nodes.b.text }}"),
        ("{{ nodes . a . text }}", "{{ nodes.b . text }}"),
        ("{{ nodes.a }}", "{{ nodes.b }}"),
        ("{{ nodes.ab + nodes.a_2 }}", "{{ nodes.ab + nodes.a_2 }}"),
        ('{{ "nodes.a" + nodes.a.x }}', '{{ "nodes.a" + nodes.b.x }}'),
        ("{{ input.nodes.a }}", "{{ input.nodes.a }}"),
        ("{{ nodes[nodes.a.name].x }}", "{{ nodes[nodes.b.name].x }}"),
        ("{{ upper(nodes.a.x) if nodes['a'] else nodes.c }}", None),
        ("ä ö {{ 'ü' + nodes.a.x }} ß", "ä ö {{ 'ü' + nodes.b.x }} ß"),
        ("{{ {'nodes.a': nodes.a.x} }}", "{{ {'nodes.a': nodes.b.x} }}"),
        ("{{ nodes.a.x\n + nodes.a.y }}", "{{ nodes.b.x\n + nodes.b.y }}"),
        ("nodes.a.text", "nodes.a.text"),
        ("{{ nodes.a. }} nodes.a", "{{ nodes.a. }} nodes.a"),
    ],
)
def test_both_forms_in_braces_and_nothing_else(text, want):
    want = want or "{{ upper(nodes.b.x) if nodes.b else nodes.c }}"
    assert renamed(text, "template", A, B) == want


def test_an_expression_field_is_an_expression_with_or_without_braces():
    assert renamed(" nodes.a.n > nodes['a'].m", "expression", A, B) == " nodes.b.n > nodes.b.m"
    assert renamed("{{ nodes.a.n }}", "expression", A, B) == "{{ nodes.b.n }}"
    assert renamed("'nodes.a'", "expression", A, B) == "'nodes.a'"
    assert renamed("  ", "expression", A, B) == "  "


def test_a_literal_field_is_left_alone():
    assert renamed("{{ nodes.a }} nodes.a", "literal", A, B) == "{{ nodes.a }} nodes.a"


def test_a_name_that_is_no_identifier_is_written_in_brackets():
    assert renamed("{{ trigger.x }}", "template", ("trigger", "x"), ("trigger", "my \"x\"")) == (
        '{{ trigger["my \\"x\\""] }}'
    )  # fmt: skip
    assert renamed("{{ trigger.x }}", "template", ("trigger", "x"), ("trigger", "if")) == (
        '{{ trigger["if"] }}'
    )


@pytest.mark.parametrize("case", json.loads(CANVAS.read_text()), ids=lambda case: case["text"])
def test_the_canvas_renames_by_the_same_rule(case):
    found = renamed(case["text"], case["mode"], A, ("nodes", "fresh"))
    assert found == case["result"]
