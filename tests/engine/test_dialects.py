"""Servers that call themselves compatible: what they say differently says the same."""

import json

import pytest

from app.engine.runtime import retry
from tests.engine.wired import agent, chat, told
from tests.fakes.scripted_model import USAGE, call

DONE = {"content": "done"}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(retry, "CALL_PAUSE_S", 0.01)


A, B = '{"a": "1", ', '"b": "2"}'
TWO = '{"a": "3", "b": "4"}'


def calls(*deltas):
    """A turn whose deltas hold these pieces of calls."""
    return {"deltas": [{"tool_calls": pieces} for pieces in deltas], "finish": "tool_calls"}


def results(told):
    """What the tools gave back to the model."""
    return [one["content"] for one in told.requests[1]["messages"] if one["role"] == "tool"]


BARE = {"id": None, "index": None}
NEXT = {"name": None, "id": None}


@pytest.mark.parametrize(
    "turn",
    [
        calls([call(A)], [call(B)]),
        calls([call(A)], [call(B, **NEXT)]),
        calls([call(A, index=None)], [call(B, **NEXT, index=None)]),
        calls([call(A, **BARE)], [call(B, **NEXT, index=None)]),
        calls([call(A, **BARE)], [call(B, **BARE)]),
        calls([call("", index=None)], [call(A, index=None)], [call(B, index=None)]),
        calls([call(A)], [call(B, id="c2", name=None)]),
        calls([call("", name="a")], [call("", name="dd", id=None)], [call(A + B, **NEXT)]),
        calls([call("", name="a", **BARE)], [call(A + B, name="dd", **BARE)]),
        calls([call("", name="ad")], [call(A + B, name="add")]),
        calls([call(index="0")]),
        calls([call(index=1)]),
        calls([call({"a": "1", "b": "2"})]),
        calls([call(json.dumps(A + B))]),
        calls([call(A)], [call(B, **NEXT)], [call("", name="", id="")]),
        calls([call(A)], [call(B, **NEXT)], [call()]),
        calls([call(A + B)], [call(A + B, **NEXT)]),
        {"deltas": [{"tool_calls": call()}], "finish": "tool_calls"},
        {"deltas": [{"function_call": {"name": "add", "arguments": A + B}}], "finish": "function_call"},
        {"deltas": [{"content": None, "tool_calls": [call()]}], "finish": "stop"},
        {"deltas": [{"tool_calls": [call()]}], "finish": None},
        {"deltas": [{"tool_calls": [call(A, type=None)]}, {"tool_calls": None}, {"tool_calls": [call(B)]}]},
        {"body": json.dumps({"choices": [{"message": {"content": None, "tool_calls": [call()]}}]})},
    ],
)  # fmt: skip
async def test_one_call_in_pieces_is_one_call(turn):
    result = await told(agent(), turn, DONE)
    assert result.output == {"text": "done", "data": None, "tools_called": ["add"]}
    assert results(result) == ["3"]


@pytest.mark.parametrize(
    "turn",
    [
        calls([call(), call(TWO, id="c2", index=1)]),
        calls([call(), call(TWO, id="c2")]),
        calls([call()], [call(TWO, id="c2")]),
        calls([call(**BARE), call(TWO, **BARE)]),
        calls([call(**BARE)], [call(TWO, **BARE)]),
        calls([call(index=None)], [call(TWO, id="c2", index=None)]),
        calls([call(), call(TWO, index=1)]),
        calls([call("", index=None), call("", id="c2", index=None)],
              [call(A + B, **NEXT, index=None), call(TWO, **NEXT, index=None)]),
        calls([call(A)], [call('{"a": "3", ', id="c2", index=1)], [call(B, **NEXT)], [call('"b": "4"}', **NEXT, index=1)]),
        calls([call(index=1)], [call(TWO, id="c2", index=2)]),
    ],
)  # fmt: skip
async def test_two_calls_are_two_calls(turn):
    result = await told(agent(), turn, DONE)
    assert results(result) == ["3", "7"]
    said = result.requests[1]["messages"][-3]
    ids = [one["id"] for one in said["tool_calls"]]
    assert len(set(ids)) == 2
    assert [one["tool_call_id"] for one in result.requests[1]["messages"][-2:]] == ids


