"""How values look in events: short, masked, with Z."""

from datetime import UTC, datetime

import pytest

from app.engine.payloads import dollars, error_of, masked, moment, plain, preview
from app.kernel.errors import ConfigInvalid, UpstreamFailed

KEY = "sk-abcdefghijklmnopqrstuvwxyz"


def test_a_preview_is_short_text_without_secrets():
    assert preview({"a": [1, None]}) == '{"a":[1,null]}'
    assert preview("x" * 1000) == "x" * 200
    assert KEY not in preview(f"key {KEY}")
    assert preview(None) == ""


def test_a_secret_cut_in_the_middle_does_not_show():
    assert "sk-abc" not in preview("x" * 195 + KEY)


@pytest.mark.parametrize(
    ("output", "value"),
    [({"value": 1}, 1), ({"a": 1, "b": 2}, {"a": 1, "b": 2}), ({}, {}), (None, None)],
)
def test_an_output_with_one_port_is_its_value(output, value):
    assert plain(output) == value


def test_money_and_times():
    assert dollars(1_234_567) == 1.234567
    assert dollars(None) is None
    assert moment(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"


def test_masking_reaches_into_values():
    assert KEY not in str(masked({"a": [KEY, {"b": f"Bearer {KEY}"}], "n": 1}))


def test_errors_carry_code_sentence_and_field():
    assert error_of(ConfigInvalid("'Prompt' is missing.", field="prompt")) == {
        "code": "config_invalid",
        "message": "'Prompt' is missing.",
        "field": "prompt",
    }
    assert error_of(UpstreamFailed("down"))["retryable"] is True
    assert error_of(KeyError("x"))["message"] == "The step stopped with an unexpected KeyError: 'x'"
    assert error_of(RuntimeError())["message"] == "The step stopped with an unexpected RuntimeError"
