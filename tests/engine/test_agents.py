"""Agents: a conversation with tools, bounded in turns and in bad calls."""

import asyncio
from typing import Any

import pytest

from app.engine.graph.document import Graph
from app.engine.runtime import compile as compile_graph
from app.engine.testing import FakeHost
from app.kernel.errors import StorageDown
from tests.engine.test_execution import until
from tests.engine.tiny import CATALOG, box, executed, graph, run, statuses


def agent_plan(*tools: dict[str, Any], beside: Any = (), edges: str = "", **config: Any):
    """A trigger, an agent, nodes in its tool slot, and others beside it."""
    agent = box("helper", "agent", **config)
    plain = graph(
        box("begin", "start"), agent, *tools, *beside, edges=f"begin>helper {edges}"
    ).as_json()
    for tool in tools:
        plain["edges"].append(
            {
                "id": f"t_{tool['id']}",
                "source": tool["id"],
                "source_port": "tool",
                "target": "helper",
                "target_port": "tools",
            }
        )
    return compile_graph(Graph.model_validate(plain), CATALOG)


DOUBLE = box("double", value="{{ float(args.n) * 2 }}", settings={"tool_description": "Doubles n."})
CALL = {"tool": "double", "arguments": {"n": "21"}}


async def test_an_agent_calls_a_tool_and_answers():
    host = FakeHost({"models": [CALL, "It is 42."]})
    outcome = await run(agent_plan(DOUBLE), host, "Double 21")
    assert outcome.status == "succeeded"
    assert host.journal.steps["helper"].output == {
        "text": "It is 42.",
        "data": None,
        "called": ["double"],
    }
    first, second = host.model.requests
    assert [(t.name, t.description) for t in first.tools] == [("double", "Doubles n.")]
    assert [m.role for m in first.messages] == ["system", "user"]
    assert second.messages[-1].role == "tool"
    assert second.messages[-1].text == "42"


async def test_a_tool_is_no_step_but_a_span():
    host = FakeHost({"models": [CALL, "It is 42."]})
    await run(agent_plan(DOUBLE), host, "Double 21")
    assert set(host.journal.steps) == {"begin", "helper"}
    spans = {s.name: s for s in host.journal.spans.values()}
    assert {s.kind for s in spans.values()} == {"agent", "llm", "tool"}
    assert spans["double"].attributes == {"arguments": {"n": "21"}, "result": 42.0}
    assert spans["turn 1"].parent_id == spans["double"].parent_id == spans["Agent"].id
    types = [e.type for e in host.journal.events if e.type.startswith(("agent", "tool"))]
    assert types == ["agent.request", "tool.request", "tool.response", "agent.response"]
    assert host.journal.steps["helper"].tokens == sum(
        c.input_tokens + c.output_tokens for c in host.journal.calls
    )


async def test_an_unknown_tool_goes_back_to_the_model():
    host = FakeHost({"models": [{"tool": "treble"}, CALL, "42"]})
    outcome = await run(agent_plan(DOUBLE), host, "Double 21")
    assert outcome.status == "succeeded"
    assert "treble" in host.model.requests[1].messages[-1].text


async def test_a_failing_tool_goes_back_to_the_model_as_an_error():
    host = FakeHost({"models": [{"tool": "double", "arguments": {"n": "many"}}, CALL, "42"]})
    outcome = await run(agent_plan(DOUBLE), host, "Double 21")
    assert outcome.status == "succeeded"
    assert host.model.requests[1].messages[-1].text.startswith("Error: 'double' failed")
    answers = [e.payload for e in host.journal.events if e.type == "tool.response"]
    assert answers[0]["error"]["code"] == "expression_error"
    assert answers[1]["preview"] == "42"
    assert host.journal.steps["helper"].output["called"] == ["double"]


async def test_a_number_is_taken_where_text_is_declared():
    host = FakeHost({"models": [{"tool": "double", "arguments": {"n": 21}}, "42"]})
    await run(agent_plan(DOUBLE), host, "Double 21")
    assert host.model.requests[1].messages[-1].text == "42"


async def test_missing_arguments_go_back_to_the_model():
    host = FakeHost({"models": [{"tool": "double"}, CALL, "42"]})
    await run(agent_plan(DOUBLE), host, "Double 21")
    assert "do not fit" in host.model.requests[1].messages[-1].text


async def test_bad_calls_are_bounded():
    host = FakeHost({"models": [{"tool": "double"}] * 9})
    outcome = await run(agent_plan(DOUBLE, max_turns=9), host, "Double 21")
    assert outcome.error["code"] == "output_invalid"
    assert len(host.model.requests) == 4


async def test_turns_are_bounded_and_the_last_one_must_answer():
    host = FakeHost({"models": [CALL, CALL, CALL, CALL]})
    outcome = await run(agent_plan(DOUBLE, max_turns=3), host, "Double 21")
    assert outcome.error["code"] == "output_invalid"
    assert "3 turns" in outcome.error["message"]
    assert len(host.model.requests) == 3
    assert "without calling a tool" in host.model.requests[-1].messages[-1].text


