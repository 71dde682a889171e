"""Answers, signals, times and ends of called runs that come while another branch of the run is at work: noticed
within about a second, had once, and never lost, at whatever point the process dies.
"""

import asyncio
import math
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.adapters.sql.leases import TICK_S
from app.kernel.clock import now
from app.kernel.errors import UpstreamFailed
from app.models import Approval, Run, RunEvent, Wait
from app.services.runs.lifecycle import execute
from app.services.runs.lifecycle.commands import answer_step
from app.services.runs.lifecycle.control import send_signal
from app.services.runs.reading.queries import list_approvals, list_steps
from app.services.runs.starting.start import StartRun
from app.services.runs.starting.waiting import run_and_wait
from tests.graphs import START, chain, edge, node, slow
from tests.rows import make_workflow

PATIENCE_S = 30.0
"""The work beside lasts until the test ends it: whatever is reached before that did not wait for it."""
WORK = node("work", "tool.http", {"url": "https://slow.example/hour"})
DONE = node("done", "memory.key_value", {"operation": "append", "key": "done", "value": "x"})
CHECK = node("check", "human.approval", {"title": "Send it?", "value": "1"})
PAID = node("paid", "logic.wait", {"wait_for": "signal", "signal": "paid"})


def beside(waits, port=""):
    """A step that waits, with one behind it that changes something; and one that works meanwhile."""
    return {
        "schema": 1,
        "nodes": [START, waits, DONE, WORK],
        "edges": [
            edge(START, waits, "", "input"),
            edge(START, WORK),
            edge(waits, DONE, port),
        ],
    }


@pytest.fixture
def hour(world):
    """The work beside lasts until this is set."""
    over, began = asyncio.Event(), asyncio.Event()

    async def work(request):
        if request.url.endswith("/hour"):
            began.set()
            await over.wait()

    world.on_http = work
    over.began = began
    yield over
    over.set()


@pytest.fixture
def status_of(app, actor):
    async def read(run_id, path):
        async with app.database.read() as uow:
            steps = {step.path: step.status for step in await list_steps(uow, actor, run_id)}
        return steps.get(path)

    return read


@pytest.fixture
def reaches(status_of):
    async def wait(run_id, path, status):
        until = time.monotonic() + PATIENCE_S
        while await status_of(run_id, path) != status:
            assert time.monotonic() < until, f"{path} did not become {status}"
            await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def approve(app, actor):
    async def say(run_id, choice="approve"):
        async with app.database.work() as uow:
            [question] = [one for one in await list_approvals(uow, actor) if one.run_id == run_id]
            return await answer_step(uow, actor, question.step_id, choice)

    return say


@pytest.fixture
def at_work(app, start, hour, reaches, begin_work):
    """Start a run, and leave it where a step waits and another works."""

    async def begin(graph, path, status="waiting"):
        run = await start(graph)
        task = await begin_work()
        await reaches(run.id, path, status)
        await hour.began.wait()
        return run, task

    return begin


async def took(app, run_id):
    """Which answers and waits count as had."""
    async with app.database.read() as uow:
        asked = select(col(Approval.taken)).where(col(Approval.run_id) == run_id)
        waits = select(col(Wait.taken)).where(col(Wait.run_id) == run_id)
        return [
            *(await uow.session.execute(asked)).scalars(),
            *(await uow.session.execute(waits)).scalars(),
        ]


async def starts_of(app, run_id, path):
    async with app.database.read() as uow:
        query = select(col(RunEvent.seq)).where(
            col(RunEvent.run_id) == run_id,
            col(RunEvent.path) == path,
            col(RunEvent.type) == "step.started",
        )
        return len((await uow.session.execute(query)).scalars().all())


async def test_an_answer_is_noticed_while_another_branch_works(
    app, hour, at_work, reaches, approve, look
):
    run, task = await at_work(beside(CHECK), "check", "waiting_human")
    assert (await approve(run.id)).status == "running"
    await reaches(run.id, "done", "succeeded")
    assert (await look(run.id)).status == "running"
    assert await took(app, run.id) == [True]
    hour.set()
    await task
    assert (await look(run.id)).status == "succeeded"
    assert await starts_of(app, run.id, "done") == 1


