"""Values kept between runs: by workflow or workspace, never across workspaces, within limits."""

import asyncio

import pytest

from app.adapters.sql.memory import MAX_BYTES, SqlMemory
from app.kernel.errors import InvalidInput
from tests.rows import make_actor


@pytest.fixture
async def memory(database):
    actor = await make_actor(database)
    return SqlMemory(database, actor.workspace_id, "wfl_1")


async def test_a_value_is_kept_replaced_and_forgotten(memory):
    assert await memory.get("workflow", "k") is None
    await memory.put("workflow", "k", {"n": [1, None, "\x00"]})
    assert await memory.get("workflow", "k") == {"n": [1, None, "\ufffd"]}
    await memory.put("workflow", "k", 2)
    assert await memory.get("workflow", "k") == 2
    assert await memory.delete("workflow", "k")
    assert not await memory.delete("workflow", "k")
    assert await memory.get("workflow", "k") is None


async def test_a_workflow_shares_only_what_is_the_workspace_s(database, memory):
    sibling = SqlMemory(database, memory._workspace_id, "wfl_2")
    stranger = SqlMemory(database, (await make_actor(database)).workspace_id, "wfl_1")
    await memory.put("workflow", "k", "mine")
    await memory.put("workspace", "k", "ours")
    assert await sibling.get("workflow", "k") is None
    assert await sibling.get("workspace", "k") == "ours"
    assert await stranger.get("workflow", "k") is None
    assert await stranger.get("workspace", "k") is None


@pytest.mark.parametrize(
    ("scope", "key", "value"),
    [
        ("planet", "k", 1),
        ("workflow", "", 1),
        ("workflow", "x" * 201, 1),
        ("workflow", "k", "x" * MAX_BYTES),
    ],
)
async def test_what_cannot_be_kept_is_refused(memory, scope, key, value):
    with pytest.raises(InvalidInput):
        await memory.put(scope, key, value)


async def test_of_appends_at_the_same_time_none_is_lost(database, memory):
    others = [SqlMemory(database, memory._workspace_id, "wfl_1") for _ in range(20)]
    await asyncio.gather(*(one.append("workflow", "k", n, 100) for n, one in enumerate(others)))
    assert sorted(await memory.get("workflow", "k")) == list(range(20))


async def test_append_gives_the_last_entries_that_are_kept(memory):
    assert await memory.append("workflow", "k", "a", 2) == ["a"]
    assert await memory.append("workflow", "k", "b", 2) == ["a", "b"]
    assert await memory.append("workflow", "k", "c", 2) == ["b", "c"]
    assert await memory.get("workflow", "k") == ["b", "c"]


async def test_a_refused_append_changes_nothing(memory):
    await memory.put("workflow", "text", "no list")
    await memory.put("workflow", "full", ["x" * (MAX_BYTES - 10)])
    for key, value in (("text", 1), ("full", "x" * 10), ("new", "x" * MAX_BYTES)):
        with pytest.raises(InvalidInput):
            await memory.append("workflow", key, value, 100)
    assert await memory.get("workflow", "text") == "no list"
    assert len(await memory.get("workflow", "full")) == 1
    assert not await memory.delete("workflow", "new")
