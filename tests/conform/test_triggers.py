"""What every trigger type must keep to."""

from pathlib import Path

import pytest

from app.engine import triggers
from app.engine.catalog import trigger_types

TYPES = list(trigger_types().values())
EXAMPLES = [
    pytest.param(kind, example, id=f"{kind.kind}: {example.title}")
    for kind in TYPES
    for example in kind.examples
]


def test_every_file_of_the_folder_is_a_type():
    files = Path(triggers.__file__).parent.glob("[a-z]*.py")
    assert sorted(trigger_types()) == sorted(file.stem for file in files)
    assert {"schedule"} <= set(trigger_types())


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.kind)
def test_it_tells_what_it_is(kind):
    assert kind.title
    assert kind.icon
    assert kind.summary.endswith(".")
    assert kind.description
    assert kind.examples
    for name, schema in kind.config.model_json_schema()["properties"].items():
        assert schema["title"], name


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_its_examples_are_true(kind, example):
    assert isinstance(example.config, kind.config)
    assert kind.trouble(example.config) == ""
    assert kind.due(example.config, example.first, example.at) == example.due


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_times_are_in_order_and_the_next_one_comes_later(kind, example):
    due = kind.due(example.config, example.first, example.at)
    assert list(due.times) == sorted(set(due.times))
    assert due.times[0] == example.first
    after = kind.next_at(example.config, due.times[-1])
    assert after is None or after > due.times[-1]
