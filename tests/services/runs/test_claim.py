"""Claiming in turns, in the database: batches, limits, fairness, many workers, runs with a past."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update
from sqlmodel import col

from app.adapters.sql.leases import FAR
from app.kernel.clock import now
from app.models import Run, RunEvent, Step, Workflow, Workspace
from app.services.runs.claiming.claim import claim_runs
from app.services.runs.claiming.claim_sql import ClaimRequest, let_lost_go
from tests.graphs import slow
from tests.rows import make_actor, make_run, make_workflow

GRAPH = slow(1)


@pytest.fixture
def pending(app):
    """Store pending runs of one workflow; later ones were queued later."""

    async def make(actor, count, workflow_id=None, **columns):
        workflow_id = workflow_id or await make_workflow(app.database, actor, GRAPH)
        first = columns.pop("queued_at", now() - timedelta(minutes=10))
        made = []
        for at in range(count):
            queued = first + timedelta(milliseconds=at)
            plain = {"status": "pending", "epoch": 0, "queued_at": queued, **columns}
            run = await make_run(app.database, actor, workflow_id, graph=GRAPH, **plain)
            made.append(run.id)
        return made

    return make


@pytest.fixture
def claim(app):
    async def take(free, **more):
        claimed = await claim_runs(app, ClaimRequest(**{"worker": "me", "free": free, **more}))
        return [claimed.run.id for claimed in claimed.runs]

    return take


async def change(app, table, row_id, **values):
    async with app.database.work() as uow:
        await uow.session.execute(update(table).where(col(table.id) == row_id).values(**values))


async def statuses(app):
    async with app.database.read() as uow:
        query = select(col(Run.status), func.count()).group_by(col(Run.status))
        return dict((await uow.session.execute(query)).tuples().all())


async def test_a_batch_is_claimed_under_leases_in_order(app, actor, pending, claim):
    ids = await pending(actor, 5)
    assert await claim(3) == ids[:3]
    assert await claim(9) == ids[3:]
    assert await claim(9) == []
    async with app.database.read() as uow:
        for run in (await uow.session.execute(select(Run))).scalars():
            assert (run.status, run.epoch, run.worker, run.attempts) == ("running", 1, "me", 0)
            assert now() < run.lease_until < now() + timedelta(seconds=5)
            assert run.started_at is not None


async def test_many_workers_never_get_the_same_run(app, actor, pending, claim):
    ids = await pending(actor, 40)
    got = await asyncio.gather(*(claim(7) for _ in range(10)))
    taken = [run_id for some in got for run_id in some]
    assert sorted(taken) == sorted(ids)


async def test_a_workspace_has_no_more_at_work_than_it_may(app, actor, pending, claim):
    await pending(actor, 8)
    other = await make_actor(app.database)
    theirs = await pending(other, 2)
    await change(app, Workspace, actor.workspace_id, max_running=3)
    got = await asyncio.gather(*(claim(5) for _ in range(4)))
    taken = [run_id for some in got for run_id in some]
    assert len(taken) == 5
    assert set(theirs) < set(taken)
    assert await claim(9, max_concurrent=1) == []
    await change(app, Run, (set(taken) - set(theirs)).pop(), status="succeeded")
    assert len(await claim(9)) == 1


async def test_the_setting_bounds_workspaces_that_say_nothing(app, actor, pending, claim):
    await pending(actor, 4)
    assert len(await claim(9, max_concurrent=2)) == 2
    assert await claim(9, max_concurrent=2) == []


async def test_runs_of_one_key_go_one_after_the_other_and_hold_up_nobody(
    app, actor, pending, claim
):
    workflow_id = await make_workflow(app.database, actor, GRAPH)
    same = await pending(actor, 60, workflow_id, concurrency_key="customer 1")
    behind = await pending(actor, 1, workflow_id, concurrency_key="customer 2", queued_at=now())
    assert await claim(2) == same[:1]
    assert await claim(2) == behind, "60 runs that may not start yet stand before it"
    assert await claim(2) == []
    await change(app, Run, same[0], status="succeeded")
    assert await claim(2) == same[1:2]


async def test_a_workflow_s_own_number_bounds_its_runs(app, actor, pending, claim):
    workflow_id = await make_workflow(app.database, actor, GRAPH)
    await change(app, Workflow, workflow_id, run_settings={"concurrency": 2})
    ids = await pending(actor, 5, workflow_id)
    got = await asyncio.gather(*(claim(3) for _ in range(3)))
    assert sorted(run_id for some in got for run_id in some) == ids[:2]
    await change(app, Run, ids[0], status="waiting")
    assert await claim(3) == ids[2:3], "a run that waits holds no place"


async def test_priorities_are_kept_and_low_ones_do_not_starve(app, actor, pending, claim):
    at = now()
    [low] = await pending(actor, 1, priority=2, queued_at=at)
    [normal] = await pending(actor, 1, priority=1, queued_at=at + timedelta(seconds=1))
    [high] = await pending(actor, 1, priority=0, queued_at=at + timedelta(seconds=2))
    [old] = await pending(actor, 1, priority=2, queued_at=at - timedelta(minutes=3))
    assert await claim(4) == [old, high, normal, low]


async def test_a_worker_takes_only_the_levels_of_its_queues(app, actor, pending, claim):
    await pending(actor, 1, priority=1)
    [high] = await pending(actor, 1, priority=0)
    assert await claim(9, levels=(0,)) == [high]
    assert await claim(9, levels=(0, 2)) == []


async def test_a_newcomer_is_not_behind_another_workspace_s_hundreds(app, actor, pending, claim):
    crowd = await pending(actor, 100)
    newcomer = await pending(await make_actor(app.database), 5, queued_at=now())
    first = await claim(10)
    assert set(newcomer) < set(first)
    assert len(set(first) & set(crowd)) == 5


async def test_every_workspace_gets_its_turn_when_there_are_very_many(
    app, actor, pending, claim, monkeypatch
):
    monkeypatch.setattr("app.services.runs.claiming.claim_sql.MAX_WORKSPACES", 3)
    ids = [run_id for _ in range(7) for run_id in await pending(await make_actor(app.database), 2)]
    taken, after = [], ""
    for _ in range(5):
        found = await claim_runs(app, ClaimRequest(worker="me", free=3, after=after))
        after = found.last
        taken += [claimed.run.id for claimed in found.runs]
        for claimed in found.runs:  # they end at once, so that all workspaces stay even
            await change(app, Run, claimed.run.id, status="succeeded")
    assert len({run_id for run_id in taken if run_id in ids}) == 14


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
async def test_a_locked_run_is_passed_over(app, actor, pending, claim):
    ids = await pending(actor, 2)
    async with app.database.work() as uow:
        await uow.session.get(Run, ids[0], with_for_update=True)
        async with asyncio.timeout(2):
            assert await claim(2) == ids[1:]
    assert await claim(2) == ids[:1]


async def test_a_run_with_a_past_goes_on_from_its_steps(app, actor, pending):
    [run_id] = await pending(actor, 1, epoch=3)
    async with app.database.work() as uow:
        uow.session.add(
            Step(
                id="stp_1", workspace_id=actor.workspace_id, run_id=run_id, node_id="a", path="a",
                kind="data.set", label="", status="succeeded",
            )
        )  # fmt: skip
    [claimed] = (await claim_runs(app, ClaimRequest(worker="me", free=1))).runs
    assert (claimed.run.epoch, [step.path for step in claimed.steps]) == (4, ["a"])
    assert claimed.graph == GRAPH


async def test_what_was_to_be_cancelled_or_kills_workers_ends_instead(app, actor, pending, claim):
    [wanted] = await pending(actor, 1, control="cancel")
    [poison] = await pending(actor, 1, attempts=6)
    assert await claim(9) == []
    async with app.database.read() as uow:
        assert (await uow.session.get_one(Run, wanted)).status == "canceled"
        dead = await uow.session.get_one(Run, poison)
        assert (dead.status, dead.error["code"]) == ("failed", "worker_lost")
        assert dead.dead_at is not None


@pytest.mark.parametrize(("last_seq", "deaths"), [(2, 1), (5, 3)])
async def test_a_run_that_came_further_since_its_last_death_is_no_suspect(
    app, actor, pending, last_seq, deaths
):
    """Of its five events the second one says that a step was completed."""
    [run_id] = await pending(
        actor, 1, status="running", attempts=2, crash_seq=last_seq - 1, lease_until=now() - FAR
    )
    kinds = ("step.started", "step.completed", "step.started", "step.started", "step.started")
    async with app.database.work() as uow:
        for seq, kind in enumerate(kinds, 1):
            fact = {"run_id": run_id, "seq": seq, "type": kind, "payload": {}, "at": now()}
            uow.session.add(RunEvent(workspace_id=actor.workspace_id, **fact))
    await app.database.transact(lambda connection: let_lost_go(connection, [run_id]))
    async with app.database.read() as uow:
        run = await uow.session.get_one(Run, run_id)
        assert (run.attempts, run.crash_seq) == (deaths, 5)


async def test_a_process_has_one_run_at_a_time_that_may_be_what_kills_it(
    app, actor, pending, claim
):
    first, *others = await pending(actor, 3, attempts=3)
    fresh = await pending(actor, 2)
    assert set(await claim(9)) == {first, *fresh}
    assert await claim(9) == []
    assert await claim(9, worker="other") == [others[0]]
    await change(app, Run, first, status="succeeded")
    assert await claim(9) == [others[1]]


async def test_a_batch_needs_few_queries(app, actor, pending):
    """However many runs and workspaces: the claim is what workers do most."""
    for _ in range(4):
        await pending(await make_actor(app.database), 6)
    seen = []
    engine = app.database._direct or app.database.writer.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    claimed = await claim_runs(app, ClaimRequest(worker="me", free=20))
    assert len(claimed.runs) == 20
    assert len(seen) <= 8, seen


async def test_ten_thousand_pending_runs_cost_no_more_than_a_few(app, actor, pending, claim):
    """Only the first runs of each workspace are looked at: the plan scans no table."""
    await pending(actor, 1)
    async with app.database.work() as uow:
        table = Run.__table__
        row = dict((await uow.session.execute(select(table))).mappings().one())
        await uow.session.execute(
            table.insert(),
            [{**row, "id": f"run_{at:05d}", "number": at + 2} for at in range(10_000)],
        )
        analyze = "ANALYZE run"
        await (await uow.session.connection()).exec_driver_sql(analyze)
    await claim(10)  # statements are compiled once
    best = min([await _seconds(claim(50)) for _ in range(5)])
    assert best < 0.1, f"{best * 1000:.0f} ms for 50 of 10,000 runs"


async def _seconds(work):
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert len(await work) == 50
    return loop.time() - began
