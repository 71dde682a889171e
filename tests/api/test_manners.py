"""What HTTP expects of a server: heads, options, what changed since, preconditions, and when to come again."""

import gzip

import pytest

from tests.api.conftest import new_workflow, waiting_run
from tests.api.test_runs import run_now
from tests.services.people import graph, node

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PROBLEM = "application/problem+json"


async def test_head_answers_like_get_without_a_body(ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    for path in (
        "/healthz", "/readyz", "/api/healthz", "/api/openapi.json", "/api/node-types", "/api/runs",
        f"/api/runs/{run['id']}", f"/api/runs/{run['id']}/events", "/api/runs/none",
    ):  # fmt: skip
        head, whole = await ada.head(path), await ada.get(path)
        assert head.content == b""
        assert (head.status_code, head.headers["content-type"]) == (
            whole.status_code,
            whole.headers["content-type"],
        ), path


async def test_head_of_a_stream_that_goes_on_ends_at_once(site, ada):
    _, run_id, _ = await waiting_run(site, ada)
    head = await ada.head(f"/api/runs/{run_id}/events")
    assert head.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/workflows", "GET, POST, HEAD, OPTIONS"), ("/api/runs/x/cancel", "POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"), ("/api/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)  # fmt: skip
async def test_options_and_wrong_methods_name_the_right_ones(visitor, path, allowed):
    answer = await visitor.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")
    for method in ("TRACE", "PROPFIND", "PATCH"):
        wrong = await visitor.request(method, path)
        assert (wrong.status_code, wrong.headers["allow"]) == (405, allowed), method
        assert wrong.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_body_that_is_not_declared_as_json_is_415(ada, kind):
    answer = await ada.post(
        "/api/workflows", content=b'{"name": "x"}', headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/api/runs/a%0Ab", "/api/none/%0A", "/api/a%0D%0Ab/c", "/api/runs/%7F", "/api/%00"]
)
async def test_an_address_with_a_control_character_is_a_problem(ada, path):
    """A line break would end the pattern of a route, and the page behind would answer."""
    for method in ("GET", "POST", "DELETE"):
        answer = await ada.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
        assert "control character" in answer.json()["detail"]


async def test_a_word_in_an_address_is_not_taken_for_an_id(visitor):
    assert (await visitor.options("/api/schedules/preview")).headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "path",
    ["/api/openapi.json", "/api/node-types", "/api/templates", "/api/templates/ticket-triage"],
)
async def test_what_is_stable_travels_once_and_compressed(ada, path):
    first = await ada.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["cache-control"] == "private, no-cache"
    plain = await ada.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    for known in (
        first.headers["etag"],
        f'"other", {first.headers["etag"]}',
        first.headers["etag"].removeprefix("W/"),
    ):
        again = await ada.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert (await ada.get(path, headers={"If-None-Match": '"another"'})).status_code == 200


async def test_a_large_value_is_fetched_once_and_asked_about_with_the_same_right(site, ada, bob):
    run = (await run_now(ada, await new_workflow(ada), {"name": "Ada" * 30_000})).json()
    step = (await ada.get(f"/api/runs/{run['id']}/steps")).json()["items"][0]
    path = f"/api/values/{step['output']['data']['name']['$blob']}"
    async with ada.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < 10_000 < len(gzip.decompress(raw))
    known = {"If-None-Match": answer.headers["etag"]}
    assert (await ada.get(path, headers=known)).status_code == 304
    assert (await bob.get(path, headers=known)).status_code == 404


