"""Reading a model's answer as JSON of a shape."""

import pytest

from app.engine.runtime.answers import parse_answer
from app.kernel.errors import OutputInvalid

SHAPE = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1}',
        ' \n{"n": 1}\n',
        '```json\n{"n": 1}\n```',
        '```\n{"n": 1}\n```',
        'Here it is:\n```json\n{"n": 1}\n```\nI hope it helps.',
        'The answer is {"n": 1}.',
        '[Note] The answer is {"n": 1}. Is {that} fine?',
    ],
)
def test_json_is_found_in_what_models_write_around_it(text):
    assert parse_answer(text, SHAPE) == {"n": 1}


def test_backticks_inside_a_value_are_left_alone():
    assert parse_answer('{"n": 1, "code": "```x```"}', SHAPE)["code"] == "```x```"


def test_values_that_are_no_objects():
    assert parse_answer('"yes"', {"type": "string"}) == "yes"
    assert parse_answer("[1, 2]", {"type": "array"}) == [1, 2]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("four", "not JSON"),
        ('{"n": "4"}', "`$.n`"),
        ("{}", "'n'"),
        ("", "not JSON"),
        ('{"n": NaN}', "not JSON"),
    ],
)
def test_what_does_not_fit_says_where(text, word):
    with pytest.raises(OutputInvalid, match=r".") as refused:
        parse_answer(text, SHAPE)
    assert word in refused.value.message


def test_a_broken_schema_is_named():
    with pytest.raises(OutputInvalid, match="no JSON Schema"):
        parse_answer("{}", {"type": "thing"})