async def test_a_signal_is_noticed_while_another_branch_works(
    app, actor, hour, at_work, reaches, look
):
    run, task = await at_work(beside(PAID), "paid")
    async with app.database.work() as uow:
        await send_signal(uow, actor, run.id, "paid", {"amount": 3})
    await reaches(run.id, "done", "succeeded")
    assert await took(app, run.id) == [True]
    hour.set()
    await task
    assert (await look(run.id)).status == "succeeded"


class Ticks:
    """The keeper's looks. Once stopped, there are only as many more as a test lets it have."""

    def __init__(self, keeper):
        self._look, self._left, self._busy = keeper._renew, math.inf, False
        self.made = 0
        keeper._renew = self.tick

    async def tick(self, database, held):
        self._busy = True
        if self._left > 0:
            self._left -= 1
            await self._look(database, held)
            self.made += 1
        self._busy = False

    async def stop(self):
        self._left = 0
        while self._busy:
            await asyncio.sleep(0.01)
        self.made = 0

    def let(self, count):
        self._left = count


@pytest.fixture
def ticks(app):
    return Ticks(app.leases)


CALLED = chain(START, node("answer", "flow.respond", {"value": "done"}))


@pytest.mark.parametrize("what", ["answer", "signal", "end"])
async def test_one_look_of_the_keeper_is_enough_to_notice(
    app, actor, hour, ticks, at_work, reaches, status_of, approve, what, work_off
):
    called = await make_workflow(app.database, actor, CALLED, "Called")
    call = node("call", "flow.run_workflow", {"workflow": called, "given": "{{ trigger }}"})
    waits, port = {"answer": (CHECK, ""), "signal": (PAID, ""), "end": (call, "output")}[what]
    status = "waiting_human" if what == "answer" else "waiting"
    run, task = await at_work(beside(waits, port), waits["id"], status)
    await ticks.stop()
    if what == "answer":
        await approve(run.id)
    elif what == "signal":
        async with app.database.work() as uow:
            await send_signal(uow, actor, run.id, "paid", 1)
    else:
        await work_off()
    assert await status_of(run.id, waits["id"]) == status
    ticks.let(1)
    await reaches(run.id, "done", "succeeded")
    assert ticks.made == 1
    assert TICK_S <= 0.5, "it looks twice a second, so all of it takes less than one"
    ticks.let(math.inf)
    hour.set()
    await task


async def test_a_signal_that_came_before_its_step_waits_is_noticed(
    app, actor, start, hour, reaches, begin_work
):
    run = await start(beside(PAID))
    async with app.database.work() as uow:
        await send_signal(uow, actor, run.id, "paid", 1)
    task = await begin_work()
    await reaches(run.id, "done", "succeeded")
    hour.set()
    await task


async def test_the_end_of_a_called_run_is_noticed_while_another_branch_works(
    app, actor, hour, at_work, reaches, look, work_off
):
    called = await make_workflow(app.database, actor, slow(1), "Called")
    call = node("call", "flow.run_workflow", {"workflow": called, "given": "{{ trigger }}"})
    run, task = await at_work(beside(call, "output"), "call")
    await work_off()
    await reaches(run.id, "done", "succeeded")
    hour.set()
    await task
    assert (await look(run.id)).status == "succeeded"


async def test_a_time_of_an_earlier_life_is_noticed(
    app, start, hour, reaches, look, approve, begin_work, work_off
):
    graph = beside(node("rest", "logic.wait", {"seconds": 3_600}))
    graph["nodes"].append(CHECK)
    graph["edges"] = [
        *(one for one in graph["edges"] if one["target"] != "work"),
        edge(START, CHECK),
        edge(CHECK, WORK),
    ]
    run = await start(graph)
    await work_off()
    await approve(run.id)
    task = await begin_work()
    await hour.began.wait()
    async with app.database.work() as uow:
        past = now() - timedelta(seconds=1)
        await uow.session.execute(update(Wait).where(col(Wait.run_id) == run.id).values(until=past))
    await reaches(run.id, "done", "succeeded")
    hour.set()
    await task
    assert (await look(run.id)).status == "succeeded"