async def test_what_answers_people_is_not_compressed(ada):
    """A secret beside text of a stranger's choosing could be guessed by the size."""
    await new_workflow(ada, graph(node("start", "trigger.manual", label="x" * 150)))
    answer = await ada.get("/api/workflows", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


async def test_a_draft_is_changed_only_if_it_is_the_one_that_was_read(ada):
    workflow_id = await new_workflow(ada)
    path = f"/api/workflows/{workflow_id}"
    read = await ada.get(path)
    tag = read.headers["etag"]
    assert tag == f'"{read.json()["revision"]}"'
    wish = {"graph": read.json()["graph"]}
    saved = await ada.put(path, json=wish, headers={"If-Match": tag})
    assert (saved.status_code, saved.headers["etag"]) == (200, '"2"')
    for answer in (
        await ada.put(path, json=wish, headers={"If-Match": tag}),
        await ada.put(path, json=wish, headers={"If-Match": '"x"'}),
        await ada.put(path, json=wish, headers={"If-Match": 'W/"2"'}),
        await ada.post(f"{path}/edits", json=_label(), headers={"If-Match": tag}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await ada.get(path)).headers["etag"] == '"2"'
    edited = await ada.post(f"{path}/edits", json=_label(), headers={"If-Match": '"2"'})
    assert (edited.status_code, edited.headers["etag"]) == (200, '"3"')


async def test_the_base_revision_does_the_same_and_one_of_both_is_needed(ada):
    workflow_id = await new_workflow(ada)
    path = f"/api/workflows/{workflow_id}"
    wish = {"graph": graph(), "base_revision": 1}
    assert (await ada.put(path, json=wish)).status_code == 200
    assert (await ada.put(path, json=wish)).status_code == 409
    none = await ada.put(path, json={"graph": graph()})
    assert (none.status_code, none.json()["field"]) == (422, "base_revision")
    both = await ada.put(path, json=wish, headers={"If-Match": '"2"'})
    assert both.status_code == 422
    behind = await ada.post(f"{path}/edits", json={**_label("x"), "base_revision": 1})
    assert behind.status_code == 422  # there is no such node any more, not: it is behind


def _label(node_id: str = "greet") -> dict[str, object]:
    return {"client": "tab", "seq": 1, "ops": [{"op": "set_label", "id": node_id, "label": "Hi"}]}


async def test_a_browser_that_has_all_of_an_ended_run_is_told_to_stay_away(ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    path = f"/api/runs/{run['id']}/events"
    stream = (await ada.get(path)).text
    last = [line.removeprefix("id: ") for line in stream.splitlines() if line.startswith("id: ")][
        -1
    ]
    again = await ada.get(path, headers={"Last-Event-ID": last})
    assert (again.status_code, again.content) == (204, b"")
    assert (await ada.get(path, headers={"Last-Event-ID": str(int(last) - 1)})).status_code == 200


async def test_a_browser_that_comes_again_to_a_run_at_work_is_served(site, ada):
    _, run_id, _ = await waiting_run(site, ada)
    log = (await ada.get(f"/api/runs/{run_id}/log")).json()["items"]
    await ada.post(f"/api/runs/{run_id}/cancel")
    answer = await ada.get(
        f"/api/runs/{run_id}/events", headers={"Last-Event-ID": str(log[-1]["seq"])}
    )
    assert answer.status_code == 200
    assert "run.canceled" in answer.text


async def test_runs_of_a_workflow_are_listed_in_pages(ada, bob):
    workflow_id, other = await new_workflow(ada), await new_workflow(ada)
    ids = [(await run_now(ada, workflow_id)).json()["id"] for _ in range(3)]
    await run_now(ada, other)
    path = f"/api/workflows/{workflow_id}/runs"
    first = (await ada.get(path, params={"limit": 2})).json()
    rest = (await ada.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [run["id"] for run in (*first["items"], *rest["items"])] == ids[::-1]
    assert rest["next_cursor"] is None
    assert (await ada.get(path, params={"status": "failed"})).json()["items"] == []
    assert (await bob.get(path)).status_code == 404
    assert (await ada.get("/api/workflows/none/runs")).status_code == 404


@pytest.mark.parametrize("name", ["paid/now", "50 % off?", "Zahlung/März #3", "a//b", "order:7/…"])
async def test_a_signal_with_any_name_a_step_can_wait_for_arrives(site, ada, name):
    document = graph(
        node("start", "trigger.manual"),
        node("hold", "logic.wait", config={"wait_for": "signal", "signal": name}),
    )
    document["edges"] = [
        {
            "id": "e",
            "source": "start",
            "source_port": "data",
            "target": "hold",
            "target_port": "input",
        }
    ]
    workflow_id = await new_workflow(ada, document)
    started = (await ada.post(f"/api/workflows/{workflow_id}/runs", json={})).json()
    await site.work()
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    sent = await ada.post(f"/api/runs/{started['run_id']}/signals/{quoted}", json={"payload": 7})
    assert sent.status_code == 200, sent.text
    await site.work()
    assert (await ada.get(f"/api/runs/{started['run_id']}")).json()["status"] == "succeeded"


@pytest.mark.parametrize("name", ["..", "a/../b", ".", "two\nlines"])
async def test_a_name_that_nobody_can_send_is_a_problem_of_the_draft(ada, name):
    document = graph(
        node("start", "trigger.manual"),
        node("hold", "logic.wait", config={"wait_for": "signal", "signal": name}),
    )
    workflow_id = await new_workflow(ada, document)
    found = (await ada.post(f"/api/workflows/{workflow_id}/compile")).json()
    [problem] = [one for one in found["problems"] if one["field"] == "signal"]
    assert problem["severity"] == "error"
    assert "name of a signal" in problem["message"]
