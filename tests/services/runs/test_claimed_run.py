"""A run's life: questions and answers, cancelling in any state, and steps of unknown outcome."""

import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.adapters.sql.journal import RunJournal
from app.adapters.sql.memory import SqlMemory
from app.engine.host import StepRecord
from app.kernel.clock import now
from app.kernel.errors import (
    AlreadyDecided,
    Fenced,
    InvalidInput,
    NotFound,
    StorageDown,
    UpstreamRefused,
)
from app.kernel.ids import derived_id
from app.models import Approval, MemoryValue, Run, Step
from app.services.runs.claiming import claim
from app.services.runs.lifecycle.commands import answer_step, cancel_run
from app.services.runs.lifecycle.control import pause_run
from app.services.runs.lifecycle.execute import spawn_run
from app.services.runs.lifecycle.lapsed import with_second_look
from app.services.runs.reading.following import wait_for_run
from app.services.runs.reading.queries import get_step, list_approvals, list_events, list_steps
from app.services.runs.waits.deliveries import age
from tests.graphs import APPROVAL, PUT, QUICK, START, chain, edge, node, slow
from tests.rows import make_actor

BUSY_S = 8
"""What a busy machine may add to a time limit."""


@pytest.fixture
def answer(app, actor):
    async def give(step_id, output, who=None):
        async with app.database.work() as uow:
            return await answer_step(uow, who or actor, step_id, output)

    return give


async def change(app, run_id, **values):
    async with app.database.work() as uow:
        await uow.session.execute(update(Run).where(col(Run.id) == run_id).values(**values))


async def of(app, run_id):
    async with app.database.read() as uow:
        return await uow.session.get_one(Run, run_id)


async def open_questions(app, actor):
    async with app.database.read() as uow:
        return await list_approvals(uow, actor)


async def statuses(app, actor, run_id):
    async with app.database.read() as uow:
        return {step.path: step.status for step in await list_steps(uow, actor, run_id)}


async def assert_gap_free(app, actor, run_id):
    async with app.database.read() as uow:
        events = await list_events(uow, actor, run_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.type for event in events]


async def test_an_approval_waits_without_a_process_and_goes_on_with_the_answer(
    app, actor, start, look, answer, work_off
):
    run = await start(APPROVAL, {"text": "Dear Ada"})
    await work_off()
    assert (await look(run.id)).status == "waiting"
    assert app.leases.count == 0
    [question] = await open_questions(app, actor)
    assert (question.run_id, question.title, question.value, question.editable) == (
        run.id,
        "Send it?",
        "Dear Ada",
        True,
    )
    assert question.workflow_name == "Flow"

    after = await answer(question.step_id, {"choice": question.choices[0], "value": "Dear Eve"})
    assert after.status == "pending"
    assert await open_questions(app, actor) == ()
    assert "run-" + run.id + "-2" in await app.queue.waiting()
    await work_off()
    done = await look(run.id)
    assert (done.status, done.output) == ("succeeded", "Dear Eve")
    types = await assert_gap_free(app, actor, run.id)
    assert types.count("run.started") == 1
    assert types[-1] == "run.completed"


async def test_of_two_answers_one_wins(app, actor, start, look, answer, work_off):
    await start(APPROVAL, {"text": "x"})
    await work_off()
    [question] = await open_questions(app, actor)
    first, second = await asyncio.gather(
        answer(question.step_id, "approve"),
        answer(question.step_id, "reject"),
        return_exceptions=True,
    )
    [lost] = [one for one in (first, second) if isinstance(one, BaseException)]
    assert isinstance(lost, AlreadyDecided)
    async with app.database.read() as uow:
        [row] = (await uow.session.execute(select(Approval))).scalars()
    assert row.decided_by == actor.user_id
    with pytest.raises(AlreadyDecided):
        await answer(question.step_id, "approve")


async def test_a_wrong_answer_is_refused_and_the_question_stays_open(
    app, actor, start, answer, work_off
):
    await start(APPROVAL, {"text": "x"})
    await work_off()
    [question] = await open_questions(app, actor)
    for output in ("perhaps", {"choice": "perhaps"}, {}, None, 3):
        with pytest.raises(InvalidInput, match="'approve', 'reject'"):
            await answer(question.step_id, output)
    stranger = await make_actor(app.database)
    for step_id, who in ((question.step_id, stranger), ("stp_none", actor)):
        with pytest.raises(NotFound):
            await answer(step_id, "approve", who)
    assert len(await open_questions(app, actor)) == 1
    assert (await answer(question.step_id, {"approved": False})).status == "pending"


