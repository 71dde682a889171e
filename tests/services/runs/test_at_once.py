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
from app.services.app_context import Runtime
from app.services.runs.lifecycle.execute import execute_run
from app.services.runs.reading.queries import get_run, list_events, list_steps
from app.services.runs.starting import inline, offload
from app.services.runs.starting.offload import run_and_wait
from app.services.runs.starting.start import StartRun, start_run
from tests.graphs import QUICK, START, chain, node, slow
from tests.rows import make_actor, make_workflow

ADA = {"name": "Ada"}


@pytest.fixture
async def quick(parts, actor, monkeypatch):
    monkeypatch.setattr(inline, "DEADLINE_S", 30)  # a busy machine is no part of these tests
    return await make_workflow(parts.database, actor, QUICK)


def wish(workflow_id, given=None, **more):
    return StartRun(workflow_id=workflow_id, input=given or ADA, trigger="api", **more)


async def count(parts, table):
    async with parts.database.read() as uow:
        return await uow.session.scalar(select(func.count()).select_from(table))


async def test_what_is_answered_is_what_is_stored(parts, actor, quick):
    told = await run_and_wait(parts, actor, wish(quick), 5)
    assert (told.status, told.output, told.number, told.version) == ("succeeded", "Hi Ada", 1, 1)
    assert parts.keeper.count == 0
    async with parts.database.read() as uow:
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


async def test_many_at_once_have_numbers_without_gaps_and_one_version(parts, actor, quick):
    told = await asyncio.gather(*(run_and_wait(parts, actor, wish(quick), 20) for _ in range(30)))
    assert sorted(run.number for run in told) == list(range(1, 31))
    assert {run.output for run in told} == {"Hi Ada"}
    assert await count(parts, WorkflowVersion) == 1
    assert (parts.quick_waiting, parts.quick_slots.locked()) == (0, False)


async def test_fifty_with_one_key_are_one_run(parts, actor, quick):
    told = await asyncio.gather(
        *(run_and_wait(parts, actor, wish(quick, idempotency_key="k"), 20) for _ in range(50))
    )
    assert len({run.id for run in told}) == 1
    assert {run.output for run in told} == {"Hi Ada"}
    assert (await count(parts, Run), await count(parts, Step)) == (1, 3)
    async with parts.database.read() as uow:
        assert (await uow.session.get_one(Workspace, actor.workspace_id)).run_count == 1
    with pytest.raises(Conflict):
        await run_and_wait(parts, actor, wish(quick, {"name": "Eve"}, idempotency_key="k"), 5)
    other = await make_actor(parts.database)
    theirs = await make_workflow(parts.database, other, QUICK)
    fresh = await run_and_wait(parts, other, wish(theirs, idempotency_key="k"), 5)
    assert fresh.id != told[0].id, "keys belong to a workspace"


async def test_a_run_over_its_deadline_is_stored_and_goes_on_in_a_worker(
    parts, actor, quick, monkeypatch
):
    monkeypatch.setattr(inline, "DEADLINE_S", 0)
    monkeypatch.setattr(execution, "STEPS_AT_ONCE", 1)
    told = await run_and_wait(parts, actor, wish(quick), 0.2)
    assert told.status == "pending"
    await execute_run(parts, told.id)
    async with parts.database.read() as uow:
        assert (await get_run(uow, actor, told.id)).output == "Hi Ada"
    assert (await count(parts, Run), await count(parts, Step)) == (1, 3)


async def test_more_than_may_wait_here_go_to_the_workers(parts, actor, quick):
    parts.quick_waiting = inline.MAX_WAITING
    parts.light_slots = 0
    told = await run_and_wait(parts, actor, wish(quick), 0.2)
    assert told.status == "pending"
    assert told.id in "".join(await parts.queue.waiting())


async def test_when_all_places_are_taken_quick_runs_wait_for_one(parts, actor, quick):
    for _ in range(parts.quick_slots._value):
        await parts.quick_slots.acquire()
    asked = asyncio.create_task(run_and_wait(parts, actor, wish(quick), 20))
    await asyncio.sleep(0.3)
    assert await count(parts, Run) == 0
    parts.quick_slots.release()
    assert (await asked).output == "Hi Ada"


async def test_a_run_that_waits_for_the_outside_is_stored_first_and_answered_from_here(
    parts, actor, world
):
    seen = []

    async def look(_):
        async with parts.database.read() as uow:
            seen.extend((await uow.session.execute(select(Run.status, Run.worker))).all())

    world.on_http = look
    workflow_id = await make_workflow(parts.database, actor, slow(1))
    told = await run_and_wait(parts, actor, wish(workflow_id), 20)
    assert (told.status, told.output) == ("succeeded", "done")
    assert seen == [("running", parts.name)]
    async with parts.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told
    assert parts.keeper.count == 0
    full = parts.light_slots
    parts.light_slots = 0
    world.on_http = None
    assert (await run_and_wait(parts, actor, wish(workflow_id), 0.2)).status == "pending"
    parts.light_slots = full


