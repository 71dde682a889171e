"""Starting runs: versions, numbers, idempotency, refusals, and Redis away."""

import asyncio

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.kernel.errors import Conflict, Denied, GraphInvalid, InvalidInput, NotFound
from app.models import Run, WorkflowVersion
from app.services.runs.reading.following import wait_for_run
from app.services.runs.reading.queries import get_run, get_trace, list_events, list_runs, list_steps
from app.services.runs.starting.start import StartRun, start_run
from tests.graphs import APPROVAL, QUICK, START, chain, node
from tests.rows import draft_of, make_actor, make_workflow


async def count(app, table):
    async with app.database.read() as uow:
        return await uow.session.scalar(select(func.count()).select_from(table))


async def test_a_quick_run_ends_here_and_all_of_it_is_stored(app, actor, start):
    run = await start(QUICK, {"name": "Ada"})
    assert (run.number, run.version, run.notice) == (1, 1, None)
    run = await wait_for_run(app, actor, run.id, 5)
    assert (run.status, run.output, run.error) == ("succeeded", "Hi Ada", None)
    assert run.input == {"name": "Ada"}
    assert run.started_at
    assert run.finished_at
    async with app.database.read() as uow:
        steps = await list_steps(uow, actor, run.id)
        events = await list_events(uow, actor, run.id)
        trace = await get_trace(uow, actor, run.id)
    assert [(s.path, s.status) for s in steps] == [
        ("start", "succeeded"),
        ("greet", "succeeded"),
        ("answer", "succeeded"),
    ]
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert (events[0].type, events[-1].type) == ("run.started", "run.completed")
    assert trace.seq == events[-1].seq
    assert trace.graph == QUICK


async def test_a_longer_run_is_queued_after_the_commit(app, actor, start):
    run = await start(APPROVAL, {"text": "x"})
    assert run.status == "pending"
    assert await app.queue.waiting() == {f"run-{run.id}-1"}


async def test_a_version_is_made_only_when_the_graph_has_changed(app, actor):
    workflow_id = await make_workflow(app.database, actor, QUICK)

    async def begin():
        async with app.database.work() as uow:
            return await start_run(
                app, uow, actor, StartRun(workflow_id=workflow_id, input={"name": "A"})
            )

    first, second = await begin(), await begin()
    assert (first.version, second.version, second.number) == (1, 1, 2)
    async with app.database.work() as uow:
        draft = await draft_of(uow, workflow_id)
        draft.graph = chain(START, node("answer", "flow.respond", {"value": "new"}))
    third = await begin()
    assert (third.version, third.number) == (2, 3)
    assert await count(app, WorkflowVersion) == 2
    assert (await wait_for_run(app, actor, third.id, 5)).output == "new"


async def test_first_runs_at_the_same_time_share_one_version_and_have_numbers_of_their_own(
    app, actor
):
    workflow_id = await make_workflow(app.database, actor, QUICK)

    async def begin():
        async with app.database.work() as uow:
            return await start_run(
                app, uow, actor, StartRun(workflow_id=workflow_id, input={"name": "A"})
            )

    runs = await asyncio.gather(*(begin() for _ in range(8)))
    assert sorted(run.number for run in runs) == list(range(1, 9))
    assert {run.version for run in runs} == {1}


async def test_the_same_key_gives_the_same_run_and_another_request_is_refused(app, actor):
    workflow_id = await make_workflow(app.database, actor, QUICK)

    async def begin(given):
        request = StartRun(workflow_id=workflow_id, input=given, idempotency_key="k1")
        async with app.database.work() as uow:
            return await start_run(app, uow, actor, request)

    runs = await asyncio.gather(*(begin({"name": "Ada", "n": 1}) for _ in range(5)))
    assert len({run.id for run in runs}) == 1
    assert (await begin({"n": 1, "name": "Ada"})).id == runs[0].id
    with pytest.raises(Conflict):
        await begin({"name": "Eve"})
    assert await count(app, Run) == 1
    other = await make_actor(app.database)
    theirs = await make_workflow(app.database, other, QUICK)
    async with app.database.work() as uow:
        request = StartRun(workflow_id=theirs, input={"name": "Ada", "n": 1}, idempotency_key="k1")
        assert (await start_run(app, uow, other, request)).id != runs[0].id, (
            "keys belong to a workspace"
        )


async def test_a_graph_with_errors_is_refused_and_leaves_nothing(app, actor, start):
    broken = chain(START, node("answer", "flow.respond", {"value": "{{ nodes.nowhere.x }}"}))
    with pytest.raises(GraphInvalid) as refusal:
        await start(broken)
    assert refusal.value.context["problems"][0]["node_id"] == "answer"
    assert await count(app, Run) == await count(app, WorkflowVersion) == 0


