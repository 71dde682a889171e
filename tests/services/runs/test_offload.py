"""Runs that a busy process gives to another one of its machine: each is executed once, whatever becomes of the other."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import orjson
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from app.kernel.errors import Conflict, InvalidInput, NotFound, StorageDown
from app.kernel.settings import Settings
from app.models import Run, Step
from app.services.composition import make_app
from app.services.runs.reading.queries import get_run
from app.services.runs.starting import inline, offload
from app.services.runs.starting.limits import RunSettings, put_settings
from app.services.runs.starting.offload import help_peers
from app.services.runs.starting.start import StartRun
from app.services.runs.starting.waiting import run_and_wait
from tests.graphs import QUICK, chain, node, slow
from tests.rows import make_actor, make_workflow


@pytest.fixture
def data():
    made = Path(tempfile.mkdtemp(prefix="near-"))  # a socket's path must be short
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def worker(app, make_host, data, monkeypatch):
    """Another process, which takes work over from `app`, the busy one."""
    monkeypatch.setattr(inline, "DEADLINE_S", 30)  # a busy machine is no part of these tests
    app.peers._place = data / "near"
    config = Settings(data_dir=data, database_url=app.settings.database, redis_url=app.redis_url)
    other = make_app(config, make_host)
    other.name += "0"
    await other.start()
    listener = await help_peers(other)
    app.admission.inline_runs = 10
    app.peers.start()
    async with asyncio.timeout(10):
        while app.peers.less_busy_than(1) is None:
            await asyncio.sleep(0.01)
    yield other
    await listener.close()
    await other.close()


@pytest.fixture
def asked(worker, monkeypatch):
    """What the worker was asked for, by the ids of the runs."""
    seen = []
    really = offload._answered

    async def answered(app, question):
        seen.append(orjson.loads(question)[0])
        return await really(app, question)

    monkeypatch.setattr(offload, "_answered", answered)
    return seen


def request(workflow_id, **more):
    return StartRun(workflow_id=workflow_id, input={"name": "Ada"}, trigger="api", **more)


def lose_all(app):
    """As when the processes beside this one die, or hang."""
    for near in app.peers._known.values():
        near.give_up()


async def count(app, table):
    async with app.database.read() as uow:
        return await uow.session.scalar(select(func.count()).select_from(table))


async def test_a_busy_process_gives_quick_runs_away(app, actor, asked):
    workflow_id = await make_workflow(app.database, actor, QUICK)
    told = await asyncio.gather(
        *(run_and_wait(app, actor, request(workflow_id), 20) for _ in range(8))
    )
    assert {run.output for run in told} == {"Hi Ada"}
    assert sorted(run.id for run in told) == sorted(asked)
    async with app.database.read() as uow:
        assert await get_run(uow, actor, told[0].id) == told[0]
    app.admission.inline_runs = 0
    mine = await run_and_wait(app, actor, request(workflow_id), 20)
    assert mine.id not in asked
    assert (await count(app, Run), await count(app, Step)) == (9, 27)


async def test_a_run_that_waits_for_the_outside_is_the_other_ones_own(app, actor, worker, world):
    seen = []

    async def look(_):
        async with app.database.read() as uow:
            seen.extend((await uow.session.execute(select(col(Run.status), col(Run.worker)))).all())

    world.on_http = look
    workflow_id = await make_workflow(app.database, actor, slow(1))
    told = await run_and_wait(app, actor, request(workflow_id), 20)
    assert (told.status, told.output) == ("succeeded", "done")
    assert seen == [("running", worker.name)]


async def test_errors_reach_the_caller_as_if_it_had_stayed_here(app, actor, asked):
    workflow_id = await make_workflow(app.database, actor, QUICK)
    stranger = await make_actor(app.database)
    with pytest.raises(NotFound):
        await run_and_wait(app, stranger, request(workflow_id), 5)
    form = {"fields": [{"name": "name", "title": "Your name", "required": True}]}
    graph = chain(node("start", "trigger.manual", form), node("answer", "flow.respond"))
    asking = await make_workflow(app.database, actor, graph)
    with pytest.raises(InvalidInput, match="Your name"):
        await run_and_wait(app, actor, StartRun(workflow_id=asking, input={"name": ""}), 5)
    first = await run_and_wait(app, actor, request(workflow_id, idempotency_key="k"), 5)
    assert await run_and_wait(app, actor, request(workflow_id, idempotency_key="k"), 5) == first
    with pytest.raises(Conflict):
        await run_and_wait(
            app, actor, request(workflow_id, idempotency_key="k").model_copy(update={"input": {"name": "Eve"}}), 5
        )  # fmt: skip
    assert len(asked) == 5
    assert await count(app, Run) == 1


async def test_what_no_message_can_hold_is_refused_here(app, actor, asked):
    workflow_id = await make_workflow(app.database, actor, QUICK)
    with pytest.raises(InvalidInput):
        await run_and_wait(app, actor, StartRun(workflow_id=workflow_id, input=2**70), 5)
    assert asked == []


async def test_what_needs_care_is_seen_to_here_and_once(app, actor, asked):
    bounded = await make_workflow(app.database, actor, QUICK)
    async with app.database.work() as uow:
        await put_settings(uow, actor, bounded, RunSettings(concurrency=1))
    assert (await run_and_wait(app, actor, request(bounded), 0)).status == "pending"
    pinned = request(bounded, pins={"greet": {"text": "Bye"}})
    assert (await run_and_wait(app, actor, pinned, 0)).status == "pending"
    assert (len(asked), await count(app, Run)) == (1, 2)


async def test_when_the_other_process_dies_before_it_stored_the_run_it_is_executed_here(
    app, actor, worker, monkeypatch
):
    async def die(_parts, _question):
        lose_all(app)
        return b"too late"

    monkeypatch.setattr(offload, "_answered", die)
    workflow_id = await make_workflow(app.database, actor, QUICK)
    told = await run_and_wait(app, actor, request(workflow_id), 20)
    assert (told.output, await count(app, Run)) == ("Hi Ada", 1)


async def test_when_it_dies_after_it_stored_the_run_that_run_is_the_answer(
    app, actor, worker, monkeypatch
):
    really = offload._answered

    async def do_and_die(their_parts, question):
        await really(their_parts, question)
        lose_all(app)
        return b"too late"

    monkeypatch.setattr(offload, "_answered", do_and_die)
    workflow_id = await make_workflow(app.database, actor, QUICK)
    told = await run_and_wait(app, actor, request(workflow_id, idempotency_key="k"), 20)
    assert (told.output, told.number, await count(app, Run)) == ("Hi Ada", 1, 1)


@pytest.mark.parametrize("graph", [QUICK, slow(1)], ids=["quick", "light"])
async def test_one_that_hung_and_stores_the_run_as_well_does_not_double_it(
    app, actor, worker, world, monkeypatch, graph
):
    really = offload._answered
    woke = asyncio.get_running_loop().create_future()

    async def hang(their_parts, question):
        lose_all(app)

        async def wake():
            while await count(app, Run) == 0:
                await asyncio.sleep(0.01)
            woke.set_result(await really(their_parts, question))

        their_parts.spawn("hung", wake())
        return b""

    monkeypatch.setattr(offload, "_answered", hang)
    calls = []

    async def note(request):
        calls.append(request.url)

    world.on_http = note
    workflow_id = await make_workflow(app.database, actor, graph)
    told = await run_and_wait(app, actor, request(workflow_id), 20)
    assert await woke == b""
    assert told.status == "succeeded"
    assert await count(app, Run) == 1
    assert len(calls) == (0 if graph is QUICK else 1)


async def test_when_it_stores_the_run_just_before_it_is_stored_here_that_one_counts(
    app, actor, worker, monkeypatch
):
    really, looked = offload._answered, offload._is_stored

    async def hang(their_parts, question):
        lose_all(app)

        async def not_yet(our_parts, actor, run_id):
            monkeypatch.setattr(offload, "_is_stored", looked)
            found = await looked(our_parts, actor, run_id)
            await really(their_parts, question)
            return found

        monkeypatch.setattr(offload, "_is_stored", not_yet)
        return b""

    monkeypatch.setattr(offload, "_answered", hang)
    workflow_id = await make_workflow(app.database, actor, QUICK)
    told = await run_and_wait(app, actor, request(workflow_id), 20)
    assert (told.output, await count(app, Run)) == ("Hi Ada", 1)


async def test_when_the_database_is_away_as_well_it_is_asked_until_it_says_what_became_of_the_run(
    app, actor, worker, monkeypatch
):
    really, looked, asked = offload._answered, offload._is_stored, []

    async def do_and_die(their_parts, question):
        await really(their_parts, question)
        lose_all(app)
        return b""

    async def away_at_first(*args):
        asked.append(1)
        if len(asked) < 3:
            raise StorageDown("The database does not answer.")
        return await looked(*args)

    monkeypatch.setattr(offload, "_answered", do_and_die)
    monkeypatch.setattr(offload, "_is_stored", away_at_first)
    workflow_id = await make_workflow(app.database, actor, QUICK)
    told = await run_and_wait(app, actor, request(workflow_id), 20)
    assert (told.output, len(asked), await count(app, Run)) == ("Hi Ada", 3, 1)


async def test_a_run_of_another_process_is_not_taken_for_one_whose_commit_was_lost(
    app, actor, worker, monkeypatch
):
    """The database fails once, and meanwhile the process that hung puts the run into the queue."""
    really, transact, questions, failed = offload._answered, app.database.transact, [], []

    async def hang(_parts, question):
        run_id, actor, asked, _, context = orjson.loads(question)
        questions.append(orjson.dumps([run_id, actor, asked, 0, context]))
        lose_all(app)
        return b""

    async def fail_once(work):
        if not failed:
            failed.append(await really(worker, questions[0]))
            raise OperationalError("BEGIN IMMEDIATE", None, Exception("locked"))
        return await transact(work)

    worker.admission.light_slots = 0
    monkeypatch.setattr(offload, "_answered", hang)
    monkeypatch.setattr(app.database, "transact", fail_once)
    workflow_id = await make_workflow(app.database, actor, QUICK)
    told = await run_and_wait(app, actor, request(workflow_id), 1)
    assert (told.id, told.status) == (orjson.loads(failed[0])["id"], "pending")
    assert (await count(app, Run), await count(app, Step)) == (1, 0)
