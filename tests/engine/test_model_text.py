"""What a model wrote is read as its author meant it, and how an answer ended is looked at first."""

import json
import time

import pytest

from app.engine.runtime.answers import parse_answer
from app.kernel.errors import OutputInvalid
from tests.engine.wired import agent, chat, extract, told
from tests.fakes.scripted_model import call

SIX = {"total": 6}
LIST = {"type": "array", "items": {"type": "integer"}}


@pytest.mark.parametrize(
    "text",
    [
        'As the note [1] says, {sum} is: {"total": 6}',
        'Sources: [2], [3].\n```json\n{"total": 6}\n```',
        'Use {} for nothing. Here: {"total": 6}',
        'A {"thing": 1} is no answer, {"total": 6} is.',
        '<think>Perhaps {"total": 5}?</think>{"total": 6}',
        '<think>\nMaybe [1] or {"total": 5}.\n</think>\n\n{"total": 6}',
        'Perhaps {"total": 5}? No.\n</think>\n{"total": 6}',
        '{"total": 5}\n</think>\n{"total": 6}',
        '<thinking>{"total": 5}</thinking>Here it is: {"total": 6}',
        '<THINK>{"total": 5}</THINK>{"total": 6}',
        '[THINK]{"total": 5}[/THINK]{"total": 6}',
        '<|channel|>analysis<|message|>{"total": 5}<|end|><|start|>assistant<|channel|>final<|message|>{"total": 6}',
        '[{"total": 6}]',
        '{"answer": {"total": 6}}',
        '{"total": 6, "currency": "EUR"}',
        "~~~\n" + '{"total": 6}' + "\n~~~",
        'The answer:\n\n```\n{\n  "total": 6\n}\n```\nwhere total is {the sum}.',
        "{" * 50 + ' {"total": 6}',
    ],
)
async def test_the_value_that_fits_is_found_in_what_stands_around_it(text):
    result = await told(extract(), {"content": text})
    assert (result.output, len(result.requests)) == (SIX, 1)


