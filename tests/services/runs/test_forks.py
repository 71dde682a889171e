"""Running again, from a step, or from where a run stopped: as a new run that copies what is done."""

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.kernel.errors import Conflict, Denied, InvalidInput, NotFound, UpstreamRefused
from app.models import Blob, Run, Step
from app.services.access import Actor
from app.services.runs.lifecycle.commands import answer_step, cancel_run
from app.services.runs.reading.queries import get_run, get_step, list_approvals, list_steps
from app.services.runs.starting.forks import ForkRun, fork_run
from app.services.runs.starting.limits import RunLimits
from tests.graphs import APPROVAL, QUICK, START, chain, edge, node, slow
from tests.rows import draft_of, make_actor


def inside(parent, *nodes):
    return [{**one, "parent": parent} for one in nodes]


def looping():
    """Calls one address for each item, then says how many."""
    loop = node("loop", "logic.for_each", {"items": "trigger.urls", "concurrency": 1})
    [call] = inside("loop", node("call", "tool.http", {"url": "{{ item }}"}))
    [note] = inside("loop", node("note", "data.template", {"template": "{{ nodes.call.body }}"}))
    after = node("after", "data.template", {"template": "{{ nodes.loop.results }}"})
    whole = chain(START)
    return {
        **whole,
        "nodes": [START, loop, call, note, after],
        "edges": [
            edge(START, loop, target_port="input"),
            edge(call, note, "body", "input"),
            edge(loop, after, "results", "input"),
        ],
    }


LARGE = "x" * 70_000


@pytest.fixture
def fork(app, actor):
    async def make(run_id, who=None, **asked):
        async with app.database.work() as uow:
            run = await fork_run(uow, who or actor, ForkRun(run_id=run_id, **asked))
        return run.id

    return make


@pytest.fixture
def steps_of(app, actor):
    async def read(run_id):
        async with app.database.read() as uow:
            return {step.path: step for step in await list_steps(uow, actor, run_id)}

    return read


@pytest.fixture
def done(app, start, work_off):
    """Start a run and execute it to its end."""

    async def go(graph, given=None):
        run = await start(graph, given)
        await work_off()
        for task in list(app._tasks.values()):
            await task
        return run

    return go


def origins(steps):
    return {path: step.origin for path, step in steps.items()}


async def test_rerun_executes_everything_with_the_same_input_and_version(
    app, world, done, fork, look, steps_of, work_off
):
    first = await done(slow(2), {"name": "Ada"})
    again = await fork(first.id, copies=False)
    assert (await look(again)).status == "pending"
    await work_off()
    run, steps = await look(again), await steps_of(again)
    assert (run.status, run.input, run.version) == ("succeeded", {"name": "Ada"}, 1)
    assert (run.forked_from, run.fork_path, run.number) == (first.id, None, 2)
    assert set(origins(steps).values()) == {None}
    assert len(world.calls) == 4


async def test_rerun_takes_another_input_and_checks_it(app, done, fork, look, steps_of, work_off):
    first = await done(QUICK, {"name": "Ada"})
    again = await fork(first.id, copies=False, input={"name": "Eve"}, changes_input=True)
    await work_off()
    run, steps = await look(again), await steps_of(again)
    assert run.input == {"name": "Eve"}
    assert steps["greet"].output == {"text": "Hi Eve"}


async def test_from_a_step_only_that_and_what_follows_is_executed(
    app, world, done, fork, look, steps_of, work_off
):
    first = await done(slow(4))
    world.calls.clear()
    forked = await fork(first.id, from_step="call_2")
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert run.status == "succeeded"
    assert world.calls == ["https://slow.example/2", "https://slow.example/3"]
    assert origins(steps) == {
        "start": "copied", "call_0": "copied", "call_1": "copied",
        "call_2": None, "call_3": None, "answer": None,
    }  # fmt: skip
    assert (run.forked_from, run.fork_path) == (first.id, "call_2")


