"""Waiting without a process: for times, signals and other runs; pausing; and cancelling all of it."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import col

from app.kernel.clock import now
from app.kernel.errors import Conflict, InvalidInput, NotFound, UpstreamFailed
from app.models import Run, RunEvent, Step, Wait
from app.services.runs.lifecycle import claimed_run, execute
from app.services.runs.lifecycle.commands import answer_step, cancel_run
from app.services.runs.lifecycle.control import pause_run, resume_run, send_signal
from app.services.runs.reading.queries import (
    get_step,
    get_trace,
    list_approvals,
    list_events,
    list_steps,
)
from app.services.versions.commands import locked_workspace
from app.worker import sweeper
from tests.graphs import APPROVAL, START, chain, edge, node, slow
from tests.rows import draft_of, make_actor, make_workflow

HOUR = node("hour", "logic.wait", {"seconds": 3_600})
CHECK = node("check", "human.approval", {"title": "Send it?"})
PAID = node("paid", "logic.wait", {"wait_for": "signal", "signal": "paid"})


def then(*nodes):
    """These nodes behind the trigger, then an answer with what arrives."""
    answer = node("answer", "flow.respond", {"value": "{{ input }}"})
    row = [START, *nodes, answer]
    ports = {"logic.wait": "value", "flow.run_workflow": "output"}
    wires = [edge(a, b, ports.get(a["kind"], ""), "input") for a, b in pairwise(row)]
    return {"schema": 1, "nodes": row, "edges": wires}


@pytest.fixture
def do(app, actor):
    """Call a use case in a transaction of its own."""

    async def call(use_case, *arguments, who=None):
        async with app.database.work() as uow:
            return await use_case(uow, who or actor, *arguments)

    return call


async def steps_of(app, actor, run_id):
    async with app.database.read() as uow:
        return {step.path: step for step in await list_steps(uow, actor, run_id)}


async def events_of(app, actor, run_id):
    async with app.database.read() as uow:
        events = await list_events(uow, actor, run_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.type for event in events]


async def waits_of(app, run_id):
    async with app.database.read() as uow:
        query = select(Wait).where(col(Wait.run_id) == run_id).order_by(col(Wait.created_at))
        return [(wait.kind, wait.status) for wait in (await uow.session.execute(query)).scalars()]


async def let_time_pass(app, run_id):
    """As if the moment all steps of a run wait for had come."""
    async with app.database.work() as uow:
        await uow.session.execute(
            update(Wait)
            .where(col(Wait.run_id) == run_id, col(Wait.status) == "open")
            .values(until=now() - timedelta(seconds=1))
        )


async def children_of(app, run_id):
    async with app.database.read() as uow:
        query = select(Run).where(col(Run.parent_run_id) == run_id)
        return list((await uow.session.execute(query)).scalars())


async def test_a_timer_wakes_its_run_once_its_time_has_come(app, actor, start, look, work_off):
    run = await start(then(HOUR), {"a": 1})
    await work_off()
    assert (await look(run.id)).status == "waiting"
    assert (app.leases.count, await sweeper.wake_due(app)) == (0, 0)
    await let_time_pass(app, run.id)
    assert await sweeper.wake_due(app) == 1
    assert await sweeper.wake_due(app) == 0
    assert (await look(run.id)).status == "pending"
    await work_off()
    after = await look(run.id)
    assert (after.status, after.output) == ("succeeded", {"a": 1})
    assert await waits_of(app, run.id) == [("time", "done")]
    await events_of(app, actor, run.id)


async def test_a_step_that_waited_tells_its_whole_time_and_how_much_of_it_was_waiting(
    app, actor, start, work_off
):
    run = await start(then(HOUR), {"a": 1})
    await work_off()
    before = (await steps_of(app, actor, run.id))["hour"]
    hour = timedelta(hours=1)
    async with app.database.work() as uow:  # as if all of it had been an hour earlier
        for table in (Wait, Step):
            row = (
                await uow.session.execute(
                    select(table).where(col(table.run_id) == run.id, col(table.node_id) == "hour")
                )
            ).scalar_one()
            if table is Wait:
                row.created_at, row.until = row.created_at - hour, row.until - hour
            else:
                row.started_at -= hour
    await sweeper.wake_due(app)
    await work_off()
    after = (await steps_of(app, actor, run.id))["hour"]
    assert (after.status, after.started_at) == ("succeeded", before.started_at - hour)
    assert after.finished_at - after.started_at >= hour
    async with app.database.read() as uow:
        told = await get_step(uow, actor, run.id, after.id)
        quick = await get_step(
            uow, actor, run.id, (await steps_of(app, actor, run.id))["answer"].id
        )
    assert told.waited_s == pytest.approx(3_600, abs=60)
    assert told.waited_s <= (after.finished_at - after.started_at).total_seconds()
    assert quick.waited_s is None


async def test_a_loop_waited_as_long_as_nothing_in_it_was_at_work(app, actor, start, work_off):
    rows = node("rows", "logic.for_each", {"items": "[1, 2]"})
    ask = {**node("ask", "human.approval", {"title": "Good?"}), "parent": "rows"}
    graph = {"schema": 1, "nodes": [START, rows, ask], "edges": [edge(START, rows, "", "input")]}
    run = await start(graph)
    await work_off()
    async with app.database.work() as uow:  # as if it had come to rest an hour ago
        earlier = update(RunEvent).where(
            col(RunEvent.run_id) == run.id, col(RunEvent.path) == "rows"
        )
        await uow.session.execute(earlier.values(at=now() - timedelta(hours=1)))
    assert await waited(app, actor, run.id, "rows") == pytest.approx(3_600, abs=60)
    for _ in range(2):
        async with app.database.work() as uow:
            question, *_ = await list_approvals(uow, actor)
            await answer_step(uow, actor, question.step_id, question.choices[0])
        await work_off()
    told = (await steps_of(app, actor, run.id))["rows"]
    assert told.status == "succeeded"
    before = await waited(app, actor, run.id, "rows")
    assert before == pytest.approx(3_600, abs=60)
    assert await waited(app, actor, run.id, "rows") == before, "it is over"
    assert await waited(app, actor, run.id, "rows[0]/ask") < 60


async def waited(app, actor, run_id, path):
    async with app.database.read() as uow:
        step = (await steps_of(app, actor, run_id))[path]
        return (await get_step(uow, actor, run_id, step.id)).waited_s


async def test_a_wait_begun_by_a_clock_that_was_put_back_lasts_as_long_as_it_should(
    app, actor, start, work_off
):
    moment = {"wait_for": "moment", "moment": "2126-01-01T00:00:00Z"}
    limited = {"wait_for": "signal", "signal": "paid", "limit_s": 1_800}
    ahead, left = timedelta(hours=5), {}
    for config in ({"seconds": 3_600}, limited, moment):
        run = await start(then(node("rest", "logic.wait", config)))
        await work_off()
        async with app.database.work() as uow:
            query = select(Wait).where(col(Wait.run_id) == run.id)
            [wait] = (await uow.session.execute(query)).scalars()
            wait.created_at += ahead
            if wait.lasts:
                wait.until += ahead
            left[wait.id] = wait.until - (ahead if wait.lasts else timedelta())
    assert (await sweeper.tend_waits(app), await sweeper.tend_waits(app)) == (2, 0)
    async with app.database.read() as uow:
        for wait in (await uow.session.execute(select(Wait))).scalars():
            assert abs(wait.until - left[wait.id]) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [("early", "pending"), ("came", "pending"), ("cancel", "canceled"), ("pause", "paused"), ("resume", "pending")],
)  # fmt: skip
async def test_what_came_for_a_run_whose_process_died_as_it_came_to_rest_is_found(
    app, start, look, do, monkeypatch, meanwhile, status, work_off
):
    async def dead(*args):
        pass

    monkeypatch.setattr(execute, "reconcile", dead)
    run = await start(then(PAID))
    if meanwhile == "early":
        await do(send_signal, run.id, "paid", 1)
    await work_off()
    values = {
        "cancel": {"control": "cancel"},
        "pause": {"control": "pause"},
        "resume": {"status": "paused"},
    }
    async with app.database.work() as uow:
        if meanwhile == "came":
            done = {"status": "done", "result": {"payload": 1}}
            await uow.session.execute(update(Wait).where(col(Wait.run_id) == run.id).values(done))
        elif meanwhile != "early":
            row = update(Run).where(col(Run.id) == run.id)
            await uow.session.execute(row.values(values[meanwhile]))
    assert (await sweeper.reconcile_forgotten(app), await sweeper.reconcile_forgotten(app)) == (
        1,
        0,
    )
    assert (await look(run.id)).status == status


async def test_a_wait_that_ends_while_others_are_at_work_is_not_left_open(
    app, actor, start, look, world, work_off
):
    rest = node("rest", "logic.wait", {"seconds": 1.1})
    call = node("call", "tool.http", {"url": "https://slow.example/0"})
    answer = node("answer", "flow.respond", {"value": "done"})
    graph = {
        "schema": 1,
        "nodes": [START, rest, call, answer],
        "edges": [edge(START, rest), edge(START, call), edge(rest, answer)],
    }

    async def until_the_answer(request):
        async with asyncio.timeout(10):
            while "answer" not in await steps_of(app, actor, run.id):
                await asyncio.sleep(0.05)

    world.on_http = until_the_answer
    run = await start(graph)
    await work_off()
    assert (await look(run.id)).status == "succeeded"
    assert await waits_of(app, run.id) == [("time", "done")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_storing_steps_does_not_wait_for_a_start_that_waits_for_their_run(app, actor, start):
    run = await start(then(HOUR))
    async with app.database.work() as starting, app.database.work() as storing:
        await claimed_run.locked_run(storing, actor, run.id)
        await locked_workspace(starting, actor.workspace_id)
        waiting = asyncio.create_task(claimed_run.locked_run(starting, actor, run.id))
        await asyncio.sleep(0.1)
        storing.session.add(
            Step(
                id="stp_1", workspace_id=actor.workspace_id, run_id=run.id, node_id="a", path="a",
                kind="data.set", label="", status="running",
            )
        )  # fmt: skip
        async with asyncio.timeout(5):
            await storing.session.commit()
            await waiting


async def test_a_long_pause_before_a_next_try_holds_no_worker(
    app, actor, world, start, look, work_off
):
    async def busy(request):
        if len(world.calls) < 3:
            raise UpstreamFailed("Too many requests.", retry_after_s=3_000)

    world.on_http = busy
    call = node("call", "tool.http", {"url": "https://busy.example"}, settings={"retries": 2})
    run = await start(chain(START, call))
    for attempt in (1, 2):
        await work_off()
        assert (await look(run.id)).status == "waiting"
        assert (app.leases.count, await sweeper.wake_due(app)) == (0, 0)
        step = (await steps_of(app, actor, run.id))["call"]
        assert (step.status, step.attempt) == ("waiting", attempt + 1)
        assert step.error["message"] == "Too many requests."
        async with app.database.read() as uow:
            [wait] = (await get_trace(uow, actor, run.id)).waits
        assert (wait.for_, wait.step_path) == ("retry", "call")
        assert wait.until > now() + timedelta(seconds=2_000)
        await let_time_pass(app, run.id)
        assert await sweeper.wake_due(app) == 1
    await work_off()
    assert (await look(run.id)).status == "succeeded"
    assert (await steps_of(app, actor, run.id))["call"].attempt == 3
    assert await waits_of(app, run.id) == [("retry", "done"), ("retry", "done")]
    assert len(world.calls) == 3
    await events_of(app, actor, run.id)


def each(*body, **config):
    """A loop over two items that is tried again ten minutes later."""
    config = {"items": "[1, 2]", "item_retries": 1, "item_retry_delay_s": 600, **config}
    loop = node("loop", "logic.for_each", config)
    nodes = [START, loop, *({**one, "parent": "loop"} for one in body)]
    wires = [edge(START, loop), *(edge(a, b) for a, b in pairwise(body))]
    return {"schema": 1, "nodes": nodes, "edges": wires}


@pytest.fixture
def refused(world):
    """A call of a service that refuses the first item once."""

    async def answer(request):
        if request.url.endswith("/1") and world.calls.count(request.url) == 1:
            raise UpstreamFailed("Not now.")

    world.on_http = answer
    return node("call", "tool.http", {"url": "https://shy.example/{{ item }}"})


async def test_a_long_pause_before_an_items_next_try_holds_no_worker(
    app, actor, refused, world, start, look, work_off
):
    run = await start(each(refused))
    await work_off()
    assert (await look(run.id)).status == "waiting"
    assert (app.leases.count, await sweeper.wake_due(app)) == (0, 0)
    async with app.database.read() as uow:
        [wait] = (await get_trace(uow, actor, run.id)).waits
    assert (wait.for_, wait.step_path, wait.name) == ("turn", "loop", "0.2")
    assert timedelta(seconds=590) < wait.until - now() < timedelta(seconds=601)
    await let_time_pass(app, run.id)
    assert (await sweeper.wake_due(app), await sweeper.wake_due(app)) == (1, 0)
    await work_off()
    assert (await look(run.id)).status == "succeeded"
    steps = await steps_of(app, actor, run.id)
    assert steps["loop[0.2]/call"].status == "succeeded"
    assert sorted(url[-1] for url in world.calls) == ["1", "1", "2"]
    assert await waits_of(app, run.id) == [("turn", "done")]
    await events_of(app, actor, run.id)


async def test_it_ends_although_another_item_waits_for_a_person(
    app, actor, refused, world, start, look, work_off
):
    run = await start(each(refused, CHECK))
    await work_off()
    assert (await steps_of(app, actor, run.id))["loop"].status == "waiting_human"
    await let_time_pass(app, run.id)
    assert await sweeper.wake_due(app) == 1
    await work_off()
    assert (await look(run.id)).status == "waiting"
    asking = [
        p for p, s in (await steps_of(app, actor, run.id)).items() if s.status == "waiting_human"
    ]
    assert sorted(asking) == ["loop", "loop[0.2]/check", "loop[1]/check"]
    assert (await sweeper.wake_due(app), await sweeper.reconcile_forgotten(app)) == (0, 0)


async def test_another_life_of_its_run_leaves_the_item_alone_until_then(
    app, actor, refused, world, start, look, do, work_off
):
    run = await start(each(refused, CHECK))
    await work_off()
    step = (await steps_of(app, actor, run.id))["loop[1]/check"]
    await do(answer_step, step.id, {"choice": "approve"})
    await work_off()
    assert (await look(run.id)).status == "waiting"
    assert (await steps_of(app, actor, run.id))["loop"].status == "waiting"
    assert (len(world.calls), await waits_of(app, run.id)) == (2, [("turn", "open")])


@pytest.fixture
def down(world):
    """A call of a service that does not answer."""

    async def answer(request):
        raise UpstreamFailed("Not now.")

    world.on_http = answer
    return node("call", "tool.http", {"url": "https://down.example/{{ item }}"})


async def due_now(app, run_id, name):
    async with app.database.work() as uow:
        await uow.session.execute(
            update(Wait)
            .where(col(Wait.run_id) == run_id, col(Wait.name) == name)
            .values(until=now() - timedelta(seconds=1))
        )


async def test_no_item_waits_any_more_when_its_loop_has_failed(app, down, start, look, work_off):
    run = await start(each(down))
    await work_off()
    await due_now(app, run.id, "0.2")
    assert await sweeper.wake_due(app) == 1
    await work_off()
    assert (await look(run.id)).status == "failed"
    assert await waits_of(app, run.id) == [("turn", "done"), ("turn", "done")]


async def test_a_loop_that_asks_a_person_is_not_woken_for_its_items(
    app, actor, down, start, look, work_off
):
    graph = each(down)
    graph["nodes"][1]["settings"] = {"on_error": "ask"}
    run = await start(graph)
    await work_off()
    await due_now(app, run.id, "0.2")
    await sweeper.wake_due(app)
    await work_off()
    assert (await steps_of(app, actor, run.id))["loop"].status == "waiting_human"
    await due_now(app, run.id, "1.2")
    assert (await sweeper.wake_due(app), (await look(run.id)).status) == (0, "waiting")


async def test_the_time_a_loop_waited_for_its_items_is_counted_once(
    app, actor, refused, world, start, work_off
):
    run = await start(each(refused, items="[1]"))
    await work_off()
    await let_time_pass(app, run.id)
    await sweeper.wake_due(app)
    await work_off()
    async with app.database.read() as uow:
        loop = (await steps_of(app, actor, run.id))["loop"]
        told = await get_step(uow, actor, run.id, loop.id)
    whole = (told.finished_at - told.started_at).total_seconds()
    assert 0 < told.waited_s < whole


async def test_a_run_that_waits_for_a_next_try_can_be_canceled(
    app, actor, world, start, look, do, work_off
):
    async def busy(request):
        raise UpstreamFailed("Too many requests.", retry_after_s=3_000)

    world.on_http = busy
    call = node("call", "tool.http", {"url": "https://busy.example"}, settings={"retries": 2})
    run = await start(chain(START, call))
    await work_off()
    assert (await do(cancel_run, run.id)).status == "canceled"
    assert await waits_of(app, run.id) == [("retry", "canceled")]
    assert (await sweeper.wake_due(app), len(world.calls)) == (0, 1)


async def test_a_signal_goes_to_the_step_that_waits_for_it(app, actor, start, look, do, work_off):
    run = await start(then(PAID))
    await work_off()
    assert (await do(send_signal, run.id, "other", 1)).status == "waiting"
    assert (await do(send_signal, run.id, "paid", {"amount": 3})).status == "pending"
    await work_off()
    assert (await look(run.id)).output == {"amount": 3}
    with pytest.raises(Conflict, match="has ended"):
        await do(send_signal, run.id, "paid", 1)


async def test_a_signal_that_comes_early_is_kept_and_given_once(
    app, actor, start, look, do, work_off
):
    second = node("second", "logic.wait", {"wait_for": "signal", "signal": "paid"})
    run = await start(then(PAID, second))
    await do(send_signal, run.id, "paid", "one")
    await work_off()
    assert (await look(run.id)).status == "pending"  # the first wait had its signal at once
    await work_off()
    assert (await look(run.id)).status == "waiting"
    large = "x" * 100_000
    await do(send_signal, run.id, "paid", large)
    await work_off()
    assert (await look(run.id)).output == large
    assert sorted(await waits_of(app, run.id)) == [
        ("signal", "done"), ("signal", "done"), ("signal", "used"),
    ]  # fmt: skip


async def test_a_signal_that_does_not_come_in_time_times_out(app, actor, start, look, work_off):
    limited = {"wait_for": "signal", "signal": "paid", "limit_s": 60}
    wait = node("paid", "logic.wait", limited)
    late = node("late", "data.template", {"template": "too late"})
    graph = {
        "schema": 1,
        "nodes": [START, wait, late],
        "edges": [edge(START, wait, "", "input"), edge(wait, late, "timed_out", "input")],
    }
    run = await start(graph)
    await work_off()
    await let_time_pass(app, run.id)
    assert await sweeper.wake_due(app) == 1
    await work_off()
    assert (await look(run.id)).output == "too late"


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "two\nlines"])
async def test_an_unfit_name_of_a_signal_is_refused(app, start, do, name):
    run = await start(then(PAID))
    with pytest.raises(InvalidInput):
        await do(send_signal, run.id, name, 1)


async def calling(app, actor, start, graph, given="{{ trigger }}"):
    """Start a run that calls a workflow with this graph."""
    called = await make_workflow(app.database, actor, graph, "Called")
    call = node("call", "flow.run_workflow", {"workflow": called, "given": given})
    return await start(then(call), {"text": "Dear Ada", "name": "Ada"})


async def test_the_end_of_a_called_run_wakes_the_one_that_calls(app, actor, start, look, work_off):
    run = await calling(app, actor, start, slow(1))
    await work_off()
    assert (await look(run.id)).status == "waiting"
    [child] = await children_of(app, run.id)
    assert (child.status, child.parent_path, child.depth, child.trigger) == (
        "pending", "call", 1, "workflow",
    )  # fmt: skip
    await work_off()
    assert (await look(child.id)).status == "succeeded"
    assert (await look(run.id)).status == "pending"
    await work_off()
    after = await look(run.id)
    assert (after.status, after.output) == ("succeeded", "done")
    assert (await look(child.id)).parent_run_id == run.id
    assert len(await children_of(app, run.id)) == 1
    steps = await steps_of(app, actor, run.id)
    async with app.database.read() as uow:
        assert (await get_step(uow, actor, run.id, steps["call"].id)).child_run_id == child.id
        assert (await get_step(uow, actor, run.id, steps["answer"].id)).child_run_id is None


async def test_a_large_output_of_a_called_run_arrives_whole(app, actor, start, look, work_off):
    big = chain(START, node("big", "data.template", {"template": "{{ trigger.text }}"}))
    called = await make_workflow(app.database, actor, big, "Called")
    call = node("call", "flow.run_workflow", {"workflow": called, "given": "{{ trigger }}"})
    run = await start(then(call), {"text": "x" * 200_000})
    await work_off()
    await work_off()
    await work_off()
    assert (await look(run.id)).output == "x" * 200_000


async def test_a_called_run_that_is_canceled_fails_the_step_that_called(
    app, actor, start, look, do, work_off
):
    run = await calling(app, actor, start, slow(1))
    await work_off()
    [child] = await children_of(app, run.id)
    await do(cancel_run, child.id)
    assert (await look(run.id)).status == "pending"
    await work_off()
    after = await look(run.id)
    assert (after.status, "canceled" in after.error["message"]) == ("failed", True)


async def test_a_lost_wake_up_is_found(app, actor, start, look, monkeypatch, work_off):
    run = await calling(app, actor, start, slow(1))
    await work_off()

    async def died(*_):
        """The process died between the end of the child and telling its parent."""

    monkeypatch.setattr("app.services.runs.lifecycle.execute.after_end", died)
    await work_off()
    assert (await look(run.id)).status == "waiting"
    assert await sweeper.tell_kin(app) == 1
    assert (await look(run.id)).status == "pending"
    assert await sweeper.tell_kin(app) == 0


async def test_a_call_that_is_repeated_after_a_crash_starts_nothing_twice(
    app, actor, start, look, monkeypatch, work_off
):
    run = await calling(app, actor, start, slow(1))
    await work_off()
    [child] = await children_of(app, run.id)
    async with app.database.work() as uow:  # as if it had died before it noted that it waits
        await uow.session.execute(update(Run).where(col(Run.id) == run.id).values(status="pending"))
        await uow.session.execute(
            update(Step).where(col(Step.path) == "call").values(status="running")
        )
        await uow.session.execute(delete(Wait))
    await work_off()
    assert [one.id for one in await children_of(app, run.id)] == [child.id]
    await work_off()
    await work_off()
    assert (await look(run.id)).status == "succeeded"


async def test_cancelling_goes_down_to_what_was_called(app, actor, start, look, do, work_off):
    inner = await make_workflow(app.database, actor, APPROVAL, "Inner")
    call = node("call", "flow.run_workflow", {"workflow": inner, "given": "{{ trigger }}"})
    run = await calling(app, actor, start, then(call))
    await work_off()
    [middle] = await children_of(app, run.id)
    await work_off()
    [lowest] = await children_of(app, middle.id)
    await work_off()
    async with app.database.read() as uow:
        [question] = await list_approvals(uow, actor)
    assert [(one.run_id, one.path) for one in question.parents] == [
        (middle.id, "call"), (run.id, "call"),
    ]  # fmt: skip
    began = asyncio.get_running_loop().time()
    await do(cancel_run, run.id)
    assert asyncio.get_running_loop().time() - began < 2
    for one in (run, middle, lowest):
        assert (await look(one.id)).status == "canceled"
    async with app.database.read() as uow:
        assert await list_approvals(uow, actor) == ()
    assert await waits_of(app, run.id) == [("run", "canceled")]


async def test_a_missing_or_foreign_workflow_cannot_be_called(app, actor, start, look, work_off):
    stranger = await make_actor(app.database)
    foreign = await make_workflow(app.database, stranger, slow(1), "Theirs")
    said = []
    for workflow in (foreign, "wfl_none"):
        run = await start(then(node("call", "flow.run_workflow", {"workflow": workflow})))
        await work_off()
        failed = await look(run.id)
        said.append(failed.error["message"].replace(workflow, "it"))
        assert failed.error["code"] == "not_found"
    assert said[0] == said[1]


async def test_queued_and_waiting_runs_pause_at_once_and_go_on_when_resumed(
    app, actor, start, look, do, work_off
):
    run = await start(then(PAID))
    assert (await do(pause_run, run.id)).status == "paused"
    await work_off()
    assert (await look(run.id)).status == "paused"
    assert (await do(resume_run, run.id)).status == "pending"
    await work_off()
    assert (await do(pause_run, run.id)).status == "paused"
    assert (await do(pause_run, run.id)).status == "paused"
    assert (await do(send_signal, run.id, "paid", 7)).status == "paused"
    assert (await do(resume_run, run.id)).status == "pending"
    await work_off()
    assert (await look(run.id)).output == 7
    assert (await events_of(app, actor, run.id)).count("run.paused") == 2


async def test_an_answer_that_comes_while_paused_is_kept(app, actor, start, look, do, work_off):
    run = await start(APPROVAL, {"text": "Dear Ada"})
    await work_off()
    async with app.database.read() as uow:
        [question] = await list_approvals(uow, actor)
    await do(pause_run, run.id)
    await do(answer_step, question.step_id, "approve")
    assert (await look(run.id)).status == "paused"
    await do(resume_run, run.id)
    await work_off()
    assert (await look(run.id)).status == "succeeded"


async def test_a_run_at_work_ends_what_it_does_and_then_pauses(
    app, actor, world, start, look, do, begin_work, work_off
):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request):
        began.set()
        await go_on.wait()

    world.on_http = hold
    run = await start(slow(3))
    working = await begin_work()
    await began.wait()
    assert (await do(pause_run, run.id)).status == "running"
    await asyncio.sleep(0.8)  # until the keeper has heard
    go_on.set()
    await working
    assert (await look(run.id)).status == "paused"
    steps = await steps_of(app, actor, run.id)
    assert {path: step.status for path, step in steps.items()} == {
        "start": "succeeded", "call_0": "succeeded",
    }  # fmt: skip
    await do(resume_run, run.id)
    await work_off()
    assert (await look(run.id)).status == "succeeded"
    assert world.calls == [f"https://slow.example/{i}" for i in range(3)]


async def test_a_run_resumed_before_it_had_come_to_rest_goes_on(
    app, actor, world, start, look, do, begin_work, work_off
):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request):
        began.set()
        await go_on.wait()

    world.on_http = hold
    run = await start(slow(2))
    working = await begin_work()
    await began.wait()
    await do(pause_run, run.id)
    await asyncio.sleep(0.8)
    assert (await do(resume_run, run.id)).status == "running"
    go_on.set()
    await working
    assert (await look(run.id)).status == "pending"
    await work_off()
    assert (await look(run.id)).status == "succeeded"


async def test_a_run_whose_process_died_while_it_was_to_pause_pauses_when_found(
    app, actor, start, look, do, work_off
):
    run = await start(slow(1))
    async with app.database.work() as uow:
        await uow.session.execute(
            update(Run)
            .where(col(Run.id) == run.id)
            .values(status="running", control="pause", lease_until=now() - timedelta(seconds=9))
        )
    await work_off()
    assert (await look(run.id)).status == "paused"


async def test_a_paused_run_can_be_canceled_and_an_ended_one_neither_pauses_nor_resumes(
    app, start, look, do
):
    run = await start(then(PAID))
    with pytest.raises(Conflict, match="not paused"):
        await do(resume_run, run.id)
    await do(pause_run, run.id)
    assert (await do(cancel_run, run.id)).status == "canceled"
    for use_case in (pause_run, resume_run):
        with pytest.raises(Conflict):
            await do(use_case, run.id)


async def test_of_two_that_resume_at_once_one_is_told_no_and_the_run_goes_on_once(
    app, world, start, look, do, work_off
):
    run = await start(slow(1))
    await do(pause_run, run.id)
    answers = await asyncio.gather(
        *(do(resume_run, run.id) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in answers) == 3, answers
    await asyncio.gather(*(work_off() for _ in range(3)))
    assert (await look(run.id)).status == "succeeded"
    assert len(world.calls) == 1


async def test_resuming_and_cancelling_at_once_ends_canceled(app, world, start, look, do, work_off):
    run = await start(slow(1))
    await do(pause_run, run.id)
    await asyncio.gather(do(resume_run, run.id), do(cancel_run, run.id), return_exceptions=True)
    await work_off()
    assert ((await look(run.id)).status, world.calls) == ("canceled", [])


async def test_strangers_find_nothing_to_pause_resume_or_signal(app, start, do):
    run = await start(then(PAID))
    stranger = await make_actor(app.database)
    for use_case, more in ((pause_run, ()), (resume_run, ()), (send_signal, ("paid", 1))):
        with pytest.raises(NotFound, match="There is no such run"):
            await do(use_case, run.id, *more, who=stranger)


async def test_a_version_whose_nodes_are_not_here_any_more_stops(
    app, actor, start, look, monkeypatch, work_off
):
    run = await start(then(PAID))
    async with app.database.work() as uow:
        from_version = await uow.session.get_one(Run, run.id)
        version = await uow.session.get_one(claimed_run.WorkflowVersion, from_version.version_id)
        graph = {**version.graph, "nodes": [dict(one) for one in version.graph["nodes"]]}
        graph["nodes"][1]["version"] = 7
        version.graph = graph
    await work_off()
    after = await look(run.id)
    assert (after.status, after.error["code"]) == ("failed", "needs_migration")
    assert "logic.wait version 7" in after.error["message"]
    async with app.database.read() as uow:
        assert (await draft_of(uow, run.workflow_id)).graph["nodes"][1]["version"] == 1