@pytest.mark.parametrize(
    "key", ["reasoning_content", "reasoning", "thinking"], ids=["one", "two", "three"]
)
async def test_reasoning_that_comes_apart_is_no_answer(key):
    deltas = [{key: 'Maybe {"total": 5}'}, {"content": '{"total": 6}'}]
    result = await told(extract(), {"deltas": deltas})
    assert (result.output, result.streamed) == (SIX, '{"total": 6}')
    spans = list(result.host.journal.spans.values())
    assert spans[-1].attributes["reasoning"] == 'Maybe {"total": 5}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>Hm.</think>\n\nHello", "Hello"),
        ("<think></think>Hello", "Hello"),
        ("Hm, hm.</think>Hello", "Hello"),
        ("Sure.\n<think>Hm.</think>\nHello", "Sure.\n\nHello"),
        ("Write `<think>` first.", "Write `<think>` first."),
        ("```\n<think>x</think>\n```", "```\n<think>x</think>\n```"),
        ("a < b and <b>bold</b>", "a < b and <b>bold</b>"),
        ("The tag <think> opens it.", "The tag <think> opens it."),
        ('{"tag": "<think>x</think>"}', '{"tag": "<think>x</think>"}'),
        ("[1] is the first", "[1] is the first"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_text_is_said_without_its_reasoning_however_it_is_cut(text, said, size):
    pieces = [{"content": text[at : at + size]} for at in range(0, len(text), size)]
    result = await told(chat(), {"deltas": pieces})
    assert result.output == said
    if "</think>Hello" not in text or "<think>" in text:
        assert result.streamed == said


async def test_a_character_in_two_halves_is_one():
    body = json.dumps({"choices": [{"delta": {"content": "\ud83d"}}]})
    more = json.dumps({"choices": [{"delta": {"content": "\ude00!"}, "finish_reason": "stop"}]})
    result = await told(chat(), {"body": f"data: {body}\n\ndata: {more}\n\ndata: [DONE]\n\n"})
    assert result.output == "\U0001f600!"
    half = {"body": f"data: {body}\n\ndata: [DONE]\n\n"}
    assert (await told(chat(), half)).output == "\ufffd"


@pytest.mark.parametrize(
    ("answer", "fields", "data"),
    [
        ("{}", [{"name": "total", "type": "number"}], {"total": None}),
        ('{"total": null}', [{"name": "total", "type": "number"}], {"total": None}),
        ("There is none: {}", [{"name": "total", "type": "number"}], {"total": None}),
        (
            '{"who": "Ada"}',
            [{"name": "who", "required": True}, {"name": "when", "type": "date"}, {"name": "tags", "type": "list"}],
            {"who": "Ada", "when": None, "tags": None},
        ),
        ('{"ok": true, "why": "so"}', [{"name": "ok", "type": "boolean"}], {"ok": True}),
    ],
)  # fmt: skip
async def test_what_was_asked_strictly_is_judged_leniently(answer, fields, data):
    result = await told(extract(fields=fields), {"content": answer})
    assert (result.output, len(result.requests)) == (data, 1)


async def test_a_required_value_that_is_left_out_is_asked_for_once_more():
    fields = [{"name": "who", "required": True}]
    result = await told(extract(fields=fields), {"content": "{}"}, {"content": '{"who": "Ada"}'})
    assert (result.output, len(result.requests)) == ({"who": "Ada"}, 2)
    result = await told(extract(fields=fields), {"content": "{}"})
    assert result.error["code"] == "output_invalid"


async def test_nested_shapes_are_judged_leniently_too():
    rows = {"type": "object", "additionalProperties": False, "required": ["id", "note"]}
    rows["properties"] = {"id": {"type": "integer"}, "note": {"type": ["string", "null"]}}
    shape = {"type": "object", "required": ["rows"]}
    shape["properties"] = {"rows": {"type": "array", "items": rows}}
    result = await told(
        extract(json_schema=shape), {"content": '{"rows": [{"id": 1, "x": 2}, {"id": 2}]}'}
    )
    assert result.output == {"rows": [{"id": 1, "note": None}, {"id": 2, "note": None}]}


async def test_a_label_in_other_letters_is_that_label():
    labels = [{"name": "Billing", "description": "Money."}, {"name": "Bug", "description": "x"}]
    config = {"model": "compatible/m1", "text": "Hm", "labels": labels, "when_unsure": "model"}
    node = {"kind": "model.classify", "config": {**config, "threshold": 1}}
    result = await told(node, {"content": '{"label": " billing"}'})
    assert result.host.journal.steps["m"].output["label"] == "Billing"


LONG = {"finish": "length", "usage": {"prompt_tokens": 9, "completion_tokens": 400}}


@pytest.mark.parametrize(
    ("node", "turn", "words"),
    [
        (agent(), {"deltas": [{"tool_calls": [call('{"a": "1", "b')]}], **LONG},
         ["400 tokens", "Tokens per turn at most", "tool call"]),
        (agent(), {"deltas": [{"tool_calls": [call()]}], **LONG}, ["400 tokens", "Tokens per turn at most"]),
        (agent(max_tokens=50), {"content": "", **LONG}, ["50 tokens", "Tokens per turn at most"]),
        (agent(), {"deltas": [{"reasoning_content": "Hm"}], **LONG}, ["400 tokens", "reasoning"]),
        (chat(max_tokens=7), {"content": "", **LONG}, ["7 tokens", "Longest answer (tokens)"]),
        (chat(), {"content": "<think>Well", **LONG}, ["400 tokens", "reasoning", "Longest answer (tokens)"]),
        (chat(), {"deltas": [{"reasoning": "Hm"}], **LONG}, ["reasoning", "Longest answer (tokens)"]),
        (extract(), {"content": '{"total": 1', **LONG}, ["400 tokens", "Longest answer (tokens)"]),
        (extract(max_tokens=9), {"content": '{"a": {"total": 1}, "b": {', **LONG}, ["9 tokens"]),
        (extract(), {"content": '{"total": 1}', "finish": "max_tokens"}, ["Longest answer (tokens)"]),
    ],
)  # fmt: skip
async def test_an_answer_that_was_cut_off_says_where_and_which_field_to_raise(node, turn, words):
    result = await told(node, turn, {"content": "done"})
    assert (result.error["code"], result.error["retryable"]) == ("answer_cut", False)
    assert result.error["field"] == "max_tokens"
    assert [word for word in words if word not in result.error["message"]] == []
    assert len(result.requests) == 1


@pytest.mark.parametrize("node", [chat(max_tokens=400), agent()], ids=["chat", "agent"])
async def test_a_text_that_was_cut_off_is_given_with_a_warning(node):
    result = await told(node, {"content": "Once upon", **LONG})
    step = result.host.journal.steps["m"]
    assert step.output["text"] == "Once upon"
    assert result.warnings == ["answer_cut"]
    assert "400 tokens" in step.warnings[0]["message"]
    assert "Raise '" in step.warnings[0]["message"]


async def test_an_agent_s_cut_answer_of_a_shape_is_not_read():
    whole = {"content": "[1, 2, 3]"}
    node = agent(output_schema=LIST)
    result = await told(node, {"content": "[1, 2] and [1, ", **LONG}, whole)
    assert (result.output["data"], len(result.requests)) == ([1, 2, 3], 2)


@pytest.mark.parametrize("node", [chat(), agent()], ids=["chat", "agent"])
@pytest.mark.parametrize(
    "turn",
    [{"content": ""}, {"content": " \n"}, {"content": None}, {"deltas": []}, {"content": "<think>Hm</think>"}],
    ids=["empty", "blank", "null", "nothing", "reasoning"],
)  # fmt: skip
async def test_an_empty_answer_is_told(node, turn):
    result = await told(node, turn)
    assert result.outcome.status == "succeeded"
    assert result.warnings == ["answer_empty"]


async def test_an_agent_that_ends_in_silence_is_told():
    result = await told(agent(), {"deltas": [{"tool_calls": [call()]}]}, {"content": ""})
    assert result.output == {"text": "", "data": None, "tools_called": ["add"]}
    assert result.warnings == ["answer_empty"]
    result = await told(agent(), {"deltas": [{"tool_calls": [call()]}]}, {"content": "", **LONG})
    assert result.error["code"] == "answer_cut"


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "", "finish": "content_filter"},
        {"content": "Half", "finish": "safety"},
        {"deltas": [{"refusal": "I cannot do that."}]},
        {"deltas": [{"content": [{"type": "refusal", "refusal": "I cannot do that."}]}]},
    ],
)
async def test_a_refusal_is_told_as_one_and_counted(turn):
    result = await told(chat(), turn)
    assert result.error["code"] == "upstream_refused"
    assert "refused to answer" in result.error["message"]
    assert (len(result.requests), result.host.journal.patches[-1].tokens) == (1, 15)


