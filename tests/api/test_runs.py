"""Runs over HTTP: start, wait, read, answer, cancel, repeat."""

import pytest

from tests.api.conftest import ASKING, QUICK, new_workflow, waiting_run, wire
from tests.services.people import graph, node


async def run_now(client, workflow_id, given=None, **headers):
    body = {"input": given or {"name": "Ada"}, "wait": 20}
    return await client.post(f"/api/workflows/{workflow_id}/runs", json=body, headers=headers)


async def test_quick_run_with_wait_answers_with_the_whole_run(ada):
    workflow_id = await new_workflow(ada)
    answer = await run_now(ada, workflow_id)
    assert answer.status_code == 200, answer.text
    run = answer.json()
    assert (run["status"], run["output"], run["workflow_id"]) == (
        "succeeded", "Hello Ada", workflow_id,
    )  # fmt: skip
    assert set(run) >= {
        "id", "workflow_id", "version", "status", "input", "output", "error", "tokens", "cost_usd",
        "started_at", "finished_at",
    }  # fmt: skip
    assert (await ada.get(f"/api/runs/{run['id']}")).json() == run
    assert answer.headers["location"] == f"/api/runs/{run['id']}"


async def test_a_very_large_output_is_a_reference_to_it(site, ada):
    rows = node("rows", "logic.for_each", config={"items": "trigger.rows"})
    line = node("line", config={"template": "{{ trigger.text }}"}, parent="rows")
    start = node("start", "trigger.manual")
    loop = graph(start, rows, line, edges=(wire("start", "rows", "data", "input"),))
    given = {"rows": list(range(60)), "text": "é" * 50_000}
    begun = await ada.post(
        f"/api/workflows/{await new_workflow(ada, loop)}/runs", json={"input": given}
    )
    await site.work()
    run = (await ada.get(f"/api/runs/{begun.json()['run_id']}")).json()
    assert run["status"] == "succeeded", run
    assert run["input"] == given
    results = run["output"]["results"]
    assert results.keys() == {"$blob", "size", "preview"}
    answer = await ada.get(f"/api/values/{results['$blob']}")
    assert answer.json() == [given["text"]] * 60
    assert len(answer.content) == results["size"] > 5_000_000
    assert answer.headers["content-type"] == "application/json"
    steps = (await ada.get(f"/api/runs/{run['id']}/steps?node_id=rows")).json()["items"]
    step = (await ada.get(f"/api/runs/{run['id']}/steps/{steps[0]['id']}")).json()
    assert step["output"]["results"] == results


async def test_without_wait_the_answer_is_accepted(ada):
    workflow_id = await new_workflow(ada)
    answer = await ada.post(f"/api/workflows/{workflow_id}/runs", json={"input": {"name": "A"}})
    assert answer.status_code == 202
    assert set(answer.json()) == {"run_id", "status"}


async def test_run_without_a_body_has_no_input(ada):
    workflow_id = await new_workflow(ada)
    answer = await ada.post(f"/api/workflows/{workflow_id}/runs")
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [({"wait": -1}, "wait"), ({"wait": 61}, "wait"), ({"wait": "x"}, "wait"), ({"who": 1}, "who")],
)
async def test_bad_wish_is_refused_and_nothing_runs(ada, body, field):
    workflow_id = await new_workflow(ada)
    answer = await ada.post(f"/api/workflows/{workflow_id}/runs", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await ada.get("/api/runs")).json()["items"] == []


async def test_broken_draft_is_refused_with_its_problems(ada):
    workflow_id = await new_workflow(ada, graph(node("odd", "no.such_kind")))
    answer = await run_now(ada, workflow_id)
    assert (answer.status_code, answer.json()["code"]) == (422, "graph_invalid")
    assert "unknown_kind" in {problem["code"] for problem in answer.json()["problems"]}
    assert (await ada.get("/api/runs")).json()["items"] == []


async def test_same_key_gives_the_same_run_and_another_body_is_refused(ada):
    workflow_id = await new_workflow(ada)
    first = await run_now(ada, workflow_id, **{"Idempotency-Key": "k-1"})
    again = await run_now(ada, workflow_id, **{"Idempotency-Key": "k-1"})
    assert first.json()["id"] == again.json()["id"]
    assert len((await ada.get("/api/runs")).json()["items"]) == 1
    other = await run_now(ada, workflow_id, {"name": "Bob"}, **{"Idempotency-Key": "k-1"})
    assert other.status_code == 409
    assert len((await ada.get("/api/runs")).json()["items"]) == 1


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_unfit_key_is_refused(ada, key):
    workflow_id = await new_workflow(ada)
    answer = await run_now(ada, workflow_id, **{"Idempotency-Key": key})
    assert answer.status_code == 422


async def test_keys_of_two_workspaces_do_not_meet(ada, bob):
    runs = set()
    for client in (ada, bob):
        workflow_id = await new_workflow(client)
        answer = await run_now(client, workflow_id, **{"Idempotency-Key": "k-1"})
        runs.add(answer.json()["id"])
    assert len(runs) == 2