async def test_an_answer_of_a_shape():
    shape = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    host = FakeHost({"models": ['{"n": 42}']})
    await run(agent_plan(schema_=shape), host, "x")
    assert host.journal.steps["helper"].output["data"] == {"n": 42}
    host = FakeHost({"models": ["It is 42", '{"n": 42}']})
    await run(agent_plan(schema_=shape), host, "x")
    assert host.journal.steps["helper"].output["data"] == {"n": 42}
    assert host.model.requests[1].schema == shape


async def test_a_disabled_tool_is_not_offered():
    off = box("double", settings={"disabled": True})
    assert agent_plan(off).nodes["helper"].tools == ()


async def test_an_agent_may_be_the_tool_of_another():
    inner = box("expert", "agent", task="{{ args.question }}")
    ask = {"tool": "expert", "arguments": {"question": "Why?"}}
    host = FakeHost({"models": [ask, "Because.", "He says because."]})
    outcome = await run(agent_plan(inner), host, "Ask the expert")
    assert outcome.status == "succeeded"
    assert host.journal.steps["helper"].output["text"] == "He says because."
    spans = {s.name: s for s in host.journal.spans.values()}
    assert [m.text for m in host.model.requests[1].messages] == ["Help.", "Why?"]
    assert "Because." in host.model.requests[2].messages[-1].text
    assert spans["expert"].kind == "tool"


async def test_a_model_sees_of_a_tools_answer_only_what_stands_at_its_sockets():
    """`test.agent` shows its text; `data` and `called` are no sockets."""
    inner = box("expert", "agent", task="{{ args.question }}")
    ask = {"tool": "expert", "arguments": {"question": "Why?"}}
    host = FakeHost({"models": [ask, "Because.", "He says because."]})
    await run(agent_plan(inner), host, "Ask the expert")
    assert host.model.requests[2].messages[-1].text == "Because."


async def test_a_tool_slot_is_no_input_of_a_tool():
    inner = box("expert", "agent", task="{{ input.question }} {{ args.question }}")
    ask = {"tool": "expert", "arguments": {"question": "Why?"}}
    host = FakeHost({"models": [ask, "Because.", "He says because."]})
    await run(agent_plan(inner), host, "Ask the expert")
    assert host.model.requests[1].messages[-1].text == "Why? Why?"

    inner = box("expert", "agent", task="{{ input }}")
    ask = {"tool": "expert", "arguments": {"input": "Why?"}}
    host = FakeHost({"models": [ask, "Because.", "He says because."]})
    await run(agent_plan(inner), host, "Ask the expert")
    assert list(host.model.requests[0].tools[0].parameters["properties"]) == ["input"]
    assert host.model.requests[1].messages[-1].text == "Why?"


async def test_every_turn_of_an_agent_is_bounded_in_tokens():
    shape = {"type": "object", "required": ["n"]}
    host = FakeHost({"models": [CALL, "It is 42", '{"n": 42}']})
    plan = agent_plan(DOUBLE, schema_=shape, max_tokens=70)
    await run(plan, host, "x")
    assert [request.max_tokens for request in host.model.requests] == [70, 70, 70]


async def test_a_model_is_not_told_of_a_database_that_is_away():
    async def away(request):
        raise StorageDown("The database does not answer.")

    fetch = box("page", "tool.http", url="https://a.example")
    host = FakeHost({"models": [{"tool": "page", "arguments": {}}, "It failed."]})
    host.http = away
    with pytest.raises(StorageDown):
        await run(agent_plan(fetch), host, "x")
    assert len(host.model.requests) == 1


async def test_an_agent_without_tools_just_answers():
    host = FakeHost({"models": ["Hello."]})
    outcome = await run(agent_plan(), host, "Hi")
    assert outcome.status == "succeeded"
    assert host.journal.steps["helper"].output["text"] == "Hello."


async def test_an_agent_whose_run_ended_ends_its_tool_and_calls_no_other():
    send = {"tool": "send", "arguments": {}}
    host = FakeHost({"models": [send, send, "Sent."]})
    send_box = box("send", "effect", others=["go"], settings={"tool_description": "Sends."})
    beside = [box("gate", "meet", others=["send"]), box("bad", "flaky", how="refused")]
    plan = agent_plan(send_box, beside=beside, edges="begin>gate gate>bad")
    running = asyncio.create_task(run(plan, host, "Send it"))
    await asyncio.wait_for(until(lambda: statuses(host).get("bad") == "failed"), 5)
    await host.memory.put("met", "go", True)
    assert (await asyncio.wait_for(running, 5)).status == "failed"
    assert statuses(host)["helper"] == "succeeded"
    assert (await executed(host)).count("helper") == 1
    refused = host.model.requests[-1].messages[-1]
    assert "calls no tool any more" in refused.text
