"""Server-sent events of a run: order, resuming, ends."""

import asyncio
import json

import pytest

from app.kernel.settings import settings
from app.services.runs.reading import following
from tests.api.conftest import ASKING, new_workflow, waiting_run
from tests.api.test_runs import run_now


def frames(text):
    """The events of a stream as (id, event, data)."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if line[:1] not in (":", "")
        )
        if "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append((number, fields["event"], json.loads(fields["data"])))
    return found


async def test_stream_of_a_finished_run_has_every_event_once_and_ends(ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    answer = await ada.get(f"/api/runs/{run['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = frames(answer.text)
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert (found[0][1], found[-1][1]) == ("run.started", "run.completed")
    assert {data["run_id"] for _, _, data in found} == {run["id"]}
    assert all(data["type"] == event for _, event, data in found)


async def test_stream_goes_on_after_the_last_event_seen(ada):
    run = (await run_now(ada, await new_workflow(ada))).json()
    path = f"/api/runs/{run['id']}/events"
    whole = frames((await ada.get(path)).text)
    for seen in (0, 2, len(whole), len(whole) + 50):
        rest = frames((await ada.get(path, headers={"Last-Event-ID": str(seen)})).text)
        assert rest == whole[seen:]


@pytest.mark.parametrize("seen", ["x", "-1", "1.5", "9" * 30, str(2**31), str(2**63)])
async def test_odd_number_of_an_event_is_refused(ada, seen):
    run = (await run_now(ada, await new_workflow(ada))).json()
    path = f"/api/runs/{run['id']}"
    assert (await ada.get(f"{path}/events", headers={"Last-Event-ID": seen})).status_code == 422
    assert (await ada.get(f"{path}/log", params={"cursor": seen})).status_code == 422


async def test_live_stream_brings_what_happens_and_ends_with_the_run(site, ada):
    _, run_id, step_id = await waiting_run(site, ada)
    reading = asyncio.create_task(ada.get(f"/api/executions/{run_id}/events"))
    await ada.post(f"/api/steps/{step_id}/human-complete", json={"output": "approve"})
    await site.work()
    found = frames((await asyncio.wait_for(reading, 20)).text)
    events = [event for _, event, _ in found]
    assert events[-1] == "run.completed"
    assert "step.waiting_human" in events
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))


async def test_stream_ends_when_its_session_does(site, monkeypatch):
    monkeypatch.setattr(following, "IDLE_S", 0.5)
    async with await site.person("Eve") as eve:
        workflow_id = await new_workflow(eve, ASKING)
        started = await eve.post(f"/api/workflows/{workflow_id}/runs", json={})
        path = f"/api/runs/{started.json()['run_id']}/events"
        reading = asyncio.create_task(eve.get(path))
        await asyncio.sleep(3)  # it is judged anew, and goes on
        assert not reading.done()
        assert (await eve.post("/api/auth/logout")).status_code == 204
        answer = await asyncio.wait_for(reading, 5)
        assert (await eve.get(path)).status_code == 401
    assert ": still here" in answer.text
    assert frames(answer.text) == []


async def test_a_stream_more_than_ones_share_is_refused(site, ada, bob, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_STREAMS", "2")
    settings.cache_clear()
    _, run_id, _ = await waiting_run(site, ada)
    path = f"/api/runs/{run_id}/events"
    open_ones = [asyncio.create_task(ada.get(path)) for _ in range(2)]
    await asyncio.sleep(0.5)
    answer = await ada.get(path)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    mine = (await run_now(bob, await new_workflow(bob))).json()["id"]
    assert (await bob.get(f"/api/runs/{mine}/events")).status_code == 200  # others have their own
    assert (await ada.post(f"/api/runs/{run_id}/cancel")).status_code == 200
    await asyncio.wait_for(asyncio.gather(*open_ones), 10)
    assert (await ada.get(path)).status_code == 200  # and places come back
