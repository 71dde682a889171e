"""A field that must not be empty is a problem when it is blank, as when it is not there."""

from typing import Any

import pytest

from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.graph.edits import apply
from app.engine.graph.validate import check

CASE = {"name": "Large", "when": "input.n > 1"}


def problems(kind: str, **config: Any) -> list[tuple[str, str | None]]:
    node = {"id": "n", "kind": kind, "config": config}
    found = check(parse_graph({"nodes": [node]}), catalog())
    return [(p.code, p.field) for p in found if p.code in ("missing_field", "bad_value")]


def required(schema: dict[str, Any]) -> list[str]:
    """Fields of the form itself that may not be empty, as its schema says."""
    fields = schema.get("properties", {})
    least = {name for name, f in fields.items() if f.get("minLength") or f.get("minItems")}
    needed = {name for name, f in fields.items() if f.get("needed") is True and "show_if" not in f}
    return sorted({*schema.get("required", ()), *least, *needed})


FIELDS = [(t.kind, name) for t in catalog().all() for name in required(t.config_schema())]


def test_there_are_such_fields_in_many_node_types():
    assert len({kind for kind, _ in FIELDS}) >= 12
    for known in ("logic.if", "logic.while", "logic.for_each", "logic.switch", "tool.http"):
        assert known in {kind for kind, _ in FIELDS}


@pytest.mark.parametrize("empty", ["", "  \n", [], {}, None])
@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_blank_is_missing(kind, name, empty):
    assert ("missing_field", name) in problems(kind, **{name: empty})


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_an_expression_is_not_judged(kind, name):
    schema = catalog().get(kind).config_schema()["properties"][name]
    if schema.get("mode") != "literal":
        dynamic = "input.x" if schema.get("mode") == "expression" else "{{ input.x }}"
        assert problems(kind, **{name: dynamic}) in ([], [("bad_value", "cases")])


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("logic.switch", {"cases": [CASE, {"name": "Small", "when": " "}]}, "cases.1.when"),
        ("logic.switch", {"cases": [{**CASE, "name": ""}]}, "cases.0.name"),
        ("logic.switch", {"cases": [{**CASE, "when": None}]}, "cases.0.when"),
        ("trigger.manual", {"fields": [{"name": ""}]}, "fields.0.name"),
        ("trigger.manual", {"fields": [{"name": "a", "type": "choice", "choices": []}]}, "fields.0.choices"),
        ("model.classify", {"labels": [{"name": "a"}, {"name": "\t"}]}, "labels.1.name"),
        ("model.extract", {"fields": [{"name": ""}]}, "fields.0.name"),
        ("model.extract", {"fields": []}, "fields"),
        ("logic.wait", {"wait_for": "moment", "moment": ""}, "moment"),
        ("logic.wait", {"wait_for": "signal", "signal": " "}, "signal"),
        ("flow.stop", {"outcome": "failed", "message": ""}, "message"),
    ],
)  # fmt: skip
def test_fields_inside_of_others_and_those_that_other_fields_show(kind, config, field):
    assert ("missing_field", field) in problems(kind, **config)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("data.template", {"template": ""}),
        ("data.set", {"values": {}}),
        ("data.set", {"values": {"a": "", "b": None, "c": []}}),
        ("flow.respond", {"value": ""}),
        ("model.chat", {"instructions": "", "model": "", "history": ""}),
        ("model.extract", {"fields": [], "json_schema": {"type": "object"}}),
        ("tool.http", {"url": "https://example.org", "body": "", "query": {}}),
        ("logic.wait", {"wait_for": "seconds", "moment": "", "signal": ""}),
        ("logic.if", {"condition": 0}),
        ("logic.if", {"condition": False}),
        ("trigger.manual", {"fields": [{"name": "a", "type": "text", "choices": []}]}),
        ("flow.stop", {"outcome": "succeeded", "message": "", "value": None}),
    ],
)
def test_what_may_be_empty_stays_so(kind, config):
    assert problems(kind, **config) == []


def test_it_is_said_as_when_the_field_is_not_there_and_mended_by_the_default():
    messages = []
    for config in ({}, {"condition": ""}):
        graph = parse_graph({"nodes": [{"id": "n", "kind": "logic.if", "config": config}]})
        messages += [p.message for p in check(graph, catalog()) if p.code == "missing_field"]
    assert messages == ["“If” is not complete: fill in “Condition”."] * 2
    node = {"id": "n", "kind": "logic.for_each", "config": {"items": ""}}
    graph = parse_graph({"nodes": [node]})
    problem = next(p for p in check(graph, catalog()) if p.code == "missing_field")
    assert apply(graph, problem.fix.ops).graph.by_id["n"].config == {"items": "input"}