async def test_the_step_may_be_named_by_its_id(app, world, done, fork, look, steps_of):
    first = await done(slow(2))
    steps = await steps_of(first.id)
    forked = await fork(first.id, from_step=steps["call_1"].id)
    run = await look(forked)
    assert run.fork_path == "call_1"


async def test_a_failed_run_goes_on_where_it_failed(app, world, done, fork, look, work_off):
    async def refuse(request):
        if request.url.endswith("/1"):
            raise UpstreamRefused("no")

    world.on_http = refuse
    first = await done(slow(3))
    assert (await look(first.id)).status == "failed"
    world.on_http = None
    world.calls.clear()
    forked = await fork(first.id)
    await work_off()
    run = await look(forked)
    assert run.status == "succeeded"
    assert world.calls == ["https://slow.example/1", "https://slow.example/2"]


async def test_a_loop_goes_on_with_its_finished_turns(
    app, world, done, fork, look, steps_of, work_off
):
    async def refuse(request):
        if request.url.endswith("/c"):
            raise UpstreamRefused("no")

    world.on_http = refuse
    urls = [f"https://a.example/{name}" for name in "abcd"]
    first = await done(looping(), {"urls": urls})
    assert (await look(first.id)).status == "failed"
    world.on_http = None
    world.calls.clear()
    forked = await fork(first.id)
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert run.status == "succeeded"
    assert world.calls == urls[2:]
    assert steps["loop"].origin is None
    assert steps["loop[1]/call"].origin == "copied"
    assert run.output == '["ok", "ok", "ok", "ok"]'


async def test_from_a_step_in_a_loop_other_turns_stay_and_the_loop_ends_anew(
    app, world, done, fork, look, steps_of, work_off
):
    urls = [f"https://a.example/{name}" for name in "abc"]
    first = await done(looping(), {"urls": urls})
    world.calls.clear()
    forked = await fork(first.id, from_step="loop[1]/call")
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert run.status == "succeeded"
    assert world.calls == [urls[1]]
    assert [path for path, origin in origins(steps).items() if origin is None] == [
        "loop", "loop[1]/call", "loop[1]/note", "after",
    ]  # fmt: skip


async def test_outputs_given_instead_reach_the_steps_after(
    app, done, fork, look, steps_of, work_off
):
    first = await done(QUICK, {"name": "Ada"})
    forked = await fork(first.id, from_step="answer", outputs={"greet": {"text": "Dear Eve"}})
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert (run.output, steps["greet"].origin, steps["answer"].origin) == (
        "Dear Eve",
        "given",
        None,
    )
    assert steps["start"].origin == "copied"


async def test_without_a_step_whatever_follows_a_given_output_is_executed(
    app, world, done, fork, look, work_off
):
    first = await done(slow(3))
    world.calls.clear()
    await fork(first.id, outputs={"call_1": {"body": "mine"}})
    await work_off()
    assert world.calls == ["https://slow.example/2"]


async def test_a_given_branch_decides_which_way_the_fork_goes(app, done, fork, steps_of, work_off):
    ask = node("ask", "logic.if", {"condition": "trigger.ok"})
    yes, no = (node(one, "data.template", {"template": one}) for one in ("yes", "no"))
    graph = {
        "schema": 1,
        "nodes": [START, ask, yes, no],
        "edges": [edge(START, ask), edge(ask, yes, "true"), edge(ask, no, "false")],
    }
    first = await done(graph, {"ok": True})
    assert (await steps_of(first.id))["no"].status == "skipped"
    forked = await fork(first.id, outputs={"ask": {"false": 1}})
    await work_off()
    steps = await steps_of(forked)
    assert (steps["yes"].status, steps["no"].status) == ("skipped", "succeeded")


