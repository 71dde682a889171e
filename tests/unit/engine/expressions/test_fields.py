from typing import Any

import pytest
from pydantic import BaseModel

from app.engine.expressions import Form, leaves
from app.engine.sdk import NodeConfig, field
from app.kernel.errors import ExpressionError


class Case(BaseModel):
    name: str = field("", title="Name", mode="literal")
    condition: Any = field("", title="Condition", mode="expression")


class Config(NodeConfig):
    prompt: str = field("", title="Prompt")
    count: int = field(1, title="Count")
    condition: Any = field(True, title="Condition", mode="expression")
    code: str = field("", title="Code", mode="literal")
    cases: list[Case] = field([], title="Cases")
    headers: dict[str, str] = field({}, title="Headers")
    extra: Any = field(None, title="Extra")
    note: str | None = field(None, title="Note")
    raw: list[Case] = field([], title="Raw", mode="literal")


SCHEMA = Config.model_json_schema()
SCOPE = {"input": {"n": 3, "who": "Ada", "none": None}, "vars": {"deep": {"a": [1]}}}


def test_each_field_is_resolved_by_its_mode():
    config = {
        "prompt": "Hi {{ input.who }}",
        "count": "{{ input.n }}",
        "condition": "input.n > 2",
        "code": "{{ untouched",
        "cases": [
            {"name": "{{ input.n }}", "condition": "input.who == 'Ada'"},
            {"condition": True},
        ],
        "headers": {"x": "{{ input.who }}", "n": "{{ input.n }}"},
        "extra": {"list": ["{{ vars.deep }}", "{{ input.n }}", 4]},
        "note": "{{ input.n }}",
        "raw": [{"condition": "{{ nothing"}],
        "unknown": "{{ input.n }}",
    }
    assert Form(config, SCHEMA).resolve(SCOPE) == {
        "prompt": "Hi Ada",
        "count": 3,
        "condition": True,
        "code": "{{ untouched",
        "cases": [{"name": "{{ input.n }}", "condition": True}, {"condition": True}],
        "headers": {"x": "Ada", "n": "3"},
        "extra": {"list": [{"a": [1]}, 3, 4]},
        "note": 3,
        "raw": [{"condition": "{{ nothing"}],
        "unknown": 3,
    }


def test_a_field_for_texts_gets_a_text_whatever_the_value_is():
    assert Form({"prompt": "{{ input.n }}"}, SCHEMA).resolve(SCOPE) == {"prompt": "3"}
    assert Form({"prompt": "{{ input.none }}"}, SCHEMA).resolve(SCOPE) == {"prompt": ""}


def test_an_empty_expression_and_values_that_are_no_text_stay():
    config = {"condition": "", "cases": [{"condition": 0}]}
    assert Form(config, SCHEMA).resolve(SCOPE) == config


def test_an_error_names_the_field():
    with pytest.raises(ExpressionError) as caught:
        Form({"cases": [{}, {"condition": "input.none < 1"}]}, SCHEMA).resolve(SCOPE)
    assert caught.value.context["field"] == "cases.1.condition"
    assert caught.value.context["path"] == "input.none"
    assert "Condition" in caught.value.message


def test_leaves_are_the_texts_with_expressions():
    config = {
        "prompt": "x {{ input }}",
        "code": "{{ a }}",
        "cases": [{"condition": "item"}],
        "note": "no",
    }
    found = [(leaf.place, leaf.mode, leaf.title) for leaf in leaves(config, SCHEMA)]
    assert found == [
        (("prompt",), "template", "Prompt"),
        (("cases", 0, "condition"), "expression", "Condition"),
    ]


def test_a_schema_that_refers_to_itself_ends():
    class Tree(NodeConfig):
        text: str = field("", title="Text")
        below: list["Tree"] = field([], title="Below")

    config = {"below": [{"text": "{{ input.n }}", "below": [{"text": "{{ input.who }}"}]}]}
    assert Form(config, Tree.model_json_schema()).resolve(SCOPE) == {
        "below": [{"text": "3", "below": [{"text": "Ada"}]}]
    }
