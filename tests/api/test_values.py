"""Values over HTTP come out as they went in: numbers are exact in the text, whatever a reader makes of them."""

import json

import pytest

from tests.api.conftest import new_workflow, waiting_run, wire
from tests.services.people import graph, node

JSON = {"content-type": "application/json"}
RESPOND = graph(
    node("start", "trigger.manual"),
    node("out", "flow.respond", config={"value": "{{ trigger.v }}"}),
    edges=(wire("start", "out", "data", "input"),),
)

NUMBERS = [
    ("9007199254740993", "9007199254740993"), ("-9223372036854775808", "-9223372036854775808"),
    ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", '"9223372036854775808"'),
    ("18446744073709551615", '"18446744073709551615"'),
    ("12345678901234567890123", '"12345678901234567890123"'), ("[1e3,1.5]", "[1000.0,1.5]"),
    ('{"12345678901234567890123":-99999999999999999999}', '{"12345678901234567890123":"-99999999999999999999"}'),
]  # fmt: skip


@pytest.mark.parametrize(("given", "told"), NUMBERS)
async def test_an_input_comes_back_exactly(ada, given, told):
    workflow_id = await new_workflow(ada, RESPOND)
    body = f'{{"input":{{"v":{given}}},"wait":20}}'.encode()
    answer = await ada.post(f"/api/workflows/{workflow_id}/runs", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    run = (await ada.get(f"/api/runs/{answer.json()['id']}")).text
    for text in (answer.text, run):
        bare = text.replace(" ", "")
        assert f'"output":{told}' in bare
        assert f'"input":{{"v":{told}}}' in bare


@pytest.mark.parametrize(("given", "told"), NUMBERS)
async def test_an_answer_of_a_person_is_kept_exactly(site, ada, given, told):
    asking = graph(
        node("start", "trigger.manual"),
        node("ask", "human.approval", config={"title": "So?", "editable": True}),
        edges=(wire("start", "ask", "data", "input"),),
    )
    _, run_id, step_id = await waiting_run(site, ada, asking)
    body = f'{{"output":{{"choice":"approve","value":{given}}}}}'.encode()
    path = f"/api/steps/{step_id}/human-complete"
    answer = await ada.post(path, content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    await site.work()
    step = await ada.get(f"/api/runs/{run_id}/steps/{step_id}")
    assert told in step.text.replace(" ", ""), step.text


@pytest.mark.parametrize(("given", "told"), NUMBERS)
async def test_a_form_keeps_them_exactly(ada, given, told):
    document = json.dumps(
        graph(
            node("start", "trigger.manual"),
            node("set", "data.set", config={"values": {"v": "MARK"}}),
            edges=(wire("start", "set", "data", "input"),),
        )
    ).replace('"MARK"', given)
    body = f'{{"name":"Numbers","graph":{document}}}'.encode()
    made = await ada.post("/api/workflows", content=body, headers=JSON)
    assert made.status_code == 201, made.text
    assert f'"values":{{"v":{told}}}' in made.text.replace(" ", "")
    path = f"/api/workflows/{made.json()['id']}/runs"
    answer = await ada.post(path, json={"input": {}, "wait": 20})
    assert f'"output":{{"v":{told}}}' in answer.text.replace(" ", ""), answer.text


async def test_no_number_at_all_is_refused_with_its_place(ada):
    workflow_id = await new_workflow(ada, RESPOND)
    for bad in ("NaN", "1e999", "-Infinity"):
        body = f'{{"input":{{"v":{bad}}}}}'.encode()
        answer = await ada.post(f"/api/workflows/{workflow_id}/runs", content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
