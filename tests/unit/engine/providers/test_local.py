"""Tools for models without tool calls: what they are told, and how their answer is read."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.providers.base import ChatRequest, Delta
from app.engine.providers.local import AnswerReader, _WithTools, in_schema, tool_schema
from app.engine.sdk.messages import Message, ToolCall, ToolSpec

LOOK_UP = ToolSpec(
    name="look_up",
    description="Finds an order.",
    parameters={
        "type": "object",
        "properties": {"number": {"type": "integer"}, "kind": {"enum": ["new", "old"]}},
        "required": ["number"],
    },
)
SYSTEM = Message(role="system", text="You are kind.")


@given(st.text(), st.booleans(), st.integers(1, 7))
def test_the_text_comes_out_piece_by_piece_as_it_was(text: str, is_ascii: bool, step: int) -> None:
    wire = json.dumps({"tool": "answer", "text": text}, ensure_ascii=is_ascii)
    reader = AnswerReader()
    pieces = [reader.feed(wire[at : at + step]) for at in range(0, len(wire), step)]
    assert "".join(pieces).encode("utf-16", "surrogatepass") == text.encode(
        "utf-16", "surrogatepass"
    )
    assert reader.streamed


def test_text_is_given_out_before_the_answer_is_complete() -> None:
    reader = AnswerReader()
    assert reader.feed('{ "tool" : "answer", "text": "Good mor') == "Good mor"
    assert reader.feed("ning\\") == "ning"
    assert reader.feed('"') == '"'


def test_a_tool_call_gives_out_no_text() -> None:
    reader = AnswerReader()
    assert reader.feed('{"tool": "look_up", "arguments": {"text": "x"}}') == ""
    assert not reader.streamed


def test_the_schema_is_a_choice_of_tools_and_the_answer() -> None:
    choices = tool_schema([LOOK_UP])["anyOf"]
    assert [choice["properties"]["tool"]["const"] for choice in choices] == ["look_up", "answer"]
    assert choices[0]["properties"]["arguments"] == LOOK_UP.parameters
    assert choices[1]["properties"]["text"] == {"type": "string"}


def test_a_tool_called_answer_does_not_hide_the_answer() -> None:
    choices = tool_schema([ToolSpec(name="answer")])["anyOf"]
    assert [choice["properties"]["tool"]["const"] for choice in choices] == ["answer", "answer_"]


def test_an_answer_with_a_shape_keeps_it() -> None:
    choices = tool_schema([LOOK_UP], {"type": "integer"})["anyOf"]
    assert choices[-1]["properties"]["value"] == {"type": "integer"}


def test_the_constant_part_comes_first_and_is_the_same_for_every_question() -> None:
    def told(question: str) -> tuple[Message, ...]:
        talk = (SYSTEM, Message(role="user", text=question))
        return in_schema(ChatRequest(talk, tools=(LOOK_UP,))).messages

    one, other = told("Where is order 7?"), told("Hello")
    assert one[:-1] == other[:-1]
    assert one[0].role == "system"
    assert one[0].text.startswith(SYSTEM.text)
    assert "look_up: Finds an order." in one[0].text
    assert one[-1].text == "Where is order 7?"


def test_two_examples_show_a_call_and_a_plain_answer() -> None:
    told = in_schema(ChatRequest((Message(role="user", text="Hi"),), tools=(LOOK_UP,))).messages
    call, answer = (json.loads(message.text) for message in told if message.role == "assistant")
    assert call == {"tool": "look_up", "arguments": {"number": 1, "kind": "new"}}
    assert set(answer) == {"tool", "text"}


def test_calls_and_results_are_told_in_the_words_of_the_schema() -> None:
    talk = (
        Message(role="user", text="Where is order 7?"),
        Message(
            role="assistant",
            tool_calls=(ToolCall(id="c1", name="look_up", arguments={"number": 7}),),
        ),
        Message(role="tool", text="In Oslo", tool_call_id="c1"),
        Message(role="assistant", text="It is in Oslo."),
        Message(role="user", text="Thanks"),
    )
    told = in_schema(ChatRequest(talk, tools=(LOOK_UP,))).messages[-5:]
    assert json.loads(told[1].text) == {"tool": "look_up", "arguments": {"number": 7}}
    assert told[2].text == "Result of look_up: In Oslo"
    assert json.loads(told[3].text) == {"tool": "answer", "text": "It is in Oslo."}
    assert all(before.role != after.role for before, after in pairwise(told))


@pytest.mark.parametrize("parameters", [{"type": "object", "properties": {}}, {"type": "object"}])
def test_a_tool_without_parameters_can_be_told(parameters: dict) -> None:
    tool = ToolSpec(name="now", parameters=parameters)
    assert in_schema(ChatRequest((SYSTEM,), tools=(tool,))).schema


def conclusion(raw: str, *, reason: str = "stop", schema: dict | None = None) -> Delta:
    """What is told of an answer that came as a whole."""
    request = ChatRequest((Message(role="user", text="Hi"),), tools=(LOOK_UP,), schema=schema)
    told = _WithTools(request).hear(Delta(text=raw, finish_reason=reason))
    assert told
    return told


CALL = '{"tool": "look_up", "arguments": {"number": 7}}'


@pytest.mark.parametrize("raw", [
    CALL, f"I look.\n```json\n{CALL}\n```", f"<think>Or {{}}?</think>{CALL}", f"[1] {CALL} is it.",
    f"<think>{json.dumps({'tool': 'answer', 'text': 'no'})}</think>\n{CALL}",
])  # fmt: skip
def test_a_call_is_found_in_what_stands_around_it(raw: str) -> None:
    told = conclusion(raw)
    assert [(call.name, call.arguments) for call in told.tool_calls] == [("look_up", {"number": 7})]
    assert (told.text, told.finish_reason) == ("", "tool_calls")


def test_calls_one_below_the_other_are_several() -> None:
    told = conclusion(f"{CALL}\n{CALL.replace('7', '8')}")
    assert [call.arguments["number"] for call in told.tool_calls] == [7, 8]
    assert len({call.id for call in told.tool_calls}) == 2


def test_a_tool_without_arguments_is_called() -> None:
    (call,) = conclusion('{"tool": "look_up"}').tool_calls
    assert (call.arguments, call.broken) == ({}, "")


def test_a_broken_call_is_one() -> None:
    (call,) = conclusion('{"tool": "look_up", "arguments": {"number": }}').tool_calls
    assert call.name == "look_up"
    assert '"number": }' in call.broken


@pytest.mark.parametrize("raw", ["Hello there.", "See [1] and {x}.", '{"say": "Hello"}', ""])
def test_a_model_that_keeps_to_no_schema_has_answered(raw: str) -> None:
    told = conclusion(raw)
    assert (told.text, told.tool_calls) == (raw, ())


def test_an_answer_of_a_shape_is_its_value() -> None:
    told = conclusion('So: {"tool": "answer", "value": {"n": 1}}', schema={"type": "object"})
    assert json.loads(told.text) == {"n": 1}


def test_a_call_that_was_cut_off_is_none() -> None:
    told = conclusion('{"tool": "look_up", "argum', reason="length")
    assert (told.tool_calls, told.text, told.finish_reason) == ((), "", "length")