async def test_steps_and_trace_show_what_happened(ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    steps = (await ada.get(f"/api/runs/{run['id']}/steps")).json()["items"]
    assert [step["node_id"] for step in steps] == ["start", "greet"]
    assert set(steps[1]) >= {
        "id", "node_id", "path", "status", "attempt", "input", "output", "error", "started_at",
        "finished_at",
    }  # fmt: skip
    assert steps[1]["output"] == {"text": "Hello Ada"}
    one = await ada.get(f"/api/runs/{run['id']}/steps/{steps[1]['id']}")
    assert one.json()["output"] == steps[1]["output"]
    trace = (await ada.get(f"/api/runs/{run['id']}/trace")).json()
    assert trace["run"]["id"] == run["id"]
    assert len(trace["steps"]) == 2
    log = (await ada.get(f"/api/runs/{run['id']}/log")).json()
    assert [event["seq"] for event in log["items"]] == list(range(1, trace["seq"] + 1))
    assert (await ada.get(f"/api/runs/{run['id']}/log?cursor=2")).json()["items"][0]["seq"] == 3


async def test_step_of_another_run_is_not_found_here(ada):
    workflow_id = await new_workflow(ada)
    one, two = [(await run_now(ada, workflow_id)).json()["id"] for _ in range(2)]
    step = (await ada.get(f"/api/runs/{one}/steps")).json()["items"][0]["id"]
    assert (await ada.get(f"/api/runs/{two}/steps/{step}")).status_code == 404


async def test_list_filters_and_pages(ada):
    workflow_id = await new_workflow(ada)
    other = await new_workflow(ada)
    for flow in (workflow_id, workflow_id, other):
        await run_now(ada, flow)

    async def count(**params):
        return len((await ada.get("/api/runs", params=params)).json()["items"])

    assert await count() == 3
    assert await count(workflow_id=workflow_id) == 2
    assert await count(status="succeeded") == 3
    assert await count(status="failed") == 0
    assert (await ada.get("/api/runs", params={"status": "odd"})).status_code == 422
    first = (await ada.get("/api/runs", params={"limit": 2})).json()
    rest = await ada.get("/api/runs", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [run["number"] for run in first["items"] + rest.json()["items"]] == [3, 2, 1]


async def test_question_waits_is_answered_once_and_the_run_ends(site, ada):
    _, run_id, step_id = await waiting_run(site, ada)
    open_now = (await ada.get("/api/approvals")).json()["items"]
    assert [(q["run_id"], q["step_id"], q["title"]) for q in open_now] == [
        (run_id, step_id, "Send it?")
    ]
    path = f"/api/steps/{step_id}/human-complete"
    odd = await ada.post(path, json={"output": {"choice": "maybe"}})
    assert odd.status_code == 422
    answered = await ada.post(path, json={"output": {"choice": "approve"}})
    assert answered.status_code == 200
    again = await ada.post(path, json={"output": {"choice": "reject"}})
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    await site.work()
    assert (await ada.get(f"/api/runs/{run_id}")).json()["status"] == "succeeded"
    assert (await ada.get("/api/approvals")).json()["items"] == []
    past = await ada.get("/api/approvals", params={"include_answered": True})
    assert len(past.json()["items"]) == 1


async def test_waiting_run_is_accepted_not_answered_whole(site, ada):
    workflow_id = await new_workflow(ada, ASKING)
    body = {"input": {}, "wait": 0.2}
    answer = await ada.post(f"/api/workflows/{workflow_id}/runs", json=body)
    assert answer.status_code == 202


async def test_canceled_run_stays_canceled(site, ada):
    _, run_id, step_id = await waiting_run(site, ada)
    stopped = await ada.post(f"/api/runs/{run_id}/cancel")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "canceled")
    assert (await ada.post(f"/api/runs/{run_id}/cancel")).json()["status"] == "canceled"
    late = await ada.post(f"/api/steps/{step_id}/human-complete", json={"output": "approve"})
    assert late.status_code == 409


async def test_finished_run_is_not_canceled(ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    assert (await ada.post(f"/api/runs/{run['id']}/cancel")).json()["status"] == "succeeded"


async def test_run_of_a_deleted_workflow_stays_readable(ada):
    workflow_id = await new_workflow(ada)
    run = (await run_now(ada, workflow_id)).json()
    await ada.delete(f"/api/workflows/{workflow_id}")
    assert (await run_now(ada, workflow_id)).status_code == 404
    assert (await ada.get(f"/api/runs/{run['id']}")).json()["output"] == "Hello Ada"


async def test_executions_are_runs_under_another_name(site, ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    for path in ("", f"/{run['id']}", f"/{run['id']}/steps", f"/{run['id']}/trace"):
        one, two = await ada.get(f"/api/runs{path}"), await ada.get(f"/api/executions{path}")
        assert (two.status_code, two.json()) == (200, one.json())
    _, run_id, _ = await waiting_run(site, ada)
    assert (await ada.post(f"/api/executions/{run_id}/cancel")).json()["status"] == "canceled"


async def test_run_uses_the_draft_as_it_was(ada):
    workflow_id = await new_workflow(ada)
    old = (await run_now(ada, workflow_id)).json()
    changed = {**QUICK, "nodes": [QUICK["nodes"][0], node("greet", config={"template": "Bye"})]}
    body = {"graph": changed, "base_revision": 1}
    assert (await ada.put(f"/api/workflows/{workflow_id}", json=body)).is_success
    new = (await run_now(ada, workflow_id)).json()
    same = (await run_now(ada, workflow_id)).json()
    assert [run["version"] for run in (old, new, same)] == [1, 2, 2]
    assert new["output"] == "Bye"


async def test_expression_preview_sees_the_last_run(ada):
    workflow_id = await new_workflow(ada)
    wish = {"workflow_id": workflow_id, "node_id": "greet", "mode": "template"}

    async def preview(text, **more):
        answer = await ada.post("/api/expressions/preview", json={**wish, "text": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    before = await preview("{{ trigger.name }}")
    assert (before["ok"], before["run_id"]) == (True, None)
    run = (await run_now(ada, workflow_id)).json()
    for text, value in (
        ("Hi {{ trigger.name }}", "Hi Ada"),
        ("{{ input.name }}", "Ada"),
        ("{{ nodes.start.data }}", {"name": "Ada"}),
        ("{{ context.last_output.name }}", "Ada"),
        ("{{ nodes.nobody.x }}", None),
    ):
        found = await preview(text)
        assert (found["ok"], found["value"], found["run_id"]) == (True, value, run["id"]), text
    assert (await preview("1 + 1", mode="expression", run_id=run["id"]))["value"] == 2
    broken = await preview("{{ 1 + }}")
    assert broken["ok"] is False
    assert broken["message"]


async def test_completion_lists_what_an_earlier_run_has(ada):
    workflow_id = await new_workflow(ada)
    await run_now(ada, workflow_id)
    wish = {"workflow_id": workflow_id, "node_id": "greet"}
    for text, mode in (("Hi {{ trigger.na", "template"), ("trigger.na", "expression")):
        body = {**wish, "text": text, "mode": mode}
        found = await ada.post("/api/expressions/complete", json=body)
        assert [item["label"] for item in found.json()["items"]] == ["name"]


async def test_rerun_and_fork_make_new_runs_that_say_where_they_come_from(site, ada):
    first = (await run_now(ada, await new_workflow(ada))).json()
    again = await ada.post(f"/api/runs/{first['id']}/rerun")
    assert again.status_code == 202, again.text
    assert again.headers["location"] == f"/api/runs/{again.json()['id']}"
    other = await ada.post(f"/api/runs/{first['id']}/rerun", json={"input": {"name": "Eve"}})
    body = {"from_step": "greet", "outputs": {"start": {"data": {"name": "Bob"}}}}
    fork = await ada.post(f"/api/runs/{first['id']}/fork", json=body)
    assert fork.status_code == 202, fork.text
    for made, output in ((again, "Hello Ada"), (other, "Hello Eve"), (fork, "Hello Bob")):
        await site.work()
        run = (await ada.get(f"/api/runs/{made.json()['id']}")).json()
        assert (run["status"], run["output"], run["forked_from"]) == (
            "succeeded", output, first["id"],
        )  # fmt: skip
    steps = (await ada.get(f"/api/runs/{fork.json()['id']}/steps")).json()["items"]
    assert {step["path"]: step["origin"] for step in steps} == {"start": "given", "greet": None}


async def test_fork_key_repeats_and_bad_forks_name_the_field(ada):
    first = (await run_now(ada, await new_workflow(ada))).json()
    path = f"/api/runs/{first['id']}/fork"
    one = await ada.post(path, headers={"Idempotency-Key": "k"})
    two = await ada.post(path, headers={"Idempotency-Key": "k"})
    assert one.json()["id"] == two.json()["id"]
    for body, field in (
        ({"from_step": "nobody"}, "from_step"),
        ({"version": "newest"}, "version"),
        ({"outputs": {"greet": 1}}, "outputs.greet"),
        ({"pins": {"nobody": {"text": 1}}}, "pins.nobody"),
    ):
        answer = await ada.post(path, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


async def test_a_signed_out_token_starts_nothing_more(site, ada):
    workflow_id = await new_workflow(ada)
    assert (await run_now(ada, workflow_id)).status_code == 200
    assert (await ada.post("/api/auth/logout")).status_code == 204
    refused = await run_now(ada, workflow_id)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    eve = await site.person("Eve")
    assert (await run_now(eve, workflow_id)).status_code == 404
