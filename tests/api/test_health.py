"""Liveness and readiness, without signing in."""

import asyncio

import pytest

from app.services.app_context import current_app

# Nothing here depends on the database: one is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_both_answer_at_both_addresses(visitor, prefix):
    assert (await visitor.get(f"{prefix}/healthz")).json() == {"status": "ok"}
    ready = await visitor.get(f"{prefix}/readyz")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert ready.json()["queue"] == "redis"
    assert set(ready.json()["checks"]) == {"database", "redis"}


async def test_readiness_leaves_no_trace_in_the_gallery(visitor, ada):
    before = (await ada.get("/api/templates")).json()
    await visitor.get("/readyz")
    assert (await ada.get("/api/templates")).json() == before


async def test_without_redis_it_is_alive_but_not_ready(visitor, site, monkeypatch):
    async def silent():
        return False

    monkeypatch.setattr(current_app().queue, "answers", silent)
    ready = await visitor.get("/readyz")
    assert ready.status_code == 503
    checks = ready.json()["checks"]
    assert (checks["database"]["ok"], checks["redis"]["ok"]) == (True, False)
    assert checks["redis"]["message"] == "Redis does not answer."
    assert (await visitor.get("/healthz")).status_code == 200


async def test_a_part_that_hangs_is_not_waited_for(visitor, site, monkeypatch):
    monkeypatch.setattr("app.services.health._PATIENCE_S", 0.05)

    async def forever():
        await asyncio.Event().wait()

    monkeypatch.setattr(current_app().queue, "answers", forever)
    assert (await visitor.get("/readyz")).status_code == 503


async def test_database_that_cannot_be_opened_is_not_ready(visitor, site, tmp_path):
    await site.runtime.database.close()
    (tmp_path / "agentloom.db").replace(tmp_path / "moved.db")
    (tmp_path / "agentloom.db").mkdir()
    ready = await visitor.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"]["ok"] is False