async def test_an_answer_that_comes_while_other_steps_still_run_is_not_lost(
    app, actor, start, look, answer, world, begin_work, work_off
):
    asked, go_on = asyncio.Event(), asyncio.Event()
    check = node("check", "human.approval", {"title": "Send it?"})
    call = node("call", "tool.http", {"url": "https://slow.example/"})
    graph = {
        "schema": 1,
        "nodes": [START, check, call],
        "edges": [edge(START, check), edge(START, call)],
    }

    async def wait(_):
        asked.set()
        await go_on.wait()

    world.on_http = wait
    run = await start(graph)
    working = await begin_work()
    await asked.wait()
    async with asyncio.timeout(5):
        while not (questions := await open_questions(app, actor)):
            await asyncio.sleep(0.01)
    assert (await answer(questions[0].step_id, "approve")).status == "running"
    go_on.set()
    await working
    assert (await look(run.id)).status == "pending", "it does not wait for an answer that is there"
    await work_off()
    assert (await look(run.id)).status == "succeeded"
    assert len(world.calls) == 1, "what had finished did not run again"
    await assert_gap_free(app, actor, run.id)


@pytest.mark.parametrize("state", ["pending", "waiting", "abandoned"])
async def test_cancelling_a_run_that_nobody_works_on_ends_it_at_once(
    app, actor, start, look, state, work_off
):
    run = await start(APPROVAL, {"text": "x"})
    if state == "waiting":
        await work_off()
    if state == "abandoned":
        await change(
            app, run.id, status="running", epoch=1, lease_until=now() - timedelta(seconds=5)
        )
    told = await with_second_look(app.database, cancel_run, actor, run.id)
    assert told.status == "canceled"
    await work_off()  # its job may still be in the queue
    done = await look(run.id)
    assert done.status == "canceled"
    assert done.finished_at
    assert await open_questions(app, actor) == ()
    assert "waiting_human" not in (await statuses(app, actor, run.id)).values()
    assert (await assert_gap_free(app, actor, run.id))[-1] == "run.canceled"
    stranger = await make_actor(app.database)
    async with app.database.work() as uow:
        assert (await cancel_run(uow, actor, run.id)).status == "canceled", "again: nothing happens"
        with pytest.raises(NotFound):
            await cancel_run(uow, stranger, run.id)


async def test_cancelling_a_run_at_work_stops_it_in_the_middle_within_two_seconds(
    app, actor, start, look, world, begin_work
):
    at_work = asyncio.Event()

    async def hang(_):
        at_work.set()
        await asyncio.sleep(60)

    world.on_http = hang
    run = await start(slow(1))
    working = await begin_work()
    await at_work.wait()
    async with app.database.work() as uow:
        assert (await cancel_run(uow, actor, run.id)).status == "running"
    async with asyncio.timeout(2):
        await working
    done = await look(run.id)
    assert done.status == "canceled"
    assert await statuses(app, actor, run.id) == {"start": "succeeded", "call_0": "canceled"}
    assert (await assert_gap_free(app, actor, run.id))[-1] == "run.canceled"


async def test_an_effect_that_a_cancel_cuts_off_says_that_nobody_knows(
    app, actor, start, look, monkeypatch, begin_work
):
    at_work = asyncio.Event()

    async def hang(*_):
        at_work.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(SqlMemory, "put", hang)
    run = await start(PUT, {"text": "x"})
    working = await begin_work()
    await at_work.wait()
    async with app.database.work() as uow:
        await cancel_run(uow, actor, run.id)
    async with asyncio.timeout(2):
        await working
    assert (await look(run.id)).status == "canceled"
    await assert_unknown(app, actor, run.id)


async def assert_unknown(app, actor, run_id):
    """Assert that the step, and the event of its end, say that it may have taken effect."""
    async with app.database.read() as uow:
        [keep] = [step for step in await list_steps(uow, actor, run_id) if step.path == "keep"]
        [told] = [
            event.payload["step"]
            for event in await list_events(uow, actor, run_id)
            if event.type == "step.canceled" and event.path == "keep"
        ]
    assert (keep.status, keep.error["code"]) == ("canceled", "effect_unknown")
    assert told["error"] == keep.error
    assert (await assert_gap_free(app, actor, run_id))[-1] == "run.canceled"


