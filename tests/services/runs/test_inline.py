"""Runs that a caller waits for: stored as a whole, bounded, repeatable, and never lost."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.engine.runtime import execution
from app.kernel.clock import now
from app.kernel.errors import Conflict, Denied, InvalidInput, NotFound, StorageDown
from app.kernel.settings import Settings
from app.models import Run, Step, Workflow, WorkflowVersion, Workspace
from app.services import admission
from app.services.composition import make_app
from app.services.runs.reading.queries import get_run, list_events, list_steps
from app.services.runs.starting import inline
from app.services.runs.starting.start import StartRun, start_run
from app.services.runs.starting.waiting import run_and_wait
from tests.graphs import QUICK, START, chain, node, slow
from tests.rows import draft_of, make_actor, make_workflow

ADA = {"name": "Ada"}


@pytest.fixture
async def quick(app, actor, monkeypatch):
    monkeypatch.setattr(inline, "DEADLINE_S", 30)  # a busy machine is no part of these tests
    return await make_workflow(app.database, actor, QUICK)


def request(workflow_id, given=None, **more):
    return StartRun(workflow_id=workflow_id, input=given or ADA, trigger="api", **more)


async def count(app, table):
    async with app.database.read() as uow:
        return await uow.session.scalar(select(func.count()).select_from(table))


async def test_what_is_answered_is_what_is_stored(app, actor, quick):
    told = await run_and_wait(app, actor, request(quick), 5)
    assert (told.status, told.output, told.number, told.version) == ("succeeded", "Hi Ada", 1, 1)
    assert app.leases.count == 0
    async with app.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told
        steps = await list_steps(uow, actor, told.id)
        events = await list_events(uow, actor, told.id)
    assert [(s.path, s.status) for s in steps] == [
        ("start", "succeeded"),
        ("greet", "succeeded"),
        ("answer", "succeeded"),
    ]
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert (events[0].type, events[-1].type) == ("run.started", "run.completed")


async def test_many_at_once_have_numbers_without_gaps_and_one_version(app, actor, quick):
    told = await asyncio.gather(*(run_and_wait(app, actor, request(quick), 20) for _ in range(30)))
    assert sorted(run.number for run in told) == list(range(1, 31))
    assert {run.output for run in told} == {"Hi Ada"}
    assert await count(app, WorkflowVersion) == 1
    assert (app.admission.quick_waiting, app.admission.quick_slots.locked()) == (0, False)


async def test_fifty_with_one_key_are_one_run(app, actor, quick):
    told = await asyncio.gather(
        *(run_and_wait(app, actor, request(quick, idempotency_key="k"), 20) for _ in range(50))
    )
    assert len({run.id for run in told}) == 1
    assert {run.output for run in told} == {"Hi Ada"}
    assert (await count(app, Run), await count(app, Step)) == (1, 3)
    async with app.database.read() as uow:
        assert (await uow.session.get_one(Workspace, actor.workspace_id)).run_count == 1
    with pytest.raises(Conflict):
        await run_and_wait(app, actor, request(quick, {"name": "Eve"}, idempotency_key="k"), 5)
    other = await make_actor(app.database)
    theirs = await make_workflow(app.database, other, QUICK)
    fresh = await run_and_wait(app, other, request(theirs, idempotency_key="k"), 5)
    assert fresh.id != told[0].id, "keys belong to a workspace"


async def test_a_run_over_its_deadline_is_stored_and_goes_on_in_a_worker(
    app, actor, quick, monkeypatch, work_off
):
    monkeypatch.setattr(inline, "DEADLINE_S", 0)
    monkeypatch.setattr(execution, "STEPS_AT_ONCE", 1)
    told = await run_and_wait(app, actor, request(quick), 0.2)
    assert told.status == "pending"
    await work_off()
    async with app.database.read() as uow:
        assert (await get_run(uow, actor, told.id)).output == "Hi Ada"
    assert (await count(app, Run), await count(app, Step)) == (1, 3)


async def test_more_than_may_wait_here_go_to_the_workers(app, actor, quick):
    app.admission.quick_waiting = admission.MAX_WAITING
    app.admission.light_slots = 0
    told = await run_and_wait(app, actor, request(quick), 0.2)
    assert told.status == "pending"
    assert told.id in "".join(await app.queue.waiting())


async def test_when_all_places_are_taken_quick_runs_wait_for_one(app, actor, quick):
    for _ in range(app.admission.quick_slots._value):
        await app.admission.quick_slots.acquire()
    asked = asyncio.create_task(run_and_wait(app, actor, request(quick), 20))
    await asyncio.sleep(0.3)
    assert await count(app, Run) == 0
    app.admission.quick_slots.release()
    assert (await asked).output == "Hi Ada"


async def test_a_run_that_waits_for_the_outside_is_stored_first_and_answered_from_here(
    app, actor, world
):
    seen = []

    async def look(_):
        async with app.database.read() as uow:
            seen.extend((await uow.session.execute(select(Run.status, Run.worker))).all())

    world.on_http = look
    workflow_id = await make_workflow(app.database, actor, slow(1))
    told = await run_and_wait(app, actor, request(workflow_id), 20)
    assert (told.status, told.output) == ("succeeded", "done")
    assert seen == [("running", app.name)]
    async with app.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told
    assert app.leases.count == 0
    full = app.admission.light_slots
    app.admission.light_slots = 0
    world.on_http = None
    assert (await run_and_wait(app, actor, request(workflow_id), 0.2)).status == "pending"
    app.admission.light_slots = full


async def test_when_the_web_process_dies_a_worker_goes_on_with_what_it_executed(
    app, actor, world, make_host, tmp_path, work_off
):
    hang = asyncio.Event()
    calls = []

    async def second_hangs(request):
        calls.append(request.url)
        if len(calls) == 2:
            await hang.wait()

    world.on_http = second_hangs
    workflow_id = await make_workflow(app.database, actor, slow(3))
    told = await run_and_wait(app, actor, request(workflow_id), 1)
    assert told.status == "running"
    for held in app.leases._snapshot():  # as if the process were gone: nobody renews the lease
        app.leases.let_go(held)
    config = Settings(
        data_dir=tmp_path / "data", database_url=app.settings.database, redis_url=app.redis_url
    )
    worker = make_app(config, make_host)
    await worker.start()
    done = told
    try:
        async with asyncio.timeout(20):
            while done.status == "running":  # the last renewal may still be on its way
                late = now() - timedelta(seconds=5)
                change = update(Run).where(col(Run.id) == told.id).values(lease_until=late)
                async with app.database.work() as uow:
                    await uow.session.execute(change)
                await work_off(worker)
                async with app.database.read() as uow:
                    done = await get_run(uow, actor, told.id)
    finally:
        await worker.close()
    hang.set()
    async with app.database.read() as uow:
        steps = await list_steps(uow, actor, told.id)
    assert (done.status, done.output) == ("succeeded", "done")
    assert {step.status for step in steps} == {"succeeded"}
    assert calls.count("https://slow.example/0") == 1, "a finished step is not executed again"


async def test_a_limited_workflow_takes_its_turn_in_the_queue(app, actor, quick):
    async with app.database.work() as uow:
        (await uow.session.get_one(Workflow, quick)).run_settings = {"concurrency": 1}
    assert (await run_and_wait(app, actor, request(quick), 0.2)).status == "pending"


async def test_refusals_are_those_of_any_start(app, actor, quick):
    form = {"fields": [{"name": "name", "title": "Your name", "required": True}]}
    graph = chain(node("start", "trigger.manual", form), node("answer", "flow.respond"))
    asking = await make_workflow(app.database, actor, graph)
    for _ in range(2):  # also once its plan is known
        with pytest.raises(InvalidInput) as here:
            await run_and_wait(app, actor, request(asking, {"name": ""}), 5)
        with pytest.raises(InvalidInput) as there:
            async with app.database.work() as uow:
                await start_run(app, uow, actor, request(asking, {"name": ""}))
        assert (here.value.message, here.value.context) == (
            there.value.message,
            there.value.context,
        )
        await run_and_wait(app, actor, request(asking), 5)
    other, viewer = await make_actor(app.database), await make_actor(app.database, "viewer")
    with pytest.raises(NotFound, match="There is no such workflow"):
        await run_and_wait(app, other, request(quick), 5)
    with pytest.raises(Denied):
        await run_and_wait(app, viewer, request(quick), 5)


async def test_a_changed_draft_is_what_runs(app, actor, quick):
    assert (await run_and_wait(app, actor, request(quick), 5)).output == "Hi Ada"
    async with app.database.work() as uow:
        draft = await draft_of(uow, quick)
        draft.graph = chain(START, node("answer", "flow.respond", {"value": "new"}))
        draft.revision += 1
    told = await run_and_wait(app, actor, request(quick), 5)
    assert (told.output, told.version) == ("new", 2)
    async with app.database.work() as uow:
        (await uow.session.get_one(Workflow, quick)).deleted_at = now()
    with pytest.raises(NotFound):
        await run_and_wait(app, actor, request(quick), 5)


async def test_large_and_odd_values_are_answered_as_they_are_stored(app, actor):
    graph = chain(START, node("answer", "flow.respond", {"value": "{{ trigger.text }}"}))
    workflow_id = await make_workflow(app.database, actor, graph)
    text = "é" * 100_000
    told = await run_and_wait(app, actor, request(workflow_id, {"text": text}), 10)
    assert told.output == text
    async with app.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told


async def test_what_was_accepted_is_never_answered_with_an_error(app, actor, world, monkeypatch):
    """The database may go away while the caller waits."""

    async def away(*_):
        raise StorageDown("The database does not answer.")

    workflow_id = await make_workflow(app.database, actor, slow(1))
    with monkeypatch.context() as broken:
        broken.setattr(inline, "_ended", away)
        here = await run_and_wait(app, actor, request(workflow_id), 5)
        app.admission.light_slots = 0
        broken.setattr(inline, "wait_for_run", away)
        queued = await run_and_wait(app, actor, request(workflow_id), 5)
        pinned = await run_and_wait(app, actor, request(workflow_id, priority=0), 5)
    assert (here.status, queued.status, pinned.status) == ("running", "pending", "pending")
    assert await count(app, Run) == 3