async def test_an_input_that_the_form_refuses_is_said_before_anything_is_stored(app, actor, start):
    form = {"fields": [{"name": "name", "title": "Your name", "required": True}]}
    graph = chain(node("start", "trigger.manual", form), node("answer", "flow.respond"))
    with pytest.raises(InvalidInput, match="'Your name' is required") as refusal:
        await start(graph, {})
    assert (refusal.value.status, refusal.value.context["field"]) == (422, "name")
    assert await count(app, Run) == 0
    run = await start(graph, {"name": "Ada", "unlisted": 1})
    assert (await wait_for_run(app, actor, run.id, 5)).status == "succeeded"


async def test_a_chat_starts_with_a_message_alone(app, actor, start):
    graph = chain(node("start", "trigger.chat"), node("answer", "flow.respond"))
    for given in ({"message": "Hi"}, "Hi"):
        run = await start(graph, given)
        assert (await wait_for_run(app, actor, run.id, 5)).output == "Hi"


async def test_a_foreign_or_deleted_workflow_is_not_found(app, actor):
    other = await make_actor(app.database)
    theirs = await make_workflow(app.database, other, QUICK)
    for workflow_id in (theirs, "wfl_none"):
        with pytest.raises(NotFound, match="no such workflow"):
            async with app.database.work() as uow:
                await start_run(app, uow, actor, StartRun(workflow_id=workflow_id))


async def test_a_viewer_may_look_but_not_start(app):
    viewer = await make_actor(app.database, "viewer")
    workflow_id = await make_workflow(app.database, viewer, QUICK)
    with pytest.raises(Denied):
        async with app.database.work() as uow:
            await start_run(app, uow, viewer, StartRun(workflow_id=workflow_id))


async def test_another_workspace_sees_nothing_of_a_run(app, actor, start):
    run = await start(QUICK, {"name": "Ada"})
    other = await make_actor(app.database)
    async with app.database.read() as uow:
        assert (await list_runs(uow, other)).items == ()
        assert await list_events(uow, other, run.id) == ()
        for query in (get_run, get_trace, list_steps):
            with pytest.raises(NotFound, match="There is no such run"):
                await query(uow, other, run.id)


async def test_runs_are_listed_newest_first_in_pages_and_found(app, actor):
    ids = []
    for name in ("Invoices", "Tickets"):
        workflow_id = await make_workflow(app.database, actor, QUICK, name)
        for _ in range(3):
            async with app.database.work() as uow:
                ids.append(
                    (
                        await start_run(
                            app, uow, actor, StartRun(workflow_id=workflow_id, input={"name": "A"})
                        )
                    ).id
                )
    for run_id in ids:
        await wait_for_run(app, actor, run_id, 5)
    async with app.database.read() as uow:
        first = await list_runs(uow, actor, limit=4)
        rest = await list_runs(uow, actor, limit=4, cursor=first.next_cursor)
        assert [run.id for run in (*first.items, *rest.items)] == ids[::-1]
        assert rest.next_cursor is None
        assert len((await list_runs(uow, actor, search="tick")).items) == 3
        assert [run.number for run in (await list_runs(uow, actor, search="#2")).items] == [2]
        assert (
            len((await list_runs(uow, actor, status="succeeded", workflow_id=workflow_id)).items)
            == 3
        )
        assert (await list_runs(uow, actor, search="100%")).items == ()
        with pytest.raises(InvalidInput):
            await list_runs(uow, actor, cursor="nonsense")


async def test_a_large_input_and_output_are_kept_whole(app, actor, start):
    graph = chain(START, node("answer", "flow.respond", {"value": "{{ trigger.text }}"}))
    text = "é" * 100_000
    run = await start(graph, {"text": text})
    done = await wait_for_run(app, actor, run.id, 5)
    assert done.output == text
    assert done.input == {"text": text}
    async with app.database.read() as uow:
        [listed] = (await list_runs(uow, actor)).items
        row = (await uow.session.execute(select(Run).where(col(Run.id) == run.id))).scalar_one()
    assert listed.output["size"] == len(text.encode()) + 2
    assert row.output.keys() == {"$blob", "size", "preview"}


async def test_with_redis_away_a_run_is_stored_and_said_to_wait(app, actor, start):
    await app.queue.close()
    app.queue = type(app.queue)("redis://127.0.0.1:1/0")
    run = await start(APPROVAL, {"text": "x"})
    assert run.status == "pending"
    assert "starts by itself when Redis is back" in run.notice
    quick = await start(QUICK, {"name": "Ada"})
    assert (await wait_for_run(app, actor, quick.id, 5)).status == "succeeded", (
        "quick runs need no Redis"
    )