@pytest.mark.parametrize(
    "written", ['{"a":"1","b":}', "a=1, b=2", "[1, 2]", '"three"', '{"a":"1"', "{'a': 1}"]
)
async def test_broken_arguments_go_back_to_the_model(written):
    result = await told(agent(), calls([call(written)]), calls([call()]), DONE)
    assert result.output["tools_called"] == ["add"]
    (told_back,) = results(result)
    assert told_back.startswith("Error: The arguments of 'add' are no JSON object")
    assert written[:5] in told_back
    sent = result.requests[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {}, "servers read what they are sent"


async def test_broken_arguments_are_bounded_like_other_bad_calls():
    result = await told(agent(max_turns=9), calls([call("{")]))
    assert (result.error["code"], len(result.requests)) == ("output_invalid", 4)


async def test_a_broken_call_beside_a_good_one_ends_alone():
    result = await told(agent(), calls([call(), call("{", id="c2", index=1)]), DONE)
    first, second = results(result)
    assert (first, second[:6]) == ("3", "Error:")


async def test_arguments_of_any_name_arrive():
    extra = '{"a": "1", "b": "2", "config": 1, "self": 2, "run_manager": 3}'
    result = await told(agent(), calls([call(extra)]), DONE)
    assert all(f"'{name}'" in results(result)[0] for name in ("config", "run_manager", "self"))


def chunk(delta, reason=None, **more):
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more})


HELLO = chunk({"content": "Hello"}, "stop")
WHOLE = {
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ]
}


@pytest.mark.parametrize(
    "turn",
    [
        {"deltas": [{"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}]},
        {"deltas": [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
                    {"content": [{"type": "text", "text": "Hello"}]}]},
        {"deltas": [{"content": [{"type": "reasoning", "text": "Hm"}, "Hello"]}]},
        {"deltas": [{"content": {"type": "text", "text": "Hello"}}]},
        {"deltas": [{"content": [{"type": "text", "text": {"value": "Hello"}}]}]},
        {"deltas": [{"role": "assistant", "content": None}, {"content": "Hello", "tool_calls": None, "refusal": None}]},
        {"deltas": [{"content": "Hello", "function_call": None, "audio": None}], "finish": "eos"},
        {"content": "Hello", "finish": None},
        {"content": "Hello", "ends": False},
        {"body": f"data:{HELLO}\n\ndata:[DONE]\n\n"},
        {"body": f"data: {HELLO}\r\n\r\ndata: [DONE]\r\n\r\n"},
        {"body": f"data: {HELLO}\r\rdata: [DONE]\r\r"},
        {"body": f": ping\n\n:\nid: 1\nretry: 5\nevent: message\ndata: {HELLO}\n\n: ping\n\ndata: [DONE]\n\n"},
        {"body": f"data: {HELLO}\ndata: [DONE]\n"},
        {"body": f"data: {HELLO}"},
        {"body": "".join(f"data: {line}\n" for line in json.dumps(json.loads(HELLO), indent=1).split("\n")) + "\n"},
        {"body": f"\ufeffdata: {HELLO}\n\ndata: [DONE]\n\n"},
        {"body": f"data: {HELLO}\n\ndata:  [DONE] \n\n", "type": "application/json"},
        {"body": json.dumps(WHOLE), "type": "application/json"},
        {"body": json.dumps(WHOLE, indent=2), "type": "application/json; charset=utf-8"},
        {"body": "\n" + json.dumps(WHOLE), "type": "text/event-stream"},
        {"body": json.dumps({"choices": [{"message": {"content": [{"type": "text", "text": "Hello"}]}}]})},
        {"body": f"data: {json.dumps(WHOLE)}\n\n"},
        {"body": f"data: {chunk({'content': 'Hello'})}\n\ndata: {json.dumps(WHOLE)}\n\ndata: [DONE]\n\n"},
        {"body": f"{chunk({'content': 'Hel'})}\n{chunk({'content': 'lo'}, 'stop')}\n", "type": "application/x-ndjson"},
        {"body": f"data: {chunk({'content': 'Hello'}, '')}\n\ndata: {json.dumps({'choices': None})}\n\n"
                 f"data: {json.dumps({'id': 1})}\n\ndata: [DONE]\n\n"},
        {"body": b"data: " + HELLO.encode() + b"\n\ndata: " + chunk({"content": ""}).encode()[:-1]
                 + b', "x": NaN}\n\ndata: [DONE]\n\n'},
    ],
)  # fmt: skip
async def test_a_text_is_read_in_whatever_dialect(turn):
    result = await told(chat(), turn)
    assert (result.output, len(result.requests)) == ("Hello", 1)
    assert result.streamed == "Hello"


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_a_stream_is_read_however_its_bytes_are_cut(size):
    from app.engine.providers.events import DONE, chunks

    body = f"data: {chunk({'content': 'Grüße 🎉'})}\r\n\r\n: x\r\ndata: [DONE]\r\n\r\n".encode()

    async def pieces():
        for at in range(0, len(body), size):
            yield body[at : at + size]

    first, last = [one async for one in chunks(pieces())]
    assert first["choices"][0]["delta"]["content"] == "Grüße 🎉"
    assert last is DONE


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USAGE, (10, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None}, (10, 5)),
        ({"input_tokens": 10, "output_tokens": 5}, (10, 5)),
        ({"prompt_tokens": 10, "completion_tokens": None, "total_tokens": 15}, (10, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 15}, (10, 5)),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0}, (10, 5)),
    ],
)
async def test_usage_is_read_in_the_words_of_several_servers(usage, expected):
    result = await told(chat(), {"content": "Hello", "usage": usage})
    (one,) = result.host.journal.calls
    assert (one.input_tokens, one.output_tokens, one.is_estimated) == (*expected, False)
    assert result.warnings == []