@pytest.mark.parametrize("beside_it", ["an item", "a branch"])
async def test_the_end_of_an_items_pause_is_noticed(
    app, hour, world, start, reaches, look, beside_it, begin_work
):
    """As told by the database: this process's own clock may be behind."""
    items = "[0, 1]" if beside_it == "an item" else "[0]"
    config = {"items": items, "item_retries": 1, "item_retry_delay_s": 600}
    each = node("rows", "logic.for_each", config)
    call = node(
        "call", "tool.http", {"url": "https://slow.example/{{ 'hour' if item else 'shy' }}"}
    )
    work = world.on_http

    async def shy_first(request):
        await work(request)
        if request.url.endswith("shy") and world.calls.count(request.url) == 1:
            raise UpstreamFailed("Not now.")

    world.on_http = shy_first
    graph = chain(START, each)
    graph["nodes"].append({**call, "parent": "rows"})
    if beside_it == "a branch":
        graph["nodes"].append(WORK)
        graph["edges"].append(edge(START, WORK))
    run = await start(graph)
    task = await begin_work()
    await hour.began.wait()
    await reaches(run.id, "rows[0]/call", "failed")
    while await took(app, run.id) != [False]:
        await asyncio.sleep(0.02)
    async with app.database.work() as uow:
        past = now() - timedelta(seconds=1)
        await uow.session.execute(update(Wait).where(col(Wait.run_id) == run.id).values(until=past))
    await reaches(run.id, "rows[0.2]/call", "succeeded")
    assert await took(app, run.id) == [True]
    hour.set()
    await task
    assert (await look(run.id)).status == "succeeded"


async def test_a_decision_about_a_failed_step_is_noticed(
    app, hour, at_work, reaches, approve, world
):
    bad = node(
        "bad", "logic.wait", {"wait_for": "moment", "moment": "never"},
        settings={"on_error": "ask"},
    )  # fmt: skip
    run, task = await at_work(beside(bad), "bad", "waiting_human")
    await approve(run.id, "retry")
    until = time.monotonic() + PATIENCE_S
    while await took(app, run.id) != [True, False]:  # it failed again, and asks again
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    await reaches(run.id, "bad", "waiting_human")
    await approve(run.id, {"choice": "done", "value": 1})
    await reaches(run.id, "done", "succeeded")
    assert await took(app, run.id) == [True, True]
    hour.set()
    await task


async def test_a_run_that_the_web_process_executes_notices_too(
    app, actor, hour, reaches, approve, look
):
    graph = beside(CHECK)
    workflow_id = await make_workflow(app.database, actor, graph)
    asked = asyncio.create_task(run_and_wait(app, actor, StartRun(workflow_id=workflow_id), 60))
    await hour.began.wait()
    async with app.database.read() as uow:
        run_id = (await uow.session.execute(select(col(Run.id)))).scalar_one()
    assert (await look(run_id)).status == "running"
    await reaches(run_id, "check", "waiting_human")
    await approve(run_id)
    await reaches(run_id, "done", "succeeded")
    hour.set()
    assert (await asked).status == "succeeded"


async def die(app, run_id, task):
    """The process is gone: nothing more of this life is written, and the sweeper has seen it."""
    [held] = [one for one in app.leases._snapshot() if one.run_id == run_id]
    held.take_away("lost")
    await asyncio.gather(task, return_exceptions=True)
    async with app.database.work() as uow:
        lost = {"status": "pending", "worker": None, "lease_until": None}
        await uow.session.execute(update(Run).where(col(Run.id) == run_id).values(lost))


async def live_again(work_off, look, run_id):
    """Another process goes on with the run. As a worker does, it asks again for one that it could not lock: the keeper
    may be about to look at it for the last time.
    """
    while (await look(run_id)).status == "pending":
        await work_off()