async def test_when_the_web_process_dies_a_worker_goes_on_with_what_it_executed(
    parts, actor, world, make_host, tmp_path
):
    hang = asyncio.Event()
    calls = []

    async def second_hangs(request):
        calls.append(request.url)
        if len(calls) == 2:
            await hang.wait()

    world.on_http = second_hangs
    workflow_id = await make_workflow(parts.database, actor, slow(3))
    told = await run_and_wait(parts, actor, wish(workflow_id), 1)
    assert told.status == "running"
    for held in parts.keeper._snapshot():  # as if the process were gone: nobody renews the lease
        parts.keeper.let_go(held)
    config = Settings(
        data_dir=tmp_path / "data", database_url=parts.settings.database, redis_url=parts.redis_url
    )
    worker = Runtime(config, make_host)
    await worker.start()
    done = told
    try:
        async with asyncio.timeout(20):
            while done.status == "running":  # the last renewal may still be on its way
                late = now() - timedelta(seconds=5)
                change = update(Run).where(col(Run.id) == told.id).values(lease_until=late)
                async with parts.database.work() as uow:
                    await uow.session.execute(change)
                await execute_run(worker, told.id)
                async with parts.database.read() as uow:
                    done = await get_run(uow, actor, told.id)
    finally:
        await worker.close()
    hang.set()
    async with parts.database.read() as uow:
        steps = await list_steps(uow, actor, told.id)
    assert (done.status, done.output) == ("succeeded", "done")
    assert {step.status for step in steps} == {"succeeded"}
    assert calls.count("https://slow.example/0") == 1, "a finished step is not executed again"


async def test_a_limited_workflow_takes_its_turn_in_the_queue(parts, actor, quick):
    async with parts.database.work() as uow:
        (await uow.session.get_one(Workflow, quick)).run_settings = {"concurrency": 1}
    assert (await run_and_wait(parts, actor, wish(quick), 0.2)).status == "pending"


async def test_refusals_are_those_of_any_start(parts, actor, quick):
    form = {"fields": [{"name": "name", "title": "Your name", "required": True}]}
    graph = chain(node("start", "trigger.manual", form), node("answer", "flow.respond"))
    asking = await make_workflow(parts.database, actor, graph)
    for _ in range(2):  # also once its plan is known
        with pytest.raises(InvalidInput) as here:
            await run_and_wait(parts, actor, wish(asking, {"name": ""}), 5)
        with pytest.raises(InvalidInput) as there:
            async with parts.database.work() as uow:
                await start_run(uow, actor, wish(asking, {"name": ""}))
        assert (here.value.message, here.value.context) == (
            there.value.message,
            there.value.context,
        )
        await run_and_wait(parts, actor, wish(asking), 5)
    other, viewer = await make_actor(parts.database), await make_actor(parts.database, "viewer")
    with pytest.raises(NotFound, match="There is no such workflow"):
        await run_and_wait(parts, other, wish(quick), 5)
    with pytest.raises(Denied):
        await run_and_wait(parts, viewer, wish(quick), 5)


async def test_a_changed_draft_is_what_runs(parts, actor, quick):
    assert (await run_and_wait(parts, actor, wish(quick), 5)).output == "Hi Ada"
    async with parts.database.work() as uow:
        workflow = await uow.session.get_one(Workflow, quick)
        workflow.graph = chain(START, node("answer", "flow.respond", {"value": "new"}))
        workflow.revision += 1
    told = await run_and_wait(parts, actor, wish(quick), 5)
    assert (told.output, told.version) == ("new", 2)
    async with parts.database.work() as uow:
        (await uow.session.get_one(Workflow, quick)).deleted_at = now()
    with pytest.raises(NotFound):
        await run_and_wait(parts, actor, wish(quick), 5)


async def test_large_and_odd_values_are_answered_as_they_are_stored(parts, actor):
    graph = chain(START, node("answer", "flow.respond", {"value": "{{ trigger.text }}"}))
    workflow_id = await make_workflow(parts.database, actor, graph)
    text = "é" * 100_000
    told = await run_and_wait(parts, actor, wish(workflow_id, {"text": text}), 10)
    assert told.output == text
    async with parts.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told


async def test_what_was_accepted_is_never_answered_with_an_error(parts, actor, world, monkeypatch):
    """The database may go away while the caller waits."""

    async def away(*_):
        raise StorageDown("The database does not answer.")

    workflow_id = await make_workflow(parts.database, actor, slow(1))
    with monkeypatch.context() as broken:
        broken.setattr(inline, "_answer", away)
        here = await run_and_wait(parts, actor, wish(workflow_id), 5)
        parts.light_slots = 0
        broken.setattr(inline, "wait_for_run", away)
        queued = await run_and_wait(parts, actor, wish(workflow_id), 5)
        broken.setattr(offload, "wait_for_run", away)
        pinned = await run_and_wait(parts, actor, wish(workflow_id, priority=0), 5)
    assert (here.status, queued.status, pinned.status) == ("running", "pending", "pending")
    assert await count(parts, Run) == 3