@pytest.mark.parametrize("asked", [True, False])
async def test_so_does_one_of_a_process_that_died(app, actor, cut_off, asked):
    if not asked:  # canceled before anybody found the run
        async with app.database.work() as uow:
            await uow.session.execute(
                update(Step).where(col(Step.path) == "keep").values(status="running")
            )
        await change(app, cut_off, status="running", lease_until=now() - timedelta(seconds=1))
    assert (await with_second_look(app.database, cancel_run, actor, cut_off)).status == "canceled"
    await assert_unknown(app, actor, cut_off)


async def test_what_only_looked_outside_has_nothing_to_say(app, actor, start, world, begin_work):
    at_work = asyncio.Event()

    async def hang(_):
        at_work.set()
        await asyncio.sleep(60)

    world.on_http = hang
    run = await start(slow(1))
    dies = await begin_work()
    await at_work.wait()
    dies.cancel()
    await asyncio.gather(dies, return_exceptions=True)
    assert (await statuses(app, actor, run.id))["call_0"] == "running"
    async with app.database.work() as uow:
        assert (await cancel_run(uow, actor, run.id)).status == "canceled"
    async with app.database.read() as uow:
        [call] = [step for step in await list_steps(uow, actor, run.id) if step.path == "call_0"]
    assert (call.status, call.error) == ("canceled", None)


async def test_a_cancel_survives_the_death_of_who_should_obey(app, actor, start, look, work_off):
    run = await start(slow(1))
    await change(
        app,
        run.id,
        status="running",
        epoch=1,
        control="cancel",
        lease_until=now() - timedelta(seconds=5),
    )
    await work_off()
    assert (await look(run.id)).status == "canceled"


async def test_two_processes_never_work_on_one_run(app, actor, start, world, work_off):
    await start(slow(3))
    await asyncio.gather(*(work_off() for _ in range(5)))
    assert len(world.calls) == 3


async def test_a_process_that_lost_its_run_writes_nothing_more(
    app, actor, start, look, world, begin_work, work_off
):
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def hang(_):
        at_work.set()
        await go_on.wait()

    world.on_http = hang
    run = await start(slow(1))
    zombie = await begin_work()
    await at_work.wait()
    world.on_http = None
    app.leases._held.clear()  # the zombie's keeper is as stuck as itself, after what it is just doing
    while (await look(run.id)).status != "succeeded":
        await change(app, run.id, lease_until=now() - timedelta(seconds=5))
        await work_off()
    before = await assert_gap_free(app, actor, run.id)
    go_on.set()
    await zombie
    assert await assert_gap_free(app, actor, run.id) == before
    with pytest.raises(Fenced):
        await RunJournal(app.writer, run.id, actor.workspace_id, 1).record()


async def test_a_released_run_goes_on_elsewhere_from_where_it_was(
    app, actor, start, look, world, begin_work, work_off
):
    at_work = asyncio.Event()

    async def hang(request):
        if request.url.endswith("/1"):
            at_work.set()
            await asyncio.sleep(60)

    world.on_http = hang
    run = await start(slow(3))
    working = await begin_work()
    await at_work.wait()
    app.leases.give_up_all()
    await working
    released = await look(run.id)
    assert released.status == "pending"
    assert await app.queue.waiting() >= {f"run-{run.id}-3"}
    world.on_http = None
    await work_off()
    assert (await look(run.id)).status == "succeeded"
    assert [url[-1] for url in world.calls] == ["0", "1", "1", "2"]
    await assert_gap_free(app, actor, run.id)


async def test_a_run_that_kills_its_processes_is_ended_with_a_sentence(
    app, actor, start, look, work_off
):
    run = await start(slow(1))
    await change(
        app,
        run.id,
        status="running",
        attempts=5,
        epoch=6,
        lease_until=now() - timedelta(seconds=5),
    )
    await work_off()
    done = await look(run.id)
    assert (done.status, done.error["code"]) == ("failed", "worker_lost")
    assert (await assert_gap_free(app, actor, run.id))[-1] == "run.failed"


@pytest.fixture
async def cut_off(app, actor, start, work_off):
    """A run whose process died while a step was changing the outside."""
    run = await start(PUT, {"text": "hello"})
    await change(app, run.id, status="running", epoch=1, lease_until=now() + timedelta(seconds=5))
    journal = RunJournal(app.writer, run.id, actor.workspace_id, 1)

    def record(path, kind, status, **more):
        return StepRecord(
            id=derived_id("step", run.id, path),
            node_id=path,
            path=path,
            kind=kind,
            label=path.title(),
            status=status,
            **more,
        )

    done = record("start", "trigger.manual", "succeeded", output={"data": {"text": "hello"}})
    await journal.record(done, record("keep", "memory.key_value", "running"))
    await change(app, run.id, lease_until=now() - timedelta(seconds=1))
    await work_off()
    return run.id


