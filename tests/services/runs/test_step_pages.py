"""Large runs stay readable: steps page by page, traces of a bounded size, loops in numbers."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.kernel.clock import now
from app.kernel.errors import InvalidInput, NotFound
from app.models import Step
from app.services.runs.reading.queries import get_trace, list_some_steps
from app.services.runs.reading.step_pages import INNER, Filter
from tests.graphs import QUICK
from tests.rows import make_actor, make_run

BEGAN = now()


def row(run, number, path, status="succeeded", **more):
    return {
        "id": f"stp_{run.id}_{number:06}",
        "workspace_id": run.workspace_id,
        "run_id": run.id,
        "node_id": path.rsplit("/", 1)[-1],
        "path": path,
        "kind": "data.template",
        "label": "",
        "status": status,
        "attempt": 1,
        "tokens": 0,
        "output": {"text": "x"} if status == "succeeded" else None,
        "started_at": BEGAN + timedelta(milliseconds=number // 3),
        **more,
    }


async def store(app, rows):
    async with app.database.work() as uow:
        for at in range(0, len(rows), 1_000):
            await uow.session.execute(insert(Step), rows[at : at + 1_000])


@pytest.fixture
async def run(app, actor):
    return await make_run(app.database, actor, graph=QUICK, status="succeeded")


@pytest.fixture
def pages(app, actor, run):
    async def read(limit, **wanted):
        cursor, found, count = None, [], 0
        async with app.database.read() as uow:
            while True:
                page = await list_some_steps(uow, actor, run.id, Filter(**wanted), cursor, limit)
                found += [step.path for step in page.items]
                count += 1
                cursor = page.next_cursor
                if cursor is None:
                    return found, count

    return read


async def test_pages_hold_every_step_once_in_order_also_those_that_never_started(app, run, pages):
    rows = [row(run, n, f"loop[{n}]/a") for n in range(20)]
    rows += [row(run, 90 + n, f"s{n}", "skipped", started_at=None) for n in range(5)]
    await store(app, rows)
    for limit in (1, 4, 7, 25):
        found, _ = await pages(limit)
        assert found == [one["path"] for one in rows], limit
    assert (await pages(25))[1] == 1


async def test_filters_by_turn_status_and_node(app, run, pages):
    await store(
        app,
        [
            row(run, 0, "loop"), row(run, 1, "loop[1]/a"), row(run, 2, "loop[1]/b", "failed"),
            row(run, 3, "loop[10]/a"), row(run, 4, "loop_2"), row(run, 5, "loopx1]/a"),
            row(run, 6, "loop[1]/in[0]/a"),
        ],
    )  # fmt: skip
    assert (await pages(9, parent="loop[1]"))[0] == ["loop[1]/a", "loop[1]/b", "loop[1]/in[0]/a"]
    assert len((await pages(9, parent="loop"))[0]) == 4
    assert (await pages(9, status="failed"))[0] == ["loop[1]/b"]
    assert (await pages(9, node_id="a", parent="loop[10]"))[0] == ["loop[10]/a"]


async def test_a_trace_sums_up_loops_and_loads_a_turn_on_demand(app, actor, run):
    await store(
        app,
        [
            row(run, 0, "loop"), row(run, 1, "loop[0]/a"), row(run, 2, "loop[0]/b"),
            row(run, 3, "loop[1]/a", "failed"), row(run, 4, "loop[2]/a", "running"),
            row(run, 5, "loop[2]/in[0]/x"), row(run, 6, "loop[2]/in[1]/x"),
        ],
    )  # fmt: skip
    async with app.database.read() as uow:
        trace = await get_trace(uow, actor, run.id)
        turn = await get_trace(uow, actor, run.id, "loop[2]")
    assert [one.model_dump() for one in trace.loops] == [
        {"path": "loop", "turns": 3, "succeeded": 1, "failed": 1, "running": 1}
    ]
    assert (len(trace.steps), trace.hidden) == (7, 0)
    assert [step.path for step in turn.steps] == ["loop[2]/a", "loop[2]/in[0]/x", "loop[2]/in[1]/x"]
    assert [(one.path, one.turns) for one in turn.loops] == [("loop[2]/in", 2)]


async def test_a_turn_is_loaded_with_all_its_tries_and_a_try_by_itself(app, actor, run, pages):
    paths = [
        "loop[3]/a", "loop[3]/in[0]/x", "loop[3.2]/a", "loop[3.2]/in[0]/x", "loop[3.2]/in[1]/x",
        "loop[3.10]/a", "loop[30]/a", "loop[30.2]/a", "loop[1]/a",
    ]  # fmt: skip
    await store(app, [row(run, number, path) for number, path in enumerate(["loop", *paths])])
    async with app.database.read() as uow:
        turn = await get_trace(uow, actor, run.id, "loop[3]")
        second = await get_trace(uow, actor, run.id, "loop[3.2]")
    assert [step.path for step in turn.steps] == paths[:6]
    assert [(one.path, one.turns) for one in turn.loops] == [("loop[3.2]/in", 2), ("loop[3]/in", 1)]
    assert turn.hidden == 0
    assert [step.path for step in second.steps] == paths[2:5]
    assert [(one.path, one.turns) for one in second.loops] == [("loop[3.2]/in", 2)]
    assert (await pages(9, parent="loop[3]"))[0] == paths[:6]
    assert (await pages(9, parent="loop[3.2]"))[0] == paths[2:5]
    assert (await pages(20, parent="loop"))[0] == paths


async def test_a_run_of_20_000_steps_has_a_small_trace(app, actor, run, pages):
    rows = [row(run, 0, "loop", "running"), row(run, 1, "after")]
    for n in range(10_000):
        rows += [row(run, 2 + 2 * n, f"loop[{n}]/a"), row(run, 3 + 2 * n, f"loop[{n}]/b")]
    rows[-1]["status"], rows[-1]["output"] = "failed", None
    await store(app, rows)
    async with app.database.read() as uow:
        trace = await get_trace(uow, actor, run.id)
    paths = {step.path for step in trace.steps}
    assert len(paths) == INNER + 2
    assert {"loop", "after", "loop[9999]/b"} <= paths
    assert trace.hidden == 20_000 - INNER
    assert trace.loops[0].model_dump() == {
        "path": "loop", "turns": 10_000, "succeeded": 9_999, "failed": 1, "running": 0,
    }  # fmt: skip
    found, count = await pages(1_000)
    assert (len(found), len(set(found)), count) == (20_002, 20_002, 21)


async def test_wrong_cursors_and_limits_are_refused_and_strangers_find_nothing(app, actor, run):
    async with app.database.read() as uow:
        for cursor, limit in (("x", 10), ("WyJ4IiwieSJd", 10), (None, 0), (None, 1_001)):
            with pytest.raises(InvalidInput):
                await list_some_steps(uow, actor, run.id, Filter(), cursor, limit)
        stranger = await make_actor(app.database)
        with pytest.raises(NotFound):
            await list_some_steps(uow, stranger, run.id, Filter())
