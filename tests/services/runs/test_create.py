"""What a new run's row is, whichever way the run is started, and how it is executed."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.kernel.errors import InvalidInput
from app.models import Run, Step, Workspace
from app.services.runs.reading.queries import get_run
from app.services.runs.starting import inline
from app.services.runs.starting.limits import RunLimits, RunSettings, put_settings
from app.services.runs.starting.start import StartRun, start_run
from app.services.runs.starting.strategy import is_bounded
from app.services.runs.starting.waiting import run_and_wait
from tests.graphs import APPROVAL, QUICK
from tests.rows import make_workflow

ADA = {"name": "Ada"}
SETTINGS = RunSettings(max_steps=50, max_cost_usd=1.5, priority=2)


@pytest.fixture
async def workflow(app, actor, monkeypatch):
    monkeypatch.setattr(inline, "DEADLINE_S", 30)  # a busy machine is no part of these tests
    return await make_workflow(app.database, actor, QUICK)


async def settings(app, actor, workflow_id, wanted):
    async with app.database.work() as uow:
        await put_settings(uow, actor, workflow_id, wanted)


async def row_of(app, run_id):
    async with app.database.read() as uow:
        return (await uow.session.execute(select(Run).where(col(Run.id) == run_id))).scalar_one()


async def both_ways(app, actor, request):
    """The rows of a run that was started in a unit of work, and of one whose caller waits for it."""
    async with app.database.work() as uow:
        apart = await start_run(app, uow, actor, request)
    awaited = await run_and_wait(app, actor, request, 0)
    return [vars(await row_of(app, one.id)) for one in (apart, awaited)]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"limits": RunLimits(max_steps=7), "priority": 0, "concurrency_key": "one"},
        {"pins": {"start": {"data": {"text": "Bye"}}}},
        {"input": {"name": "é" * 100_000}},
    ],
    ids=["settings", "placement", "pins", "large"],
)
async def test_both_ways_store_the_same_row(app, actor, more):
    workflow_id = await make_workflow(app.database, actor, APPROVAL)
    await settings(app, actor, workflow_id, SETTINGS)
    request = StartRun(**{"workflow_id": workflow_id, "input": {"text": "x"}, **more})
    own = {"id", "number", "queued_at", "_sa_instance_state"}
    one, two = await both_ways(app, actor, request)
    if "input" in more:  # named by their runs
        assert one.pop("input").keys() == two.pop("input").keys() == {"name"}
    assert (one["number"], two["number"]) == (1, 2)
    assert {name: value for name, value in one.items() if name not in own} == {
        name: value for name, value in two.items() if name not in own
    }


async def test_a_request_with_pins_limits_and_a_priority_is_answered_from_memory(
    app, actor, workflow, monkeypatch
):
    await settings(app, actor, workflow, SETTINGS)
    monkeypatch.setattr(app.writer, "put", _refuse_what_is_not_new(app.writer.put))
    request = StartRun(
        workflow_id=workflow,
        input=ADA,
        pins={"greet": {"text": "Bye"}},
        limits=RunLimits(max_tokens=10),
        priority=0,
    )
    told = await run_and_wait(app, actor, request, 20)
    assert (told.status, told.output, told.priority) == ("succeeded", "Bye", 0)
    stored = await row_of(app, told.id)
    limits = {"max_steps": 50, "max_tokens": 10, "max_cost_microusd": 1_500_000}
    assert (stored.limits, stored.pins) == (limits, {"greet": {"text": "Bye"}})
    async with app.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told
        origin = select(col(Step.origin)).where(col(Step.path) == "greet")
        assert await uow.session.scalar(origin) == "pinned"


def _refuse_what_is_not_new(put):
    def checked(entry, **more):
        assert entry.new is not None, "the run was stored before it had ended"
        put(entry, **more)

    return checked


async def test_a_limit_holds_for_what_is_executed_in_memory(app, actor, workflow):
    request = StartRun(workflow_id=workflow, input=ADA, limits=RunLimits(max_steps=1))
    told = await run_and_wait(app, actor, request, 20)
    assert (told.status, told.error["code"]) == ("failed", "budget_exceeded")
    async with app.database.read() as uow:
        assert await get_run(uow, actor, told.id) == told


@pytest.mark.parametrize(
    ("given", "key", "most", "bounded"),
    [
        (None, None, None, False),
        ({"timeout_s": 5, "priority": 2}, None, None, False),
        ({"concurrency": 3}, None, None, True),
        ({"concurrency_key": "trigger.customer"}, None, None, False),
        ({"concurrency_key": "trigger.customer"}, "Ada", None, True),
        (None, "Ada", None, True),
        (None, None, 0, True),
        (None, None, 5, True),
    ],
)
def test_bounded_is_what_only_the_queue_may_start(given, key, most, bounded):
    assert is_bounded(given, key, most) is bounded


@pytest.mark.parametrize("awaited", [True, False])
async def test_a_key_lets_runs_take_turns_however_they_are_started(app, actor, workflow, awaited):
    await settings(app, actor, workflow, RunSettings(concurrency_key="trigger.customer"))

    async def begin(given):
        request = StartRun(workflow_id=workflow, input={"name": "Ada", **given})
        if awaited:
            return await run_and_wait(app, actor, request, 0.2)
        async with app.database.work() as uow:
            return await start_run(app, uow, actor, request)

    assert (await begin({"customer": "one"})).status == "pending"
    assert (await begin({"customer": None})).status in ("running", "succeeded")


async def test_a_bounded_workspace_is_the_queues(app, actor, workflow):
    async with app.database.work() as uow:
        (await uow.session.get_one(Workspace, actor.workspace_id)).max_running = 3
    request = StartRun(workflow_id=workflow, input=ADA)
    rows = await both_ways(app, actor, request)
    assert [row["status"] for row in rows] == ["pending", "pending"]


async def test_a_key_that_the_input_does_not_fit_is_said_the_same_both_ways(app, actor, workflow):
    await settings(app, actor, workflow, RunSettings(concurrency_key="{{ trigger.customer.id.x }}"))
    request = StartRun(workflow_id=workflow, input={"name": "Ada", "customer": 5})
    told = []
    for way in (run_and_wait(app, actor, request, 5), _in_work(app, actor, request)):
        with pytest.raises(InvalidInput) as refusal:
            await way
        told.append((refusal.value.message, refusal.value.context))
    assert told[0] == told[1]
    assert told[0][1]["field"] == "concurrency_key"


async def _in_work(app, actor, request):
    async with app.database.work() as uow:
        await start_run(app, uow, actor, request)


async def test_the_shortest_way_asks_the_database_once_and_writes_once(
    app, actor, workflow, monkeypatch
):
    request = StartRun(workflow_id=workflow, input=ADA)
    await run_and_wait(app, actor, request, 20)  # its plan is known from now on
    asked = []
    for name in ("look", "transact", "work", "read"):
        _count(monkeypatch, app.database, name, asked)
    told = await run_and_wait(app, actor, request, 20)
    assert (told.status, asked) == ("succeeded", ["look", "transact"])


def _count(monkeypatch, database, name, asked):
    really = getattr(database, name)

    def counted(*args):
        asked.append(name)
        return really(*args)

    monkeypatch.setattr(database, name, counted)