async def kept(app):
    async with app.database.read() as uow:
        return [row.value for row in (await uow.session.execute(select(MemoryValue))).scalars()]


async def test_a_step_of_unknown_outcome_is_not_repeated_but_asked_about(app, actor, look, cut_off):
    assert (await look(cut_off)).status == "waiting"
    assert (await statuses(app, actor, cut_off))["keep"] == "interrupted"
    assert await kept(app) == []
    [question] = await open_questions(app, actor)
    assert (question.kind, question.choices, question.node_id) == (
        "clarification",
        ("retry", "done", "skip", "stop"),
        "keep",
    )
    assert "Keep" in question.title
    types = await assert_gap_free(app, actor, cut_off)
    assert types[-3:] == ["step.waiting_human", "run.progress", "run.waiting"]


@pytest.mark.parametrize(
    ("choice", "status", "step", "values"),
    [
        ("retry", "succeeded", "succeeded", ["hello"]),
        ("done", "succeeded", "succeeded", []),
        ("skip", "succeeded", "skipped", []),
        ("stop", "failed", "failed", []),
    ],
)
async def test_a_person_decides_how_it_goes_on(
    app, actor, look, answer, cut_off, choice, status, step, values, work_off
):
    [question] = await open_questions(app, actor)
    await answer(question.step_id, {"choice": choice})
    await work_off()
    done = await look(cut_off)
    assert (done.status, (await statuses(app, actor, cut_off))["keep"]) == (status, step)
    assert await kept(app) == values
    if status == "succeeded":
        assert done.output == "done"
    await assert_gap_free(app, actor, cut_off)


async def test_steps_are_listed_by_start_and_skipped_ones_last(app, actor, start):
    choice = node("choice", "logic.if", {"condition": "trigger.text == 'x'"})
    no, yes = node("a_no", "flow.respond"), node("yes", "flow.respond")
    graph = chain(START, choice)
    graph["nodes"] += [no, yes]
    graph["edges"] += [edge(choice, no, "false"), edge(choice, yes, "true")]
    run = await start(graph, {"text": "x"})
    await wait_for_run(app, actor, run.id, 10)
    async with app.database.read() as uow:
        steps = await list_steps(uow, actor, run.id)
    assert [step.path for step in steps] == ["start", "choice", "yes", "a_no"]


async def test_a_step_is_read_whole_and_only_within_its_run(app, actor, start):
    run = await start(
        chain(START, node("answer", "flow.respond", {"value": "{{ trigger.text }}"})),
        {"text": "é" * 70_000},
    )
    await wait_for_run(app, actor, run.id, 5)
    other = await start(QUICK, {"name": "Ada"})
    async with app.database.read() as uow:
        [step] = (
            await uow.session.execute(
                select(Step).where(col(Step.path) == "answer", col(Step.run_id) == run.id)
            )
        ).scalars()
        assert (await get_step(uow, actor, run.id, step.id)).output["value"] == "é" * 70_000
        with pytest.raises(NotFound):
            await get_step(uow, actor, other.id, step.id)


async def test_what_earlier_lives_worked_counts_for_the_time_limit(app, start, look, work_off):
    run = await start(slow(1))
    await change(app, run.id, worked_s=3_000.0, limits={"timeout_s": 3_000})
    await work_off()
    done = await look(run.id)
    assert (done.status, done.error["code"]) == ("failed", "budget_exceeded")


KEEPS = {
    "get": chain(START, node("keep", "memory.key_value", {"operation": "get", "key": "k"}), node("answer", "flow.respond")),
    "set": PUT,
}  # fmt: skip


@pytest.mark.parametrize(("operation", "status"), [("get", "succeeded"), ("set", "waiting")])
async def test_a_run_outlives_a_database_that_is_away_in_the_middle_of_it(
    app, start, look, monkeypatch, operation, status, work_off
):
    async def away(*args):
        raise StorageDown("The database does not answer.")

    run = await start(KEEPS[operation], {"text": "x"})
    with monkeypatch.context() as patched:
        patched.setattr(SqlMemory, "get", away)
        patched.setattr(SqlMemory, "put", away)
        await work_off()
    assert (await look(run.id)).status == "running", "its lease runs out, and another goes on"
    async with asyncio.timeout(10):
        while (await look(run.id)).status == "running":
            await asyncio.sleep(0.1)
            await work_off()
    assert (await look(run.id)).status == status, "whether the value was kept nobody knows"