async def test_large_values_come_along_and_stay_when_the_first_run_goes(
    app, actor, done, fork, look, steps_of, work_off
):
    nested = {"name": LARGE, "more": {str(i): "y" * 9_000 for i in range(10)}}
    first = await done(QUICK, nested)
    forked = await fork(first.id, from_step="answer")
    async with app.database.work() as uow:
        await uow.session.execute(update(Run).values(forked_from=None))
        await uow.session.delete(await uow.session.get_one(Run, first.id))
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert run.status == "succeeded", run.error
    assert (run.input, run.output) == (nested, f"Hi {LARGE}")
    async with app.database.read() as uow:
        start = await get_step(uow, actor, forked, steps["start"].id)
        blobs = (await uow.session.execute(select(Blob.run_id, Blob.size_bytes))).all()
    assert start.output == {"data": nested}
    assert {run_id for run_id, _ in blobs} == {forked}


async def test_copied_steps_cost_nothing_and_the_sum_over_steps_is_the_run(
    app, actor, done, fork, look, steps_of, work_off
):
    first = await done(slow(2))
    async with app.database.work() as uow:  # as if they had called a model
        await uow.session.execute(
            update(Step).where(col(Step.run_id) == first.id).values(tokens=7, cost_microusd=11)
        )
    forked = await fork(first.id, from_step="call_1")
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert run.tokens == sum(step.tokens for step in steps.values()) == 0
    assert run.cost_usd == sum(step.cost_usd or 0 for step in steps.values()) == 0
    assert steps["call_0"].finished_at < run.started_at


async def test_the_current_version_keeps_what_still_fits(
    app, actor, world, done, fork, look, steps_of, work_off
):
    first = await done(slow(3))
    calls = [node(f"call_{i}", "tool.http", {"url": f"https://new.example/{i}"}) for i in range(2)]
    fresh = node("fresh", "data.template", {"template": "new"})
    answer = node("answer", "flow.respond", {"value": "changed"})
    async with app.database.work() as uow:
        draft = await draft_of(uow, first.workflow_id)
        draft.graph = chain(START, *calls, fresh, answer)
    world.calls.clear()
    forked = await fork(first.id, from_step="call_1", version="current")
    await work_off()
    run, steps = await look(forked), await steps_of(forked)
    assert (run.status, run.version, run.output) == ("succeeded", 2, "changed")
    assert world.calls == ["https://new.example/1"]
    assert origins(steps) == {
        "start": "copied", "call_0": "copied", "call_1": None, "fresh": None, "answer": None,
    }  # fmt: skip
    with pytest.raises(InvalidInput, match="has no node in the workflow as it is now"):
        await fork(first.id, from_step="call_2", version="current")


async def test_what_follows_a_new_node_is_executed_though_it_had_finished(
    app, world, done, fork, look, work_off
):
    first = await done(slow(3))
    calls = [node(f"call_{i}", "tool.http", {"url": f"https://new.example/{i}"}) for i in range(3)]
    fresh = node("fresh", "data.template", {"template": "new"})
    async with app.database.work() as uow:
        draft = await draft_of(uow, first.workflow_id)
        draft.graph = chain(START, calls[0], fresh, *calls[1:])
    world.calls.clear()
    await fork(first.id, version="current")
    await work_off()
    assert world.calls == ["https://new.example/1", "https://new.example/2"]


async def test_a_waiting_and_a_canceled_run_can_be_forked_and_stay_as_they_are(
    app, actor, done, fork, look, steps_of, work_off
):
    first = await done(APPROVAL, {"text": "Dear Ada"})
    forked = await fork(first.id)
    await work_off()
    assert (await look(forked)).status == (await look(first.id)).status == "waiting"
    async with app.database.work() as uow:
        await cancel_run(uow, actor, first.id)
    after = await fork(first.id, outputs={"check": {"approved": "by hand"}})
    await work_off()
    run, steps = await look(after), await steps_of(after)
    assert (run.status, steps["check"].origin) == ("succeeded", "given")
    assert run.output == "by hand"
    assert (await look(first.id)).status == "canceled"


