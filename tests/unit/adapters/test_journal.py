"""The journal: group commit, fencing, final states, large and odd values."""

import asyncio

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import col

from app.adapters.sql.blobs import PART_BYTES
from app.adapters.sql.database import Database, is_away
from app.adapters.sql.journal import RunJournal, Writer
from app.adapters.sql.values import LIMIT, unpack
from app.engine.events import Event
from app.engine.host import ApprovalRecord, LlmCallRecord, RunPatch, SpanRecord, StepRecord
from app.engine.sdk import Question
from app.kernel.clock import now
from app.kernel.errors import Defect, Fenced, StorageDown
from app.kernel.ids import new_id
from app.models import Approval, Blob, LlmCall, Run, RunEvent, Span, Step
from tests.rows import make_actor, make_run


class ListeningBus:
    """Keeps what was published, and what was committed at that moment."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, events) -> None:
        self.events.extend(events)


@pytest.fixture
def bus():
    return ListeningBus()


@pytest.fixture
async def writer(database, bus):
    writer = Writer(database, bus)
    writer.start()
    yield writer
    await writer.close()


@pytest.fixture
async def run(database):
    return await make_run(database, await make_actor(database))


@pytest.fixture
def journal(writer, run):
    return RunJournal(writer, run.id, run.workspace_id, 1)


def step(path="a", status="succeeded", **more) -> StepRecord:
    return StepRecord(
        **{
            "id": new_id("step"),
            "node_id": path,
            "path": path,
            "kind": "data.set",
            "label": path,
            "status": status,
            **more,
        }
    )


def event(run, seq, type_="step.started", **more) -> Event:
    return Event(
        seq=seq, at=now(), workspace_id=run.workspace_id, run_id=run.id, type=type_, **more
    )


async def rows(database, table, *where):
    async with database.read() as uow:
        return list((await uow.session.execute(select(table).where(*where))).scalars())


async def test_what_is_recorded_is_committed_when_record_returns(database, journal, run, bus):
    call = LlmCallRecord(
        new_id("llm_call"), "a", "spn_1", "local", "tiny", 10, 5, 0, None, 12, now()
    )
    span = SpanRecord(
        new_id("span"), "a", None, "llm", "chat", "succeeded", {"model": "tiny"}, now(), now()
    )
    patch = RunPatch(tokens=15, cost_microusd=3_000_000_000, unpriced=True)
    remark = {"code": "empty", "message": "The answer is empty."}
    noted = step(output={"text": "hi"}, warnings=(remark,))
    await journal.record(noted, span, call, patch, event(run, 1))
    [stored] = await rows(database, Step)
    assert stored.warnings == [remark]
    assert (stored.output, stored.status, stored.workspace_id) == (
        {"text": "hi"},
        "succeeded",
        run.workspace_id,
    )
    assert [s.attributes for s in await rows(database, Span)] == [{"model": "tiny"}]
    assert [c.cost_microusd for c in await rows(database, LlmCall)] == [None]
    [changed] = await rows(database, Run)
    assert (changed.tokens, changed.cost_microusd, changed.unpriced) == (15, 3_000_000_000, True)
    assert [e.seq for e in await rows(database, RunEvent)] == [1]
    assert [e.seq for e in bus.events] == [1]


async def test_notes_are_written_soon_and_before_the_next_record(database, journal, run, bus):
    journal.note(step(status="running"), event(run, 1))
    await journal.record(step(status="succeeded"), event(run, 2, "step.completed"))
    assert [s.status for s in await rows(database, Step)] == ["succeeded"]
    journal.note(step("b", status="running"), event(run, 3))
    async with asyncio.timeout(5):
        while len(bus.events) < 3:
            await asyncio.sleep(0.01)
    assert [e.seq for e in bus.events] == [1, 2, 3]
    assert len(await rows(database, Step)) == 2


async def test_a_fenced_run_writes_nothing_and_others_of_the_batch_do(database, writer, run, bus):
    other = await make_run(database, await make_actor(database))
    async with database.work() as uow:
        await uow.session.execute(update(Run).where(col(Run.id) == run.id).values(epoch=2))
    zombie = RunJournal(writer, run.id, run.workspace_id, 1)
    alive = RunJournal(writer, other.id, other.workspace_id, 1)
    lost, kept = await asyncio.gather(
        zombie.record(step("z"), event(run, 1), RunPatch(status="failed")),
        alive.record(step("k"), event(other, 1)),
        return_exceptions=True,
    )
    assert isinstance(lost, Fenced)
    assert kept is None
    assert [s.path for s in await rows(database, Step)] == ["k"]
    assert [e.run_id for e in bus.events] == [other.id]
    assert [r.status for r in await rows(database, Run, col(Run.id) == run.id)] == ["running"]


async def test_a_final_step_and_a_final_run_never_change(database, journal, run):
    await journal.record(
        step(status="succeeded", output={"a": 1}), RunPatch(status="succeeded", output=1)
    )
    await journal.record(step(status="running"), RunPatch(status="failed", output=2, tokens=9))
    await journal.record(step(status="failed"))
    [stored], [ended] = await rows(database, Step), await rows(database, Run)
    assert (stored.status, stored.output) == ("succeeded", {"a": 1})
    assert (ended.status, ended.output, ended.tokens) == ("succeeded", 1, 0)
    assert ended.finished_at is not None
    assert ended.lease_until is None


@pytest.mark.parametrize("status", ["failed", "canceled", "succeeded"])
async def test_what_an_earlier_life_left_open_ends_with_the_run(database, writer, run, status):
    first = RunJournal(writer, run.id, run.workspace_id, 1)
    lost = SpanRecord(new_id("span"), "lost", None, "http", "GET x", "running", started_at=now())
    await first.record(step("lost", "running"), step("cut", "interrupted"), step("done"), lost)
    async with database.work() as uow:
        await uow.session.execute(update(Run).where(col(Run.id) == run.id).values(epoch=2))
    other = await make_run(database, await make_actor(database))
    elsewhere = RunJournal(writer, other.id, other.workspace_id, 1)
    await elsewhere.record(step("busy", "running"))

    second = RunJournal(writer, run.id, run.workspace_id, 2)
    await second.record(step("bad", "failed"), RunPatch(status="running"))
    assert {s.status for s in await rows(database, Step, col(Step.path) == "lost")} == {"running"}
    await second.record(RunPatch(status=status, finished_at=now()))
    kept = await rows(database, Step, col(Step.run_id) == run.id)
    assert {s.path: s.status for s in kept} == {
        "lost": "canceled",
        "cut": "canceled",
        "done": "succeeded",
        "bad": "failed",
    }
    assert all(s.finished_at for s in kept if s.status == "canceled")
    assert [s.status for s in await rows(database, Span)] == ["canceled"]
    (busy,) = await rows(database, Step, col(Step.run_id) == other.id)
    assert busy.status == "running"


async def test_a_final_step_wins_over_a_later_one_of_the_same_batch(database, journal):
    await journal.record(step(status="failed"), step(status="running"))
    assert [s.status for s in await rows(database, Step)] == ["failed"]


async def test_a_repeated_fact_is_stored_once(database, journal, run):
    question = Question(title="Send it?")
    waits = step("ask", status="waiting_human")
    asked = ApprovalRecord(new_id("approval"), "ask", "ask", question)
    for _ in range(2):
        await journal.record(waits, asked, event(run, 1, "step.waiting_human"))
    [approval] = await rows(database, Approval)
    assert (approval.step_id, approval.status, approval.question["title"]) == (
        waits.id,
        "open",
        "Send it?",
    )
    assert len(await rows(database, RunEvent)) == 1


async def test_the_question_of_a_canceled_step_closes(database, journal):
    waits = step("ask", status="waiting_human")
    await journal.record(
        waits, ApprovalRecord(new_id("approval"), "ask", "ask", Question(title="Send it?"))
    )
    await journal.record(step("ask", "canceled", id=waits.id))
    [approval] = await rows(database, Approval)
    assert approval.status == "canceled"
    assert approval.decided_at is not None


async def test_large_values_move_to_blobs_and_come_back_whole(database, journal, run):
    large = {"text": "é" * 2_000_000, "small": 1, "list": [{"n": i} for i in range(20_000)]}
    await journal.record(step("a", output={"value": large}), step("b", output={"value": large}))
    stored = await rows(database, Step)
    for one in stored:
        assert one.output["value"]["small"] == 1
        assert one.output["value"]["text"].keys() == {"$blob", "size", "preview"}
        assert one.output["value"]["text"]["preview"].startswith("é")
        async with database.read() as uow:
            assert await unpack(uow.session, one.output, run.id) == {"value": large}
            strange = await unpack(uow.session, one.output, "run_of_somebody_else")
            assert strange == one.output, "a reference to another run's value is only text"
    blobs = await rows(database, Blob)
    assert len({blob.id for blob in blobs}) == 2, "the same value of a run is stored once"
    assert [blob.part for blob in blobs if blob.size_bytes > PART_BYTES] == [0, 1, 2, 3, 4]


async def test_a_value_is_handed_out_as_far_as_is_wanted(database, journal, run):
    large = {"long": "x" * 2 * LIMIT, "longer": "y" * 3 * LIMIT}
    await journal.record(step("a", output={"value": large}))
    [stored] = await rows(database, Step)
    async with database.read() as uow:
        some = await unpack(uow.session, stored.output, run.id, at_most=int(2.5 * LIMIT))
    assert some == {"value": {"long": large["long"], "longer": stored.output["value"]["longer"]}}


async def test_a_value_that_only_looks_like_a_reference_stays_what_it_is(database, journal, run):
    given = {"$blob": "blb_x", "size": "large", "preview": 1}
    await journal.record(step("a", output={"value": given}))
    [stored] = await rows(database, Step)
    async with database.read() as uow:
        assert await unpack(uow.session, stored.output, run.id, at_most=1) == {"value": given}


async def test_a_value_that_was_changed_or_lost_a_part_is_not_handed_out(database, journal, run):
    await journal.record(step("a", output={"value": "x" * 3 * PART_BYTES}))
    [stored] = await rows(database, Step)
    last = Blob.part == 3
    for spoil in (update(Blob).where(last).values(data=b'y"'), delete(Blob).where(last)):
        async with database.work() as uow:
            await uow.session.execute(spoil)
        async with database.read() as uow:
            with pytest.raises(Defect):
                await unpack(uow.session, stored.output, run.id)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\\u0000 as text", "\\u0000 as text"),
        ("\ud800", "\ufffd"),
        (float("nan"), None),
        (float("inf"), None),
        (2**70, str(2**70)),
        ({1: (1, 2)}, {"1": [1, 2]}),
    ],
)
async def test_values_a_database_refuses_are_made_storable(database, journal, given, kept):
    await journal.record(step(output={"value": given}))
    [stored] = await rows(database, Step)
    assert stored.output == {"value": kept}


async def test_one_bad_fact_takes_down_its_own_run_alone(database, writer, journal, run, bus):
    stranger = RunJournal(writer, run.id, "wsp_that_does_not_exist", 2)
    async with database.work() as uow:
        other = await make_run(database, await make_actor(database))
        await uow.session.execute(update(Run).where(col(Run.id) == run.id).values(epoch=2))
    bad, good = await asyncio.gather(
        stranger.record(step("bad"), event(run, 1)),
        RunJournal(writer, other.id, other.workspace_id, 1).record(step("good"), event(other, 1)),
        return_exceptions=True,
    )
    assert isinstance(bad, Exception)
    assert good is None
    later = RunJournal(writer, run.id, run.workspace_id, 2)
    with pytest.raises(type(bad)):
        await later.record(step("later"), event(run, 2))
    assert [s.path for s in await rows(database, Step)] == ["good"]
    assert [e.run_id for e in bus.events] == [other.id], "no event after a gap"


@pytest.mark.parametrize(("state", "away"), [("57P03", True), ("08006", True), ("23505", False)])
def test_what_a_starting_database_says_means_that_it_is_away(state, away):
    class DriverError(Exception):
        sqlstate = state

    assert is_away(DBAPIError("SELECT 1", {}, DriverError())) is away


async def test_many_runs_share_transactions(database, writer, monkeypatch):
    actor = await make_actor(database)
    runs = [await make_run(database, actor) for _ in range(20)]
    batches = []
    write = writer._write
    monkeypatch.setattr(
        writer, "_write", lambda entries: (batches.append(len(entries)), write(entries))[1]
    )
    await asyncio.gather(
        *(
            RunJournal(writer, run.id, run.workspace_id, 1).record(step("a"), event(run, 1))
            for run in runs
        )
    )
    assert sum(batches) == 20
    assert len(batches) <= 3
    async with database.read() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Step)) == 20


async def test_events_are_published_after_their_commit_in_order(database, journal, run, bus):
    seen = []
    bus.publish = seen.extend
    for seq in range(1, 30):
        journal.note(event(run, seq))
    await journal.record(event(run, 30))
    assert [e.seq for e in seen] == list(range(1, 31))


async def test_tokens_are_joined_by_step_and_come_before_what_ends_it(journal, run, bus):
    for word in ("Hel", "lo"):
        journal.stream(event(run, 0, "llm.token", path="a", payload={"text": word}))
    journal.stream(event(run, 0, "llm.token", path="b", payload={"text": "x"}))
    await journal.record(event(run, 1, "step.completed", path="a"))
    assert [(e.type, e.path, e.payload.get("text")) for e in bus.events] == [
        ("llm.token", "a", "Hello"),
        ("llm.token", "b", "x"),
        ("step.completed", "a", None),
    ]


async def test_tokens_alone_are_published_within_a_moment_and_never_stored(
    database, journal, run, bus
):
    journal.stream(event(run, 0, "llm.token", path="a", payload={"text": "x"}))
    assert bus.events == []
    async with asyncio.timeout(5):
        while not bus.events:
            await asyncio.sleep(0.01)
    assert await rows(database, RunEvent) == []


async def test_a_short_absence_of_the_database_loses_nothing(database, journal, run, monkeypatch):
    if database.is_sqlite:
        async with database.writer.connect() as blocker:  # somebody else writes
            await blocker.execute(text("SELECT 1"))
            pending = asyncio.create_task(journal.record(step("a")))
            await asyncio.sleep(0.1)
            assert not pending.done()
        await pending
    else:
        await database.close()  # all connections gone
        async with database.read() as uow:
            await uow.session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        await journal.record(step("a"))
    assert [s.path for s in await rows(database, Step)] == ["a"]


async def test_nobody_waits_for_a_journal_that_is_closed(database, writer, journal):
    await writer.close()
    with pytest.raises(StorageDown):
        await asyncio.wait_for(journal.record(step("a")), 5)
    assert await rows(database, Step) == []


async def test_a_run_that_answers_null_changes_nothing_of_its_row(database, journal, run):
    async with asyncio.timeout(3):
        await journal.record(RunPatch(output=None), event(run, 1, "run.responded"))
    assert [e.seq for e in await rows(database, RunEvent)] == [1]


async def test_a_wrong_statement_is_no_outage(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    with pytest.raises(OperationalError) as wrong:
        await database.transact(lambda connection: connection.exec_driver_sql("UPDATE t SET WHERE"))
    assert not is_away(wrong.value)
    await database.close()
