"""Earlier messages come in the forms that programs write; another form is refused, and none is read as empty."""

import pytest

from tests.engine.wired import agent, chat, told

HI = {"content": "ok"}
ADA = "my name is Ada"


def sent(result):
    return [(one["role"], one["content"]) for one in result.requests[0]["messages"]]


@pytest.mark.parametrize(
    "row",
    [
        {"role": "user", "text": ADA},
        {"role": "user", "content": ADA},
        {"role": "user", "content": [{"type": "text", "text": ADA}]},
        {"role": "user", "content": [{"type": "text", "text": "my name "}, "is Ada"]},
        {"role": "user", "content": {"type": "text", "text": ADA}},
        {"role": "user", "text": [{"type": "text", "text": ADA}]},
        {"role": "user", "text": "", "content": ADA},
        {"role": "user", "text": ADA, "content": ADA, "id": 7, "at": "2026-01-01"},
    ],
)
@pytest.mark.parametrize("node", [chat, agent])
async def test_what_was_said_before_reaches_the_model(node, row):
    result = await told(node(history="trigger.h"), HI, given={"h": [row]})
    assert ("user", ADA) in sent(result)


@pytest.mark.parametrize(
    "history",
    [
        "text",
        {"role": "user", "content": ADA},
        [ADA],
        [[ADA]],
        [{"content": ADA}],
        [{"role": "system", "content": ADA}],
        [{"role": "tool", "content": ADA}],
        [{"role": "human", "content": ADA}],
        [{"role": "user"}],
        [{"role": "user", "message": ADA}],
        [{"role": "user", "parts": [{"text": ADA}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        [{"role": "user", "content": [7]}],
        [{"role": "user", "content": {"a": 1}}],
        [{"role": "user", "text": "one", "content": "two"}],
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]}],
    ],
)
async def test_another_form_is_refused_with_a_sentence(history):
    for node in (chat, agent):
        result = await told(node(history="trigger.h"), HI, given={"h": history})
        assert (result.error["code"], result.error["field"]) == ("invalid_input", "history")
        assert "arlier messages" in result.error["message"]
        assert result.requests == []


async def test_the_message_at_fault_is_named():
    rows = [{"role": "user", "text": "Hi"}, {"role": "user", "body": "Ho"}]
    result = await told(chat(history="trigger.h"), HI, given={"h": rows})
    assert "Message 2" in result.error["message"]
    assert "role, body" in result.error["message"]


@pytest.mark.parametrize("text", ["", " ", "\n", None])
async def test_an_empty_message_never_goes_to_the_model(text):
    rows = [{"role": "user", "text": ADA}, {"role": "assistant", "text": text}]
    result = await told(chat(history="trigger.h", instructions="  "), HI, given={"h": rows})
    assert sent(result) == [("user", ADA), ("user", "Hi")]


@pytest.mark.parametrize("node", [chat, agent])
async def test_an_empty_prompt_is_refused(node):
    result = await told(node(prompt="{{ trigger.p }}"), HI, given={"p": "  "})
    assert result.error["code"] == "invalid_input"
    assert result.requests == []


async def test_the_chat_trigger_reads_the_same_forms():
    node = {"kind": "trigger.chat", "config": {}}
    from app.engine.catalog import catalog
    from app.engine.testing import run_example
    from app.kernel.errors import InvalidInput

    kind = catalog().get(node["kind"])
    example = kind.examples[0]
    world = {"trigger": {"message": "Why?", "history": [{"role": "assistant", "content": ADA}]}}
    ran = await run_example(kind, _with(example, world))
    assert ran.values["history"] == [{"role": "assistant", "text": ADA}]
    for history in ("text", {"a": 1}, [{"role": "system", "text": "x"}], [{"role": "user"}], 0):
        with pytest.raises(InvalidInput, match="Earlier messages"):
            await run_example(
                kind, _with(example, {"trigger": {"message": "Why?", "history": history}})
            )


def _with(example, world):
    from dataclasses import replace

    return replace(example, world=world)