async def test_a_failed_step_may_ask_again_and_again_and_takes_an_edited_input(
    app, actor, start, look, answer, world, work_off
):
    """Each failure asks a new question; the run never wakes because of an old answer."""

    async def refuse(request):
        if request.url != "https://good.example/":
            raise UpstreamRefused("The address is wrong.")

    world.on_http = refuse
    call = node("call", "tool.http", {"url": "https://bad.example/"}, settings={"on_error": "ask"})
    run = await start(chain(START, call, node("answer", "flow.respond", {"value": "done"})))
    await work_off()
    for _ in range(2):
        assert (await look(run.id)).status == "waiting"
        [question] = await open_questions(app, actor)
        assert question.value["config"]["url"] == "https://bad.example/"
        await answer(question.step_id, {"choice": "retry"})
        assert (await look(run.id)).status == "pending"
        await work_off()
    assert (await look(run.id)).status == "waiting", "an old answer wakes nobody"
    [question] = await open_questions(app, actor)
    assert "The address is wrong." in question.body
    edited = {**question.value["config"], "url": "https://good.example/"}
    await answer(question.step_id, {"choice": "retry", "value": {"config": edited}})
    await work_off()
    done = await look(run.id)
    assert (done.status, done.output) == ("succeeded", "done")
    async with app.database.read() as uow:
        step = await get_step(uow, actor, run.id, question.step_id)
    assert step.attempt == 4
    assert step.input["config"]["url"] == "https://good.example/"
    await assert_gap_free(app, actor, run.id)


def test_a_clock_that_was_put_back_makes_no_old_question_the_current_one():
    def question(status: str, *, taken: bool, days: int) -> Approval:
        return Approval(status=status, taken=taken, created_at=now() + timedelta(days=days))

    old = question("answered", taken=True, days=1)
    answered = question("answered", taken=False, days=0)
    asked = question("open", taken=False, days=-1)
    canceled = question("canceled", taken=False, days=-2)
    rows = [asked, canceled, old, answered]
    assert sorted(rows, key=lambda row: age(row, "answered")) == [canceled, old, answered, asked]


async def test_a_lease_counts_from_before_it_was_written(app, start, monkeypatch):
    """However long it takes to load what is known of the run."""
    await start(slow(1), {})
    load = claim._begin

    async def slowly(*args):
        await asyncio.sleep(0.5)
        return await load(*args)

    monkeypatch.setattr(claim, "_begin", slowly)
    before = time.monotonic()
    [claimed] = (await claim.claim_runs(app, claim.ClaimRequest(app.name, 1))).runs
    assert before <= claimed.leased_at <= time.monotonic() - 0.5
    task = spawn_run(app, claimed)
    [held] = app.leases._snapshot()
    assert held.proved_at == claimed.leased_at
    await task


@pytest.mark.parametrize("how", [pause_run, cancel_run])
async def test_a_lease_that_only_looks_over_is_looked_at_again(app, actor, start, how):
    """The clock was set, and the process renews the lease as ever."""
    run = await start(slow(1), {})
    await change(app, run.id, status="running", epoch=1, lease_until=now() - timedelta(hours=1))

    async def renew():
        await asyncio.sleep(0.5)
        await change(app, run.id, lease_until=now() + timedelta(seconds=30))

    renewing = asyncio.create_task(renew())
    told = await with_second_look(app.database, how, actor, run.id)
    await renewing
    row = await of(app, run.id)
    assert (told.status, row.epoch, row.control) == ("running", 1, how.__name__.split("_")[0])


@pytest.mark.parametrize(("how", "status"), [(pause_run, "paused"), (cancel_run, "canceled")])
@pytest.mark.parametrize("ahead_s", [-3600, 3600])
async def test_a_run_whose_process_is_dead_need_not_be_heard(
    app, actor, start, how, status, ahead_s
):
    run = await start(slow(1), {})
    until = now() + timedelta(seconds=ahead_s)
    await change(app, run.id, status="running", epoch=1, lease_until=until)
    async with asyncio.timeout(2 + BUSY_S):
        assert (await with_second_look(app.database, how, actor, run.id)).status == status
    assert (await of(app, run.id)).epoch == 2
