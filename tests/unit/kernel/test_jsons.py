"""One rule for values: whatever door one comes in by, it comes out the same at every other."""

import json
import math
from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.http.bodies import parse
from app.cli.run import read_json
from app.engine.expressions import Form, evaluate
from app.engine.sdk import ToolCall
from app.kernel import jsons
from app.kernel.errors import InvalidInput
from app.kernel.jsons import NotJson, TooBig, TooDeep, json_of, read, settled, size_of, weighs_more
from app.state.approvals import _parsed

NUMBERS = st.one_of(
    st.integers(), st.integers(-(2**70), 2**70), st.sampled_from([2**53, 2**53 + 1, 2**63, 2**64, -(2**63) - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(
    ["\ud83d", "a\udc00", "\x00", "\U0001f600", "\\u0000"]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def as_read(value):
    """The value by the rule, said once more and simply."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {as_read(key): as_read(item) for key, item in value.items()}
    return [as_read(item) for item in value]


def unfit(value):
    """Whether a text in it has what no database takes."""
    if isinstance(value, str):
        return as_read(value) != value
    if isinstance(value, dict):
        return any(map(unfit, [*value, *value.values()]))
    return isinstance(value, list) and any(map(unfit, value))


def has_twins(value):
    """Whether two keys of an object become one by the rule."""
    if isinstance(value, dict):
        return len(set(map(as_read, value))) < len(value) or any(map(has_twins, value.values()))
    return isinstance(value, list) and any(map(has_twins, value))


def same(left, right):
    """Equal in type too: 1 is not True, and not 1.0."""
    return repr(left) == repr(right)


@given(VALUES)
def test_every_door_reads_a_text_alike(value):
    text = json.dumps(value)  # escapes what is odd; keys that become the same are the last one's
    if len(text) > 1_500 or has_twins(json.loads(text)):
        return
    wanted = as_read(json.loads(text))
    assert same(read(text), wanted)
    assert same(read(b"\xef\xbb\xbf" + text.encode()), wanted)
    assert same(read_json(text, "--input"), wanted)
    assert same(_parsed(text, "The value"), wanted)
    assert same(evaluate("parse_json(text)", {"text": text}), wanted)
    assert same(Form({"v": "{{ x }}"}, {}).resolve({"x": wanted})["v"], wanted)
    assert same(ToolCall(id="a", name="b", arguments={"v": read(text)}).arguments["v"], wanted)


@given(VALUES)
def test_a_value_is_settled_as_its_text_is_read(value):
    if has_twins(value):
        with pytest.raises(NotJson, match="twice"):
            settled(value, "value")
        return
    found = settled(value, "value")
    assert same(found, as_read(value))
    assert same(settled(found, "value"), found)
    assert size_of(found) == len(orjson.dumps(found))
    assert same(orjson.loads(json_of(found)), found)
    assert same(read(json_of(found)), found)


@given(VALUES)
def test_the_api_reads_it_too_or_says_what_to_remove(value):
    text = json.dumps(json.loads(json.dumps(value)))
    if any(bad in text for bad in ("\\u0000", "\\ud", "\\uD")) and unfit(json.loads(text)):
        with pytest.raises(InvalidInput, match="Remove it"):
            parse(text.encode(), "application/json")
        return
    assert same(parse(text.encode(), "application/json"), as_read(json.loads(text)))


@pytest.mark.parametrize(("value", "words"), [
    ([1, lambda x: x], "result[1] is a function"), ({"a": {"b c": print}}, 'result.a["b c"] is a function'),
    ({1, 2}, "result is a set"), (frozenset(), "result is a set"), ([b"x"], "result[0] is bytes"),
    (bytearray(b"x"), "result is bytes"), (float("nan"), "result is NaN"), ([[-math.inf]], "result[0][0] is -Infinity"),
    ({"a": math.inf}, "result.a is Infinity"), (object(), "result is an object"), (dict, "result is a class"),
    (1j, "result is a complex"), ({(1, 2): 3}, "a key of result is a tuple"), ({"x": {b"k": 1}}, "a key of result.x is bytes"),
    ({1: "a", "1": "b"}, 'result has the key "1" twice'), (dict.fromkeys(["\ud800", "\udc00"]), "twice"),
    ({float("nan"): 1}, "NaN"), (iter([1]), "result is a list_iterator"),
])  # fmt: skip
def test_what_is_no_json_is_refused_where_it_lies(value, words):
    with pytest.raises(NotJson) as caught:
        settled(value, "result")
    assert words in str(caught.value)


@pytest.mark.parametrize(("value", "wanted"), [
    ((1, (2,)), [1, [2]]), (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"), ({"d": date(2026, 1, 2)}, {"d": "2026-01-02"}),
    ({None: 1, True: 2, 1.5: 3, 7: 4}, {"null": 1, "true": 2, "1.5": 3, "7": 4}), ({2**70: 1}, {str(2**70): 1}),
    (True, True), (type("Big", (int,), {})(2**70), str(2**70)), (type("Name", (str,), {})("a\ud800"), "a\ufffd"),
])  # fmt: skip
def test_what_has_a_form_gets_it(value, wanted):
    assert same(settled(value, "value"), wanted)


@pytest.mark.parametrize("text", [
    "NaN", "[Infinity]", '{"a":-Infinity}', "1e999", "-1e999", "", " ", "[1,]", "{'a':1}", "01", "1.", ".5", "+1", "0x10",
    "tru", '"\t"', "[1] [2]", b"\xff", b'"\xc3"', "nul\x00l", "\ufeff\ufeff1",
])  # fmt: skip
def test_what_is_no_json_text_is_refused(text):
    with pytest.raises(NotJson):
        read(text)


def nested(levels):
    return "[" * levels + "]" * levels


def test_a_number_that_nobody_can_write_is_refused():
    with pytest.raises(NotJson, match=r"result\[0\] is a number of more than 4,300 digits"):
        settled([10**5_000], "result")


def test_depth_is_the_same_for_texts_and_values():
    value = []
    for _ in range(99):
        value = [value]
    assert same(read(nested(100)), value)
    assert size_of(value) == 200
    assert same(settled(value, "value"), value)
    for odd in (None, "\ud800"):  # on the slower way too
        with pytest.raises(TooDeep):
            settled([value, odd], "value")
    assert size_of([value]) is None
    for levels in (101, 255, 1_023, 1_025, 100_000):
        with pytest.raises(TooDeep):
            read(nested(levels))
        with pytest.raises(TooDeep):
            read('[12345678901234567890123,"\\ud800",' + nested(levels) + "]")


def test_the_writers_own_limit_is_what_the_rule_counts_with():
    assert jsons._WRITER_DEPTH - jsons.MAX_DEPTH == jsons._WRAPPINGS


def test_size_is_bounded_without_being_made():
    part = ["x" * 1_000] * 1_000
    whole = [[part] * 1_000] * 1_000  # a terabyte
    assert weighs_more(whole, 10_000_000)
    assert not weighs_more(part, 1_010_000)
    with pytest.raises(TooBig, match="result has more than"):
        settled(whole, "result", 10_000_000)


def test_what_is_written_beside_values_never_fails():
    odd = {"a": float("nan"), 1: {2}, "f": print, "t": "a\ud800\x00", "n": 2**70, "b": b"x"}
    told = orjson.loads(json_of(odd))
    assert (told["a"], told["1"], told["t"], told["n"]) == (None, [2], "a\ufffd\ufffd", str(2**70))