async def test_an_answer_that_was_read_as_the_process_died_is_had_by_the_next_life(
    app, hour, at_work, approve, look, monkeypatch, work_off
):
    read = asyncio.Event()

    async def read_only(*args):
        await deliveries_of(*args)
        read.set()
        await asyncio.Event().wait()

    deliveries_of = execute.deliveries_of
    monkeypatch.setattr(execute, "deliveries_of", read_only)
    run, task = await at_work(beside(CHECK), "check", "waiting_human")
    await approve(run.id)
    await asyncio.wait_for(read.wait(), PATIENCE_S)
    await die(app, run.id, task)
    assert await took(app, run.id) == [False]
    hour.set()
    await live_again(work_off, look, run.id)
    assert (await look(run.id)).status == "succeeded"
    assert await starts_of(app, run.id, "done") == 1
    assert await took(app, run.id) == [True]


async def test_an_answer_that_was_had_as_the_process_died_is_not_asked_for_again(
    app, actor, hour, at_work, reaches, approve, look, work_off
):
    run, task = await at_work(beside(CHECK), "check", "waiting_human")
    await approve(run.id)
    await reaches(run.id, "done", "succeeded")
    await die(app, run.id, task)
    hour.set()
    await live_again(work_off, look, run.id)
    assert (await look(run.id)).status == "succeeded"
    assert await starts_of(app, run.id, "done") == 1
    async with app.database.read() as uow:
        assert await list_approvals(uow, actor) == ()


async def test_an_answer_that_comes_as_the_life_ends_is_found(
    app, hour, at_work, approve, look, monkeypatch, work_off
):
    """Read within the life, but all else had ended: whoever settles the run finds it."""
    began = asyncio.Event()

    async def late(*args):
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(execute, "deliveries_of", late)
    run, task = await at_work(beside(CHECK), "check", "waiting_human")
    await approve(run.id)
    await asyncio.wait_for(began.wait(), PATIENCE_S)
    hour.set()
    await task
    assert (await look(run.id)).status == "pending"
    monkeypatch.undo()
    await work_off()
    assert (await look(run.id)).status == "succeeded"


async def test_of_a_run_that_another_process_has_nothing_is_read(
    app, hour, at_work, approve, world
):
    run, task = await at_work(beside(CHECK), "check", "waiting_human")
    await approve(run.id)
    async with app.database.read() as uow:
        epoch = (await uow.session.get_one(Run, run.id)).epoch
    assert await execute.deliveries_of(app, run.id, epoch - 1) == ()
    assert await execute.deliveries_of(app, "run_gone", 1) == ()
    hour.set()
    await task


async def test_finished_items_are_not_repeated_when_a_loop_goes_on(
    app, actor, start, hour, reaches, approve, look, begin_work
):
    each = node("rows", "logic.for_each", {"items": "[1, 2, 3]", "concurrency": 1})
    keep = node(
        "keep", "memory.key_value", {"operation": "append", "key": "n", "value": "{{ item }}"},
        parent="rows",
    )  # fmt: skip
    last = node("last", "logic.if", {"condition": "item == 3"}, parent="rows")
    check = node("check", "human.approval", {"title": "?", "value": "{{ item }}"}, parent="rows")
    graph = {
        "schema": 1,
        "nodes": [START, each, keep, last, check, DONE, WORK],
        "edges": [
            edge(START, each, "", "input"),
            edge(START, WORK),
            edge(keep, last),
            edge(last, check),
            edge(each, DONE, "results"),
        ],
    }
    run = await start(graph)
    task = await begin_work()
    await reaches(run.id, "rows", "waiting_human")
    await approve(run.id)
    await reaches(run.id, "done", "succeeded")
    hour.set()
    await task
    assert (await look(run.id)).status == "succeeded"
    assert [await starts_of(app, run.id, f"rows[{i}]/keep") for i in range(3)] == [1, 1, 1]
