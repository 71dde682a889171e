"""The cache of steps: fresh, bounded, for one workspace."""

from datetime import timedelta

import pytest

from app.adapters.sql import step_cache
from app.adapters.sql.step_cache import SqlStepCache, forget_expired
from app.engine.host import CachedOutput
from app.kernel.clock import now
from tests.rows import make_actor


@pytest.fixture
async def caches(database):
    return [SqlStepCache(database, (await make_actor(database)).workspace_id) for _ in range(2)]


async def test_it_gives_back_what_was_kept(caches):
    cache, _ = caches
    assert await cache.get("k") is None
    for value in (1, 2):
        await cache.put("k", CachedOutput({"value": value}, ("value",)), 60)
    assert await cache.get("k") == CachedOutput({"value": 2}, ("value",))
    await cache.put("all", CachedOutput({"value": None}), 60)
    assert await cache.get("all") == CachedOutput({"value": None}, None)


async def test_another_workspace_sees_nothing_of_it(caches):
    cache, foreign = caches
    await cache.put("k", CachedOutput({"value": 1}), 60)
    assert await foreign.get("k") is None


async def test_what_is_not_fresh_is_neither_given_nor_kept(caches, database, monkeypatch):
    cache, _ = caches
    await cache.put("old", CachedOutput({"value": 1}), 5)
    await cache.put("new", CachedOutput({"value": 1}), 500)
    monkeypatch.setattr(step_cache, "now", lambda: now() + timedelta(seconds=10))
    assert await cache.get("old") is None
    assert await forget_expired(database) == 1
    assert await cache.get("new") is not None


async def test_what_is_larger_than_64_kb_is_left_out(caches):
    cache, _ = caches
    await cache.put("small", CachedOutput({"value": "x" * 65_000}), 60)
    await cache.put("large", CachedOutput({"value": "x" * 66_000}), 60)
    assert await cache.get("small") is not None
    assert await cache.get("large") is None
