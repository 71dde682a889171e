"""Runs that killed too many processes: listed, requeued from where they stopped, or put away."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.kernel.clock import now
from app.kernel.errors import Conflict, Denied, InvalidInput, NotFound
from app.models import AuditEntry, Run
from app.services.access import Actor
from app.services.runs.reading.queries import get_run
from app.services.runs.recovery.dead_letters import discard, list_dead_letters, requeue
from tests.graphs import slow
from tests.rows import make_actor, make_run, make_workflow


@pytest.fixture
def lose(app, actor):
    """Store a run that was given up so many minutes ago."""

    async def make(name="Flow", minutes=0):
        at = now() - timedelta(minutes=minutes)
        flow = await make_workflow(app.database, actor, slow(2), name=name)
        gone = {"status": "failed", "attempts": 6, "dead_at": at, "queued_at": at}
        return await make_run(app.database, actor, flow, graph=slow(2), **gone)

    return make


@pytest.fixture
def listed(app, actor):
    async def read(who=None, **more):
        async with app.database.read() as uow:
            return await list_dead_letters(uow, who or actor, **more)

    return read


async def test_a_run_that_kills_its_processes_ends_as_a_dead_letter(
    app, actor, start, listed, work_off
):
    run = await start(slow(1))
    async with app.database.work() as uow:
        row = await uow.session.get_one(Run, run.id)
        row.status, row.attempts, row.epoch = "running", 5, 6
        row.lease_until = now() - timedelta(seconds=5)
    await work_off()
    [letter] = (await listed()).items
    assert (letter.run.id, letter.run.status, letter.crashes) == (run.id, "failed", 6)
    assert letter.run.error["code"] == "worker_lost"


async def test_the_list_is_searched_and_paged_and_of_one_s_own_workspace(app, lose, listed):
    old, new = await lose("Invoices", 10), await lose("Letters", 1)
    assert [one.run.id for one in (await listed()).items] == [new.id, old.id]
    assert [one.run.id for one in (await listed(search="invoi")).items] == [old.id]
    assert [one.run.id for one in (await listed(search=f"#{new.number}")).items] == [new.id]
    first = await listed(limit=1)
    second = await listed(limit=1, cursor=first.next_cursor)
    assert [one.run.id for one in (*first.items, *second.items)] == [new.id, old.id]
    assert second.next_cursor is None
    assert (await listed(await make_actor(app.database))).items == ()
    with pytest.raises(InvalidInput):
        await listed(cursor="nonsense")


async def test_requeueing_goes_on_from_what_was_finished(
    app, actor, start, world, listed, work_off
):
    async def die(request):
        if request.url.endswith("/1"):
            raise asyncio.CancelledError

    world.on_http = die
    run = await start(slow(2), {})
    for _ in range(6):  # each process dies in the second call
        with suppress(asyncio.CancelledError):
            await work_off()
        async with app.database.work() as uow:
            row = await uow.session.get_one(Run, run.id)
            row.status, row.lease_until = "running", now() - timedelta(seconds=5)
    await work_off()
    [letter] = (await listed()).items
    assert letter.run.id == run.id
    world.on_http = None
    del world.calls[:]
    async with app.database.work() as uow:
        again = await requeue(uow, actor, run.id)
    assert again.id != run.id
    await work_off()
    async with app.database.read() as uow:
        done = await get_run(uow, actor, again.id)
        entries = (await uow.session.execute(select(AuditEntry.action))).scalars().all()
        row = await uow.session.get_one(Run, run.id)
    assert (done.status, row.status, row.requeued_as) == ("succeeded", "failed", again.id)
    assert [url[-1] for url in world.calls] == ["1"], "what had finished is not executed again"
    assert (await listed()).items == ()
    assert "dead_letter.requeue" in entries
    with pytest.raises(Conflict, match="requeued before"):
        async with app.database.work() as uow:
            await requeue(uow, actor, run.id)


async def test_what_is_put_away_stays_a_failed_run(app, actor, lose, listed):
    run = await lose()
    async with app.database.work() as uow:
        await discard(uow, actor, run.id)
    assert (await listed()).items == ()
    async with app.database.read() as uow:
        assert (await get_run(uow, actor, run.id)).status == "failed"
        query = select(AuditEntry).where(col(AuditEntry.action) == "dead_letter.discard")
        assert (await uow.session.execute(query)).scalar_one().subject == run.id
    async with app.database.work() as uow:
        with pytest.raises(Conflict, match="not a dead letter"):
            await discard(uow, actor, run.id)


@pytest.mark.parametrize("act", [requeue, discard])
async def test_only_members_of_the_workspace_decide(app, actor, lose, act):
    run = await lose()
    reader = Actor(actor.user_id, actor.workspace_id, "viewer")
    async with app.database.work() as uow:
        with pytest.raises(Denied):
            await act(uow, reader, run.id)
    stranger = await make_actor(app.database)
    async with app.database.work() as uow:
        with pytest.raises(NotFound):
            await act(uow, stranger, run.id)


async def test_a_run_that_is_alive_cannot_be_requeued(app, actor, start):
    run = await start(slow(1), {})
    with pytest.raises(Conflict, match="not a dead letter"):
        async with app.database.work() as uow:
            await requeue(uow, actor, run.id)
    async with app.database.read() as uow:
        runs = (await uow.session.execute(select(Run.id))).scalars().all()
    assert runs == [run.id], "nothing was started"
