"""How often a person, a workspace and an address may do what costs work."""

import pytest

from app.api.http import limits
from app.kernel.settings import settings
from app.services.throttle import Budgets
from tests.api.conftest import new_workflow

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def few(monkeypatch):
    """Let each person do everything twice a minute."""
    monkeypatch.setattr(limits, "_budgets", Budgets())

    def use():
        for name in ("RUNS", "CHECKS", "PREVIEWS"):
            monkeypatch.setenv(f"AGENTLOOM_{name}_PER_MINUTE", "2")
        settings.cache_clear()

    return use


def refused(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert 0 < int(answer.headers["retry-after"]) <= 30
    return answer.status_code == 429


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost:3000"}])
async def test_runs_are_counted_on_the_short_way_and_the_long_one(site, ada, bob, few, headers):
    mine, his = await new_workflow(ada), await new_workflow(bob)
    few()
    wish = {"json": {"input": {"name": "Ada"}, "wait": 5}, "headers": headers}
    for _ in range(2):
        assert (await ada.post(f"/api/workflows/{mine}/runs", **wish)).status_code == 200
    assert refused(await ada.post(f"/api/workflows/{mine}/runs", **wish))
    run_id = (await ada.get("/api/runs")).json()["items"][0]["id"]
    for again in ("rerun", "fork"):
        assert refused(await ada.post(f"/api/runs/{run_id}/{again}", json={}, headers=headers))
    assert (await bob.post(f"/api/workflows/{his}/runs", **wish)).status_code == 200


async def test_checks_and_previews_are_counted_each_by_itself(ada, few):
    workflow_id = await new_workflow(ada)
    few()
    for _ in range(2):
        assert (await ada.post(f"/api/workflows/{workflow_id}/compile")).status_code == 200
    assert refused(await ada.post(f"/api/workflows/{workflow_id}/compile"))
    rule = {"cron": "0 9 * * *"}
    for _ in range(2):
        assert (await ada.post("/api/schedules/preview", json=rule)).status_code == 200
    assert refused(await ada.post("/api/schedules/preview", json=rule))
    assert (await ada.get(f"/api/workflows/{workflow_id}")).status_code == 200


async def test_many_people_at_one_address_have_a_limit_together(site, few):
    people = [await site.person(name) for name in ("Ann", "Ben", "Cat", "Dan")]
    few()
    rule = {"cron": "0 9 * * *"}
    found = [
        (await one.post("/api/schedules/preview", json=rule)).status_code for one in people * 2
    ]
    assert found == [200] * 6 + [429] * 2
    for one in people:
        await one.aclose()


async def test_nobody_is_counted_where_there_is_no_limit(ada, few, monkeypatch):
    few()
    monkeypatch.setenv("AGENTLOOM_PREVIEWS_PER_MINUTE", "0")
    settings.cache_clear()
    for _ in range(10):
        answer = await ada.post("/api/schedules/preview", json={"cron": "0 9 * * *"})
        assert answer.status_code == 200
