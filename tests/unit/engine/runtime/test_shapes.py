"""Schemas that people wrote cost little, reach nothing, and say what does not fit."""

import time
import urllib.request

import pytest

from app.engine.runtime.shapes import Shape
from app.kernel.errors import OutputInvalid


def doubling(levels):
    """Each part refers twice to the next one."""
    defs = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**defs, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}


EVIL = "(a+)+$"
LONG = "a" * 5_000 + "b"


@pytest.mark.parametrize(("schema", "value"), [
    ({"type": "string", "pattern": EVIL}, LONG),
    ({"type": "object", "patternProperties": {EVIL: {}}}, {LONG: 1}),
    ({"type": "object", "patternProperties": {EVIL: {}}, "additionalProperties": False}, {LONG: 1}),
    ({"type": "object", "properties": {"a": {"items": {"pattern": EVIL}}}}, {"a": [LONG] * 1_000}),
    ({"propertyNames": {"pattern": EVIL}}, {LONG: 1}),
    (doubling(40), {}),
    ({"$ref": "#"}, {}),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, {}),
    ({"allOf": [{"anyOf": [{"not": {}}] * 300}] * 300}, {}),
    ({"unevaluatedProperties": False, **doubling(40)}, {}),
    ({"$dynamicRef": "#x"}, {}),
    ({"$ref": "#/$defs/none"}, {}),
    ({"type": "string", "pattern": "("}, "a"),
    ({"type": 5}, {}),
])  # fmt: skip
def test_a_hostile_schema_is_refused_quickly(schema, value):
    started = time.process_time()
    with pytest.raises(OutputInvalid):
        Shape(schema).misfit(value)
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/schema", "https://x.example/a.json", "file:///etc/passwd"]
)
def test_a_schema_is_not_fetched(address, monkeypatch):
    def opened(*_args, **_more):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    with pytest.raises(OutputInvalid, match="which is not in it"):
        Shape({"$ref": address}).is_valid({})


@pytest.mark.parametrize(("schema", "value", "fits"), [
    ({"pattern": "^[a-z]+$"}, "abc", True), ({"pattern": "^[a-z]+$"}, "aBc", False), ({"pattern": "b"}, 5, True),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, True),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, False),
    ({"additionalProperties": {"type": "number"}}, {"b": 1}, True),
    ({"additionalProperties": {"type": "number"}}, {"b": "1"}, False),
    ({"patternProperties": {"^n_": {"type": "number"}}, "additionalProperties": False}, {"n_a": 1}, True),
    ({"patternProperties": {"^n_": {"type": "number"}}}, {"n_a": "x", "b": 1}, False),
    ({"$defs": {"a": {"type": "object", "properties": {"next": {"$ref": "#/$defs/a"}}}}, "$ref": "#/$defs/a"},
     {"next": {"next": {}}}, True),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "required": ["a"]}, {}, False),
    ({"type": "array", "items": {"enum": [1, "a", None]}}, [1, None, "a"], True),
    ({"type": "integer"}, 2**63, True),
])  # fmt: skip
def test_an_honest_one_is_held_against_values(schema, value, fits):
    shape = Shape(schema)
    assert shape.is_valid(value) is fits
    assert (shape.misfit(value) is None) is fits


def test_many_rows_may_be_checked():
    row = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
    assert Shape({"type": "array", "items": row}).is_valid([{"a": n} for n in range(5_000)])
