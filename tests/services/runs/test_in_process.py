"""A machine without Redis: one process starts, executes and shows runs, and loses none."""

import asyncio
from contextlib import AsyncExitStack, aclosing

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.adapters.redis.local import LocalQueue
from app.kernel.settings import Settings
from app.models import Run
from app.services.composition import close_app, open_app
from app.services.runs.lifecycle.claimed_run import database_now
from app.services.runs.lifecycle.commands import answer_step, cancel_run
from app.services.runs.reading.following import follow, wait_for_run
from app.services.runs.reading.queries import get_run, list_approvals
from app.services.runs.reading.watch import changes
from app.services.throttle import Limit
from app.worker.in_process import working_here
from tests.fakes.model_server import KEY, PIECES, TEXT, FakeModelServer
from tests.graphs import APPROVAL, QUICK, START, chain, node, slow

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def models():
    async with FakeModelServer() as running:
        yield running


@pytest.fixture
def config(database_url, tmp_path, models):
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        redis_url="none",
        compatible_url=f"{models.url}/v1",
        compatible_api_key=KEY,
    )


@pytest.fixture
async def app(config, make_host):
    opened = await open_app(config, make_host=make_host)
    yield opened
    await close_app()


@pytest.fixture
async def working(app):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(working_here(app))
        yield stack


async def until_status(app, actor, run_id, status):
    async with asyncio.timeout(15):
        while True:
            async with app.database.read() as uow:
                run = await get_run(uow, actor, run_id)
            if run.status == status:
                return run
            await asyncio.sleep(0.02)


async def test_tokens_reach_every_viewer_as_they_are_made(app, actor, start):
    config = {"model": "compatible/plain", "prompt": "Say something."}
    graph = chain(START, node("say", "model.chat", config), node("answer", "flow.respond"))
    run = await start(graph, {})
    assert run.notice is None

    async def watch():
        texts, seqs = [], []
        async with aclosing(follow(app, actor, run.id)) as batches:
            async for batch in batches:
                texts += [e.payload["text"] for e in batch if e.type == "llm.token"]
                seqs += [e.seq for e in batch if e.seq]
        return "".join(texts), seqs

    watching = [asyncio.create_task(watch()) for _ in range(2)]
    async with asyncio.timeout(10):
        while sum(map(len, app.bus._viewers.values())) < 2:
            await asyncio.sleep(0.01)
    async with working_here(app):
        first, second = await asyncio.gather(*watching)
    assert first == second
    assert first[0] == TEXT
    assert first[1] == list(range(1, len(first[1]) + 1))
    assert len(PIECES) > 1
    assert (await wait_for_run(app, actor, run.id, 1)).output == TEXT


async def test_an_approval_waits_and_goes_on(app, actor, start, working):
    run = await start(APPROVAL, {"text": "x"})
    assert (await wait_for_run(app, actor, run.id, 10)).status == "waiting"
    async with app.database.work() as uow:
        [question] = await list_approvals(uow, actor)
        await answer_step(uow, actor, question.step_id, {"choice": "approve"})
    assert (await wait_for_run(app, actor, run.id, 10)).status == "succeeded"


async def test_cancel_stops_what_is_in_flight_and_what_waits(app, actor, start, world, working):
    asked = asyncio.Event()

    async def hang(_):
        asked.set()
        await asyncio.Event().wait()

    world.on_http = hang
    run = await start(slow(1), {})
    await asked.wait()
    async with app.database.work() as uow:
        await cancel_run(uow, actor, run.id)
    assert (await wait_for_run(app, actor, run.id, 10)).status == "canceled"


async def test_closing_hands_back_and_the_next_process_goes_on(
    app, actor, start, world, working, config, make_host
):
    async def hang(request):
        if request.url.endswith("/1"):
            await asyncio.Event().wait()

    world.on_http = hang
    run = await start(slow(2), {})
    async with asyncio.timeout(10):
        while len(world.calls) < 2:
            await asyncio.sleep(0.02)
    await working.aclose()
    await close_app()
    world.on_http = None
    again = await open_app(config, make_host=make_host)
    async with again.database.read() as uow:
        assert (await get_run(uow, actor, run.id)).status == "pending"
    async with working_here(again):
        await until_status(again, actor, run.id, "succeeded")
    assert [url[-1] for url in world.calls] == ["0", "1", "1"], "what had finished is not repeated"


async def test_a_run_whose_process_was_killed_is_found(app, actor, start):
    run = await start(slow(1), {})
    async with app.database.work() as uow:
        at = await database_now(uow)
        lost = {"status": "running", "worker": "dead", "epoch": 1, "lease_until": at}
        await uow.session.execute(update(Run).where(col(Run.id) == run.id).values(**lost))
    app.queue = app.database.queue = LocalQueue()
    async with working_here(app):
        await until_status(app, actor, run.id, "succeeded")


async def test_no_more_runs_are_in_flight_than_allowed(app, actor, start, world):
    app.settings = app.settings.model_copy(update={"concurrency": 2})
    now, most = 0, 0
    two_at_once = asyncio.Event()

    async def count(_):
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 2:
            two_at_once.set()
        async with asyncio.timeout(10):
            await two_at_once.wait()
        await asyncio.sleep(0.02)
        now -= 1

    world.on_http = count
    async with working_here(app, duties=()):
        runs = [await start(slow(1), {}) for _ in range(6)]
        for run in runs:
            await until_status(app, actor, run.id, "succeeded")
    assert most == 2


async def test_what_changes_in_a_workspace_is_noticed(app, actor, start, working):
    async with aclosing(changes(app, actor)) as noticed:
        await anext(noticed)
        await start(QUICK, {"name": "Ada"})
        async with asyncio.timeout(5):
            await anext(noticed)


async def test_attempts_are_counted_in_this_process(app):
    await app.throttle.hit(Limit("x", 1, 60), "ada")
    assert app.throttle._redis is None