async def test_pins_are_kept_by_a_rerun_and_checked(app, done, fork, look):
    first = await done(QUICK, {"name": "Ada"})
    pinned = await fork(first.id, copies=False, pins={"greet": {"text": "pinned"}})
    async with app.database.read() as uow:
        assert (await uow.session.get_one(Run, pinned)).pins == {"greet": {"text": "pinned"}}
    again = await fork(pinned, copies=False)
    async with app.database.read() as uow:
        assert (await uow.session.get_one(Run, again)).pins == {"greet": {"text": "pinned"}}
    for pins in ({"nobody": {"text": "x"}}, {"greet": {"no_port": 1}}, {"greet": {}}):
        with pytest.raises(InvalidInput) as refused:
            await fork(first.id, pins=pins)
        assert refused.value.context["field"] == f"pins.{next(iter(pins))}"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from_step": "nobody"}, "from_step"),
        ({"outputs": {"nobody": {"text": "x"}}}, "outputs.nobody"),
        ({"from_step": "greet", "outputs": {"answer": {"value": 1}}}, "outputs.answer"),
        ({"outputs": {"greet": {"no_port": 1}}}, "outputs.greet"),
    ],
)
async def test_what_fits_no_step_is_refused_and_nothing_is_stored(
    app, actor, done, fork, asked, field
):
    first = await done(QUICK, {"name": "Ada"})
    with pytest.raises(InvalidInput) as refused:
        await fork(first.id, **asked)
    assert refused.value.context["field"] == field
    async with app.database.read() as uow:
        assert len((await uow.session.execute(select(Run.id))).all()) == 1


async def test_strangers_find_no_run_and_viewers_may_not(app, actor, done, fork):
    first = await done(QUICK, {"name": "Ada"})
    stranger = await make_actor(app.database)
    with pytest.raises(NotFound, match="There is no such run"):
        await fork(first.id, who=stranger)
    viewer = Actor(user_id=actor.user_id, workspace_id=actor.workspace_id, role="viewer")
    with pytest.raises(Denied):
        await fork(first.id, who=viewer)


async def test_one_key_makes_one_fork(app, done, fork):
    first = await done(QUICK, {"name": "Ada"})
    one = await fork(first.id, from_step="answer", idempotency_key="k")
    assert await fork(first.id, from_step="answer", idempotency_key="k") == one
    with pytest.raises(Conflict):
        await fork(first.id, from_step="greet", idempotency_key="k")


async def test_what_was_taken_over_counts_towards_no_limit(app, start, world, fork, look, work_off):
    urls = [f"https://a.example/{number}" for number in range(5)]
    run = await start(looping(), {"urls": urls}, limits=RunLimits(max_steps=6))
    run_id, ends = run.id, []
    for _ in range(3):
        await work_off()
        row = await look(run_id)
        ends.append((row.status, len(world.calls), row.tokens, row.cost_usd))
        run_id = await fork(run_id)
    assert ends == [("failed", 2, 0, 0), ("failed", 5, 0, 0), ("succeeded", 5, 0, 0)]
    assert world.calls == urls


async def test_after_a_restart_a_run_has_the_steps_left_that_it_had(
    app, actor, start, world, work_off
):
    way = node("way", "logic.if", {"condition": "true"})
    no, one = (node(name, "data.template", {"template": "x"}) for name in ("no", "one"))
    asks = node("check", "human.approval", {"title": "?", "value": "1"})
    graph = {
        "schema": 1,
        "nodes": [START, way, no, asks, one],
        "edges": [edge(START, way), edge(way, no, "false"), edge(way, asks), edge(asks, one)],
    }
    run = await start(graph, None, limits=RunLimits(max_steps=4))  # `no` is skipped
    await work_off()
    async with app.database.work() as uow:
        [question] = await list_approvals(uow, actor)
        await answer_step(uow, actor, question.step_id, "approve")
    await work_off()
    async with app.database.read() as uow:
        assert (await get_run(uow, actor, run.id)).status == "succeeded"
