"""A run that goes on inside of a loop: what its turns had finished is looked up, not repeated."""

import asyncio

from sqlmodel import col, select

from app.engine.host import RunRequest
from app.models import Run, Step
from app.services.runs.lifecycle import execute
from tests.graphs import START, edge, node

LOOP = {
    "schema": 1,
    "nodes": [
        START,
        node("rows", "logic.for_each", {"items": "trigger.rows", "concurrency": 1}),
        node("call", "tool.http", {"url": "https://slow.example/{{ item }}"}, parent="rows"),
        node("line", "data.template", {"template": "{{ item }}: {{ input }}"}, parent="rows"),
    ],
    "edges": [
        edge(START, {"id": "rows", "kind": ""}, "", "input"),
        edge({"id": "call", "kind": "tool.http"}, {"id": "line", "kind": "data.template"}),
    ],
}


async def test_a_run_goes_on_in_the_middle_of_a_long_loop(
    app, actor, start, world, monkeypatch, begin_work, work_off
):
    run = await start(LOOP, {"rows": list(range(250))})
    reached = asyncio.Event()

    async def hang(request):
        if request.url.endswith("/230"):
            reached.set()
            await asyncio.sleep(60)

    world.on_http = hang
    working = await begin_work()
    await asyncio.wait_for(reached.wait(), 50)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    world.on_http = None
    world.calls.clear()
    seen: list[RunRequest] = []
    real = execute.execute

    async def spy(plan, request, *args, **more):
        seen.append(request)
        return await real(plan, request, *args, **more)

    monkeypatch.setattr(execute, "execute", spy)
    await work_off()
    async with app.database.read() as uow:
        row = await uow.session.get_one(Run, run.id)
        turns = select(Step).where(col(Step.path).like("%/%"))
        paths = [step.path for step in (await uow.session.execute(turns)).scalars()]
    assert row.status == "succeeded", row.error
    assert row.output["results"][228:231] == ["228: ok", "229: ok", "230: ok"]
    assert [url.rsplit("/", 1)[1] for url in world.calls] == [str(i) for i in range(230, 250)]
    assert len(paths) == 500
    [request] = seen
    assert set(request.done) == {"start"}
    assert request.steps_before in (460, 461)  # the last quick step may not have been written
    assert set(request.may_recall) >= {"rows"}
    assert 0 < request.elapsed_s <= row.worked_s
