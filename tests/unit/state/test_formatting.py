import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.state import formatting

EXAMPLES = json.loads(
    (Path(__file__).parents[1] / "components" / "js" / "formats.json").read_text()
)


@pytest.mark.parametrize(("usd", "text"), EXAMPLES["cost"])
def test_money_keeps_what_matters_and_tells_unknown_from_free(usd, text):
    assert formatting.money(usd) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (9999, "9,999"), (12_345, "12.3k"), (2_500_000, "2.5M")]
)
def test_counts_are_shortened_from_ten_thousand_on(number, text):
    assert formatting.count(number) == text


def test_things_have_their_plural():
    assert formatting.some(1, "run") == "1 run"
    assert formatting.some(0, "run") == "0 runs"


@pytest.mark.parametrize(("ms", "text"), EXAMPLES["duration_ms"])
def test_spans_of_time(ms, text):
    assert formatting.seconds(None if ms is None else ms / 1000) == text


@pytest.mark.parametrize(
    ("part", "text"), [(None, formatting.NONE), (1.0, "100 %"), (0.984, "98.4 %"), (0, "0.0 %")]
)
def test_rates(part, text):
    assert formatting.share(part) == text


def test_moments_are_for_the_browser():
    assert formatting.iso(datetime(2026, 1, 5, 10, tzinfo=UTC)) == "2026-01-05T10:00:00Z"
    assert formatting.iso(None) == ""


def test_amounts_of_data():
    assert formatting.size(12_300) == "12 kB"
    assert formatting.size(98_000_000) == "98 MB"
    assert formatting.size(1_117_320_768) == "1.12 GB"
