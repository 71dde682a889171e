"""Schedules over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from app.worker.triggers import fire_triggers
from tests.api.conftest import new_workflow
from tests.services.people import graph, node

BERLIN = "Europe/Berlin"


async def made(client, **more):
    """Make a schedule of a new workflow and return the answer."""
    workflow_id = more.pop("workflow_id", None) or await new_workflow(client)
    wish = {"workflow_id": workflow_id, "cron": "0 9 * * 1-5", "timezone": BERLIN, **more}
    return await client.post("/api/schedules", json=wish)


async def test_make_read_change_and_delete(ada):
    answer = await made(ada, input={"name": "Ada"})
    assert answer.status_code == 201
    one = answer.json()
    assert answer.headers["Location"] == f"/api/schedules/{one['id']}"
    assert one["words"] == "At 09:00 on Monday through Friday"
    assert (one["enabled"], one["missed"], len(one["next_fires"])) == (True, "once", 5)
    where = f"/api/schedules/{one['id']}"
    assert (await ada.get(where)).json() == one
    [line] = (await ada.get("/api/schedules", params={"search": "greet"})).json()["items"]
    assert line["id"] == one["id"]
    assert "input" not in line
    changed = (await ada.patch(where, json={"cron": "*/5 * * * *", "enabled": False})).json()
    assert (changed["words"], changed["enabled"], changed["next_at"]) == (
        "Every 5 minutes",
        False,
        None,
    )
    assert changed["input"] == {"name": "Ada"}
    assert (await ada.delete(where)).status_code == 204
    assert (await ada.get(where)).status_code == 404
    assert (await ada.delete(where)).status_code == 404


async def test_a_time_that_came_is_in_the_history_with_its_run(site, ada):
    one = (await made(ada, input={"name": "Ada"})).json()
    due = datetime.fromisoformat(one["next_at"])
    assert await fire_triggers(site.runtime, due + timedelta(seconds=1)) == 1
    [fire] = (await ada.get(f"/api/schedules/{one['id']}/fires")).json()["items"]
    assert (fire["status"], datetime.fromisoformat(fire["fire_at"])) == ("fired", due)
    run = (await ada.get(f"/api/runs/{fire['run_id']}")).json()
    assert (run["trigger"], run["input"], run["number"]) == (
        "schedule",
        {"name": "Ada"},
        fire["run_number"],
    )


async def test_run_now_with_a_key_starts_one_run(ada):
    one = (await made(ada, input={"name": "Ada"})).json()
    headers = {"Idempotency-Key": "mine"}
    answers = [
        await ada.post(f"/api/schedules/{one['id']}/run-now", headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    [run_id] = {answer.json()["run_id"] for answer in answers}
    assert answers[0].headers["Location"] == f"/api/runs/{run_id}"
    assert len((await ada.get(f"/api/schedules/{one['id']}/fires")).json()["items"]) == 1


async def test_preview_shows_the_next_times_in_the_zone(ada):
    wish = {"cron": "30 2 * * *", "timezone": "europe/berlin", "count": 3}
    found = (await ada.post("/api/schedules/preview", json=wish)).json()
    assert (found["timezone"], found["words"]) == (BERLIN, "At 02:30 every day")
    assert len(found["next_fires"]) == 3
    for one in found["next_fires"]:
        at, local = map(datetime.fromisoformat, (one["at"], one["local"]))
        assert at == local
        assert at > datetime.now(UTC)


@pytest.mark.parametrize(
    ("wish", "field", "said"),
    [
        ({"cron": "61 * * * *"}, "cron", "0 to 59"),
        ({"cron": "0 0 30 2 *"}, "cron", "never comes"),
        ({"timezone": "Berlin"}, "timezone", BERLIN),
        ({"missed": "all"}, "missed", "skip"),
        ({"name": "x" * 201}, "name", "200 characters"),
        ({"enabled": "maybe"}, "enabled", "boolean"),
        ({"owner": "me"}, "owner", "no such field"),
    ],
)
async def test_what_will_not_do_is_a_problem_with_field_and_way_out(ada, wish, field, said):
    one = (await made(ada)).json()
    for answer in (
        await made(ada, **wish),
        await ada.patch(f"/api/schedules/{one['id']}", json=wish),
    ):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"] == field
        assert said in answer.json()["detail"]
    assert len((await ada.get("/api/schedules")).json()["items"]) == 1


async def test_an_input_that_does_not_fit_names_the_value(ada):
    config = {"fields": [{"name": "customer", "type": "text", "required": True}]}
    workflow_id = await new_workflow(ada, graph(node("start", "trigger.manual", config=config)))
    answer = await made(ada, workflow_id=workflow_id, input={})
    assert (answer.status_code, answer.json()["field"]) == (422, "input.customer")
    assert "customer" in answer.json()["detail"]


async def test_a_workflow_that_cannot_run_yet_is_a_warning(ada):
    blank = await new_workflow(ada, graph())
    answer = await made(ada, workflow_id=blank)
    assert answer.status_code == 201
    assert "no trigger" in answer.json()["warnings"][0]
    refused = await ada.post(f"/api/schedules/{answer.json()['id']}/run-now")
    assert refused.status_code == 422


async def test_the_api_describes_schedules(visitor):
    paths = (await visitor.get("/api/openapi.json")).json()["paths"]
    assert set(paths["/api/schedules/{schedule_id}"]) == {"get", "patch", "delete"}