async def test_a_tool_that_nobody_offered_is_no_answer():
    result = await told(chat(), {"deltas": [{"tool_calls": [call()]}]})
    assert "'add'" in result.error["message"]
    result = await told({**agent(), "bare": True}, {"deltas": [{"tool_calls": [call()]}]})
    assert "'add'" in result.error["message"]


@pytest.mark.parametrize(
    ("written", "total"),
    [("9007199254740993", 9007199254740993), ("1e3", 1000.0), ("-9223372036854775808", -(2**63))],
)
async def test_numbers_are_kept_as_they_were_written(written, total):
    result = await told(extract(), {"content": f'So: {{"total": {written}}}'})
    assert result.output == {"total": total}


@pytest.mark.parametrize("written", ["NaN", "1e999", "-Infinity", "[" * 200 + "]" * 200])
async def test_what_is_no_json_value_is_asked_for_once_more(written):
    turns = {"content": f'{{"total": {written}}}'}, {"content": '{"total": 6}'}
    result = await told(extract(), *turns)
    assert (result.output, len(result.requests)) == (SIX, 2)


async def test_a_whole_number_beyond_64_bits_is_text_and_so_no_number():
    turns = {"content": '{"total": 9223372036854775808}'}, {"content": '{"total": 6}'}
    result = await told(extract(), *turns)
    assert (result.output, len(result.requests)) == (SIX, 2)
    assert "'9223372036854775808' is not of type 'number'" in str(result.requests[1]["messages"])


async def test_a_text_full_of_braces_is_read_quickly():
    began = time.monotonic()
    for text in ("{" * 400_000, "[{" * 200_000, '{"a": ' * 70_000):
        with pytest.raises(OutputInvalid):
            parse_answer(text, LIST)
    assert time.monotonic() - began < 5
