"""Watching a run: early, late, again, without Redis; the home page's numbers; what the queue
lost."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from app.adapters.sql.journal import RunJournal
from app.engine.events import Event
from app.engine.host import RunPatch, StepRecord
from app.kernel.clock import now
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from app.models import Approval, Run
from app.services.runs.reading.following import follow, wait_for_run
from app.services.runs.reading.home import overview
from app.services.runs.reading.queries import list_approvals, list_events
from app.services.runs.recovery.crash_detector import CrashDetector
from app.worker.sweeper import Crashes, reconcile_forgotten
from tests.graphs import APPROVAL, QUICK
from tests.rows import make_actor, make_run, make_workflow


def event(run, seq, type_="step.started", path="a", text=None) -> Event:
    payload = {} if text is None else {"text": text}
    return Event(
        seq=seq,
        at=now(),
        workspace_id=run.workspace_id,
        run_id=run.id,
        type=type_,
        path=path,
        payload=payload,
    )


@pytest.fixture
async def run(app, actor):
    return await make_run(app.database, actor, lease_until=now() + timedelta(seconds=60))


@pytest.fixture
def journal(app, run):
    return RunJournal(app.writer, run.id, run.workspace_id, 1)


class Watching:
    """A page that follows a run and keeps what it shows: events by number, text by step."""

    def __init__(self, app, actor, run_id, after=0):
        self.numbers: list[int] = []
        self.text: dict[str, str] = {}
        self.types: list[str] = []
        self._work = asyncio.create_task(self._watch(app, actor, run_id, after))

    async def _watch(self, app, actor, run_id, after):
        async with aclosing(follow(app, actor, run_id, after)) as batches:
            async for batch in batches:
                for one in batch:
                    self._show(one)

    def _show(self, one):
        if one.type == "llm.token":
            before = "" if one.payload.get("replace") else self.text.get(one.path, "")
            self.text[one.path] = before + one.payload["text"]
        else:
            self.numbers.append(one.seq)
            self.types.append(one.type)

    async def ended(self):
        async with asyncio.timeout(20):
            await self._work
        return self

    async def until(self, is_true):
        async with asyncio.timeout(20):
            while not is_true(self):
                assert not self._work.done(), self._work
                await asyncio.sleep(0.01)

    def close(self):
        self._work.cancel()


async def test_who_watches_from_the_start_sees_each_event_once_and_in_order(
    app, actor, run, journal
):
    watching = Watching(app, actor, run.id)
    for seq in range(1, 400):
        journal.note(event(run, seq))
        if seq % 50 == 0:
            await asyncio.sleep(0)
    await journal.record(RunPatch(status="succeeded"), event(run, 400, "run.completed", None))
    assert (await watching.ended()).numbers == list(range(1, 401))


async def test_early_late_and_returning_viewers_show_the_same(app, actor, run, journal):
    early = Watching(app, actor, run.id)
    await journal.record(event(run, 1))
    for word in "Hello brave ":
        journal.stream(event(run, 0, "llm.token", text=word))
    await early.until(lambda page: page.text.get("a") == "Hello brave ")
    late = Watching(app, actor, run.id)
    again = Watching(app, actor, run.id, after=1)
    await late.until(lambda page: page.text.get("a") == "Hello brave ")
    for word in "new world":
        journal.stream(event(run, 0, "llm.token", text=word))
    for page in (early, late, again):
        await page.until(lambda page: page.text.get("a") == "Hello brave new world")
    await journal.record(event(run, 2, "step.completed"))
    await journal.record(RunPatch(status="succeeded"), event(run, 3, "run.completed", None))
    assert (await early.ended()).numbers == (await late.ended()).numbers == [1, 2, 3]
    assert (await again.ended()).numbers == [2, 3]
    after_all = await Watching(app, actor, run.id).ended()
    assert after_all.numbers == [1, 2, 3]
    assert after_all.text == {}, "the finished text is in the step's output"


async def test_a_second_attempt_starts_its_text_anew(app, actor, run, journal):
    await journal.record(event(run, 1))
    journal.stream(event(run, 0, "llm.token", text="wrong"))
    await journal.record(event(run, 2, "step.retrying"))
    journal.stream(event(run, 0, "llm.token", text="right"))
    await journal.record(event(run, 3, "step.log"))
    late = Watching(app, actor, run.id)
    await late.until(lambda page: page.text == {"a": "right"})
    late.close()


async def test_without_redis_events_come_from_the_database(app, actor, run, journal, monkeypatch):
    await app.bus.close()
    app.bus.connected = False
    watching = Watching(app, actor, run.id)
    await journal.record(event(run, 1))
    await watching.until(lambda page: page.numbers == [1])
    await journal.record(RunPatch(status="failed"), event(run, 2, "run.failed", None))
    assert (await watching.ended()).numbers == [1, 2]


async def test_an_event_that_was_not_published_is_read_from_the_database(app, actor, run, journal):
    watching = Watching(app, actor, run.id)
    await journal.record(event(run, 1))
    await watching.until(lambda page: page.numbers == [1])
    publish, app.bus.publish = app.bus.publish, lambda events: None
    await journal.record(event(run, 2))
    app.bus.publish = publish
    await journal.record(RunPatch(status="succeeded"), event(run, 3, "run.completed", None))
    assert (await watching.ended()).numbers == [1, 2, 3]


async def test_a_foreign_run_cannot_be_followed(app, run):
    stranger = await make_actor(app.database)
    with pytest.raises(NotFound):
        async for _ in follow(app, stranger, run.id):
            pass


async def test_waiting_for_a_run_ends_when_it_waits_for_a_person_or_time_is_up(
    app, actor, start, begin_work
):
    run = await start(APPROVAL, {"text": "x"})
    assert (await wait_for_run(app, actor, run.id, 0.1)).status == "pending"
    working = await begin_work()
    assert (await wait_for_run(app, actor, run.id, 10)).status == "waiting"
    await working


async def test_who_waits_for_a_run_that_goes_on_elsewhere_waits_on(app, actor, start, monkeypatch):
    """Its task here is over, and an answer has come for it already: it is pending, not at its end."""
    run = await start(APPROVAL, {"text": "x"})
    over = asyncio.get_running_loop().create_future()
    over.set_result(None)
    monkeypatch.setattr(app, "at_work", lambda _: over)
    waiting = asyncio.create_task(wait_for_run(app, actor, run.id, 0.5))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    assert (await waiting).status == "pending"


async def test_home_counts_the_last_day_of_this_workspace_only(app, actor, start, work_off):
    for name in ("Ada", "Eve"):
        run = await start(QUICK, {"name": name})
        await wait_for_run(app, actor, run.id, 5)
    waiting = await start(APPROVAL, {"text": "x"})
    await work_off()
    dear = await make_workflow(app.database, actor, None, "Dear")
    error = {"code": "upstream_failed", "message": "No answer."}
    for hours, cost in ((0, 2_500_000), (2, 500_000), (30, 9_000_000)):
        at = now() - timedelta(hours=hours)
        await make_run(
            app.database,
            actor,
            dear,
            status="failed",
            error=error,
            cost_microusd=cost,
            queued_at=at,
            started_at=at,
            finished_at=at + timedelta(seconds=4),
        )
    await make_run(app.database, await make_actor(app.database), status="failed")
    async with app.database.read() as uow:
        home = await overview(uow, actor)
    assert (home.active, home.runs, home.succeeded, home.failed, home.success_rate) == (
        1,
        5,
        2,
        2,
        0.5,
    )
    assert home.cost_usd == 3.0
    assert 0 < home.median_seconds <= 4
    assert (len(home.hours), sum(hour.runs for hour in home.hours)) == (24, 5)
    assert [one.run_id for one in home.waiting] == [waiting.id]
    assert [(one.name, one.failed, one.last_error) for one in home.failing] == [
        ("Dear", 2, "No answer.")
    ]
    assert [(one.name, one.cost_usd) for one in home.most_expensive] == [("Dear", 3.0)]


async def test_a_dead_process_s_run_is_pending_again_and_a_living_one_s_is_not(app, actor):
    dead = await make_run(app.database, actor, lease_until=now() - timedelta(seconds=1))
    claimed = await make_run(app.database, actor, lease_until=now() + timedelta(seconds=5))
    await make_run(app.database, actor, status="succeeded", lease_until=None)
    crashes = Crashes(CrashDetector(patience_s=0))
    assert await crashes.sweep_dead(app) == 1
    assert await crashes.sweep_dead(app) == 0
    assert await app.queue.waiting() == {f"run-{dead.id}-2"}
    async with app.database.read() as uow:
        row = await uow.session.get_one(Run, dead.id)
        assert (row.status, row.attempts, row.worker, row.lease_until) == ("pending", 1, None, None)
        assert (await uow.session.get_one(Run, claimed.id)).status == "running"


async def test_an_answer_whose_process_died_before_waking_the_run_is_found(
    app, actor, start, work_off
):
    run = await start(APPROVAL, {"text": "x"})
    await work_off()
    async with app.database.work() as uow:
        [question] = await list_approvals(uow, actor)
        row = await uow.session.get_one(Approval, question.id)
        row.status, row.answer = "answered", {"choice": "approve"}
    assert await reconcile_forgotten(app) == 1
    assert f"run-{run.id}-2" in await app.queue.waiting()
    await work_off()
    assert (await wait_for_run(app, actor, run.id, 1)).status == "succeeded"
    assert await reconcile_forgotten(app) == 0


async def test_a_run_without_events_can_be_followed_to_its_end(app, actor, journal, run):
    step = StepRecord(
        id=new_id("step"), node_id="a", path="a", kind="data.set", label="", status="succeeded"
    )
    await journal.record(step, RunPatch(status="succeeded"))
    assert (await Watching(app, actor, run.id).ended()).numbers == []
    async with app.database.read() as uow:
        assert await list_events(uow, actor, run.id) == ()
