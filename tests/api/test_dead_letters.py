"""Dead letters over HTTP: list, requeue, put away."""

from sqlalchemy import update
from sqlmodel import col

from app.kernel.clock import now
from app.models import Run
from app.services.app_context import current_app
from tests.api.conftest import new_workflow


async def dead_run(client):
    workflow_id = await new_workflow(client)
    body = {"input": {"name": "Ada"}, "wait": 20}
    run = (await client.post(f"/api/workflows/{workflow_id}/runs", json=body)).json()
    async with current_app().database.work() as uow:
        gone = {"status": "failed", "dead_at": now(), "attempts": 6}
        await uow.session.execute(update(Run).where(col(Run.id) == run["id"]).values(**gone))
    return run["id"]


async def test_a_dead_letter_is_listed_requeued_and_gone(ada):
    run_id = await dead_run(ada)
    [letter] = (await ada.get("/api/dead-letters")).json()["items"]
    assert (letter["run"]["id"], letter["crashes"]) == (run_id, 6)
    assert (await ada.get("/api/dead-letters?search=nothing")).json()["items"] == []
    answer = await ada.post(f"/api/dead-letters/{run_id}/requeue")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.json()["id"] != run_id
    assert (await ada.get("/api/dead-letters")).json()["items"] == []
    again = await ada.post(f"/api/dead-letters/{run_id}/requeue")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_dead_letter_is_put_away(ada):
    run_id = await dead_run(ada)
    assert (await ada.post(f"/api/dead-letters/{run_id}/discard")).status_code == 204
    assert (await ada.get("/api/dead-letters")).json()["items"] == []
    assert (await ada.get(f"/api/runs/{run_id}")).json()["status"] == "failed"
    assert (await ada.post("/api/dead-letters/run_none/discard")).status_code == 404