async def test_usage_may_come_in_any_chunk():
    beside = chunk({"content": "Hello"}, "stop", usage=USAGE)
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    running = chunk({"content": ""}, usage={"prompt_tokens": 10, "completion_tokens": 1})
    inner = json.dumps(
        {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop", "usage": USAGE}]}
    )
    groq = chunk({"content": "Hello"}, "stop", x_groq={"usage": USAGE})
    whole = json.dumps({**WHOLE, "usage": USAGE})
    last = json.dumps({"choices": [], "usage": zero})
    for events in ([beside], [running, beside, last], [inner], [groq], [whole]):
        body = "".join(f"data: {event}\n\n" for event in events) + "data: [DONE]\n\n"
        result = await told(chat(), {"body": body})
        assert (result.output, result.host.journal.patches[-1].tokens) == ("Hello", 15)
    result = await told(chat(), {"body": whole, "type": "application/json"})
    assert result.host.journal.patches[-1].tokens == 15


@pytest.mark.parametrize(
    ("turn", "code", "word"),
    [
        ({"body": 'data: {"error": {"message": "no memory", "code": 400}}\n\n'}, "upstream_refused", "no memory"),
        ({"body": 'data: {"error": "no memory"}\n\n'}, "upstream_failed", "no memory"),
        ({"body": 'event: error\ndata: {"message": "no memory", "code": "400"}\n\n'}, "upstream_refused", "no memory"),
        ({"body": '{"object": "error", "message": "no memory", "code": 400}'}, "upstream_refused", "no memory"),
        ({"body": '[{"error": {"message": "no memory", "code": 400}}]'}, "upstream_refused", "no memory"),
        ({"body": "<html><body>Sign in</body></html>", "type": "text/html"}, "upstream_failed", "web page"),
        ({"body": '{"detail": "no"}'}, "upstream_failed", "no choices"),
        ({"body": "data: {half\n\n"}, "upstream_failed", "cannot be read"),
        ({"body": "data: [1]\n\n"}, "upstream_failed", "cannot be read"),
        ({"deltas": [{"content": 7}]}, "upstream_failed", "type int"),
        ({"status": 307, "headers": {"Location": "https://elsewhere.example/v1"}}, "upstream_refused", "redirects to"),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_told_and_not_asked_for_again(turn, code, word):
    turns = [turn, {"content": "done"}] if code == "upstream_refused" else [turn]
    result = await told(chat(), *turns)
    assert result.error["code"] == code
    assert word in result.error["message"]
