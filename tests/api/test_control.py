"""Control of runs over HTTP: pause, resume, signals, pins, limits, run settings, early answers."""

import asyncio

from tests.api.conftest import ASKING, QUICK, new_workflow, wire
from tests.api.test_runs import run_now
from tests.services.people import graph, node

WAITING = graph(
    node("start", "trigger.manual"),
    node("paid", "logic.wait", config={"wait_for": "signal", "signal": "paid"}),
    edges=(wire("start", "paid", "data", "input"),),
)

ANSWERING = graph(
    node("start", "trigger.manual"),
    node("answer", "flow.respond", config={"value": "soon"}),
    node("later", "logic.wait", config={"seconds": 3600}),
    edges=(wire("start", "answer", "data", "input"), wire("answer", "later", "value", "input")),
)


async def started(client, document, **body):
    answer = await client.post(
        f"/api/workflows/{await new_workflow(client, document)}/runs", json=body
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["run_id"]


async def test_pause_resume_and_signal_tell_the_state_and_refuse_what_makes_no_sense(site, ada):
    run_id = await started(ada, WAITING)
    path = f"/api/runs/{run_id}"
    refused = await ada.post(f"{path}/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await ada.post(f"{path}/pause")).json()["status"] == "paused"
    assert (await ada.post(f"{path}/resume")).json()["status"] == "pending"
    await site.work()
    sent = await ada.post(f"{path}/signals/paid", json={"payload": {"amount": 3}})
    assert (sent.status_code, sent.json()["status"]) == (200, "pending")
    await site.work()
    assert (await ada.get(path)).json()["output"] == {"amount": 3}
    for action in ("pause", "resume", "signals/paid"):
        answer = await ada.post(f"{path}/{action}")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict"), action


async def test_two_that_answer_at_once_one_wins(site, ada):
    await started(ada, ASKING, input={})
    await site.work()
    [question] = (await ada.get("/api/approvals")).json()["items"]
    assert question["parents"] == []
    path = f"/api/steps/{question['step_id']}/human-complete"
    answers = await asyncio.gather(
        *(ada.post(path, json={"output": choice}) for choice in ("approve", "reject"))
    )
    assert sorted(one.status_code for one in answers) == [200, 409]


async def test_a_run_that_responds_early_is_the_answer_though_it_goes_on(site, ada):
    run_id = await new_workflow(ada, ANSWERING)
    asked = asyncio.create_task(
        ada.post(f"/api/workflows/{run_id}/runs", json={"input": {}, "wait": 20})
    )
    while not (await ada.get("/api/runs")).json()["items"]:
        await asyncio.sleep(0.05)
    await site.work()
    answer = await asked
    assert answer.status_code == 200, answer.text
    run = answer.json()
    assert (run["output"], run["responded"]) == ("soon", True)
    assert run["status"] in ("running", "waiting")


async def test_pins_stand_in_for_nodes_given_or_from_another_run(ada):
    workflow_id = await new_workflow(ada, QUICK)
    path = f"/api/workflows/{workflow_id}/runs"
    body = {"input": {"name": "Ada"}, "wait": 20, "pins": {"greet": {"text": "pinned"}}}
    first = (await ada.post(path, json=body)).json()
    assert first["output"] == "pinned"
    steps = (await ada.get(f"/api/runs/{first['id']}/steps")).json()["items"]
    assert {step["path"]: step["origin"] for step in steps} == {"start": None, "greet": "pinned"}
    body = {
        "input": {"name": "Eve"}, "wait": 20,
        "pins_from": {"run_id": first["id"], "nodes": ["greet"]},
    }  # fmt: skip
    assert (await ada.post(path, json=body)).json()["output"] == "pinned"
    body["pins_from"]["nodes"] = ["nobody"]
    refused = await ada.post(path, json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, "pins_from.nodes")


async def test_pins_from_a_foreign_run_are_as_if_there_were_none(ada, bob):
    theirs = (await run_now(bob, await new_workflow(bob))).json()["id"]
    path = f"/api/workflows/{await new_workflow(ada)}/runs"
    said = []
    for run_id in (theirs, "run_none"):
        body = {"pins_from": {"run_id": run_id, "nodes": ["greet"]}}
        answer = await ada.post(path, json=body)
        said.append((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert said[0] == said[1]
    assert said[0][0] == 404


async def test_limits_of_the_request_go_before_those_of_the_workflow(ada):
    workflow_id = await new_workflow(ada, QUICK)
    settings = f"/api/workflows/{workflow_id}/run-settings"
    put = await ada.put(settings, json={"max_steps": 1, "priority": 2})
    assert put.status_code == 200, put.text
    assert (await ada.get(settings)).json() == put.json()
    assert put.json()["max_steps"] == 1
    path = f"/api/workflows/{workflow_id}/runs"
    short = (await ada.post(path, json={"input": {"name": "A"}, "wait": 20})).json()
    assert (short["status"], short["error"]["code"]) == ("failed", "budget_exceeded")
    assert short["priority"] == 2
    body = {"input": {"name": "A"}, "wait": 20, "limits": {"max_steps": 9}, "priority": 0}
    whole = (await ada.post(path, json=body)).json()
    assert (whole["status"], whole["priority"]) == ("succeeded", 0)


async def test_unfit_run_settings_name_their_field(ada):
    settings = f"/api/workflows/{await new_workflow(ada)}/run-settings"
    for body, field in (
        ({"max_steps": 0}, "max_steps"),
        ({"priority": 3}, "priority"),
        ({"concurrency_key": "trigger.("}, "concurrency_key"),
        ({"owner": "me"}, "owner"),
    ):
        answer = await ada.put(settings, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert (await ada.get(settings)).json()["max_steps"] is None


async def test_the_key_of_a_run_is_an_expression_over_its_input(site, ada):
    workflow_id = await new_workflow(ada, WAITING)
    await ada.put(
        f"/api/workflows/{workflow_id}/run-settings",
        json={"concurrency": 1, "concurrency_key": "{{ trigger.customer.id }}"},
    )
    path = f"/api/workflows/{workflow_id}/runs"
    assert (await ada.post(path, json={"input": {"customer": {"id": 7}}})).status_code == 202
    refused = await ada.post(path, json={"input": {"customer": "Ada"}})
    assert (refused.status_code, refused.json()["field"]) == (422, "concurrency_key")
