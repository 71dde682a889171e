"""Open editors hear of each other's edits, in every process; what somebody else changed first is not overwritten."""

import asyncio
import time
from contextlib import aclosing

import pytest

from app.kernel.errors import NotFound
from app.kernel.settings import Settings
from app.services.composition import close_app, make_app, open_app
from app.services.identity.commands import logout
from app.services.workflows import live
from app.services.workflows.commands import delete_workflow, edit_draft, save_draft
from app.services.workflows.live import follow_draft
from app.services.workflows.queries import get_workflow
from tests.services.people import graph, node, person
from tests.services.workflows.test_drafts import edit, made


@pytest.fixture(params=["redis", "none"])
async def app(request, database_url, tmp_path):
    url = request.getfixturevalue("clean_redis") if request.param == "redis" else "none"
    opened = await open_app(
        Settings(data_dir=tmp_path / "data", database_url=database_url, redis_url=url)
    )
    yield opened
    await close_app()


@pytest.fixture
async def far(app):
    """Another process: the same one where there is no Redis."""
    if not app.redis_url:
        yield app
        return
    other = make_app(app.settings)
    await other.start()
    yield other
    await other.close()


def label(text, **more):
    return {"op": "set_label", "id": "greet", "label": text, **more}


async def test_an_editor_in_another_process_hears_of_an_edit_at_once(app, far):
    ada = await person(app.database)
    flow = await made(app.database, ada)
    async with aclosing(follow_draft(far, ada, flow.id)) as messages, asyncio.timeout(5):
        assert await anext(messages) == {"revision": 1}
        heard = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await edit(app.database, ada, flow.id, 1, label("A"), client="one")
        assert await heard == {"revision": 2, "client": "one", "ops": [label("A")]}
        assert time.monotonic() - began < 1
        await edit(app.database, ada, flow.id, 2, label("x" * 200), client="two", seq=1)
        assert (await anext(messages))["revision"] == 3


async def test_large_edits_and_whole_drafts_are_told_without_what_they_do(app, far, monkeypatch):
    ada = await person(app.database)
    flow = await made(app.database, ada)
    monkeypatch.setattr(live, "MAX_BYTES", 200)
    async with aclosing(follow_draft(far, ada, flow.id)) as messages, asyncio.timeout(5):
        await anext(messages)
        await edit(app.database, ada, flow.id, 1, label("x" * 190))
        assert await anext(messages) == {"revision": 2, "client": "tab"}
        async with app.database.work() as uow:
            await save_draft(uow, ada, flow.id, graph(node("other")), 2)
        assert await anext(messages) == {"revision": 3, "client": ""}


async def test_what_was_not_told_is_seen_by_looking(app, far, monkeypatch):
    ada = await person(app.database)
    flow = await made(app.database, ada)
    monkeypatch.setattr(live, "IDLE_S", 0.2)
    async with aclosing(follow_draft(far, ada, flow.id)) as messages, asyncio.timeout(5):
        await anext(messages)
        monkeypatch.setattr(app.bus, "publish_draft", lambda *_: None)
        await edit(app.database, ada, flow.id, 1, label("A"))
        assert await anext(messages) == {"revision": 2}


async def test_following_ends_with_the_session_and_with_the_workflow(app):
    ada, bob = await person(app.database), await person(app.database, "Bob")
    flow = await made(app.database, ada)
    with pytest.raises(NotFound):
        await anext(follow_draft(app, bob, flow.id))
    async with aclosing(follow_draft(app, ada, flow.id)) as messages:
        await anext(messages)
        async with app.database.work() as uow:
            await logout(uow, ada.session_id)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(messages), 5)
    async with app.database.work() as uow:
        await delete_workflow(uow, ada, flow.id)
    with pytest.raises(NotFound):
        await anext(follow_draft(app, ada, flow.id))


async def test_the_same_field_changed_by_two_is_not_overwritten(app):
    ada = await person(app.database)
    flow = await made(app.database, ada)
    first = await edit(app.database, ada, flow.id, 1, label("one", was=""), client="one")
    async with app.database.work() as uow:
        ops = [{"op": "move", "moves": [{"id": "greet", "x": 9, "y": 9}]}, label("two", was="")]
        second = await edit_draft(uow, ada, flow.id, 1, ops, "two", 1)
    assert (first.revision, second.revision) == (2, 2)
    assert [(one.index, one.value) for one in second.overtaken] == [(1, "one")]
    async with app.database.read() as uow:
        kept = (await get_workflow(uow, ada, flow.id)).graph["nodes"][0]
    assert (kept["label"], kept["position"]) == ("one", {"x": 0, "y": 0})
    again = await edit(app.database, ada, flow.id, 2, ops[0], label("two", was="one"), client="two")
    assert (again.revision, again.overtaken) == (3, ())
