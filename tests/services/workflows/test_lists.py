"""Lists of workflows: order, pages, search."""

import pytest

from app.kernel.errors import InvalidInput
from app.models import Workflow
from app.services.page import write_cursor
from app.services.workflows.commands import create_workflow, rename_workflow
from app.services.workflows.queries import Sorting, list_workflows, name_workflows
from tests.rows import make_run
from tests.services.people import graph, node, person


async def test_pages_hold_each_workflow_once_newest_first(database):
    ada = await person(database)
    async with database.work() as uow:
        for i in range(7):
            await create_workflow(uow, ada, f"Flow {i}")
    names, cursor = [], None
    async with database.read() as uow:
        for _ in range(5):
            page = await list_workflows(uow, ada, cursor=cursor, limit=3)
            names.extend(item.name for item in page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
    assert names == [f"Flow {i}" for i in reversed(range(7))]


async def test_changed_workflow_comes_first(database):
    ada = await person(database)
    async with database.work() as uow:
        old = await create_workflow(uow, ada, "Old")
        await create_workflow(uow, ada, "New")
    async with database.work() as uow:
        await rename_workflow(uow, ada, old.id, "Old, changed")
    async with database.read() as uow:
        page = await list_workflows(uow, ada)
    assert [item.name for item in page.items] == ["Old, changed", "New"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("INVOICE", ["Invoice 100%"]),
        ("100%", ["Invoice 100%"]),
        ("0_", []),
        ("  ", None),
        ("x", []),
    ],
)
async def test_search_takes_the_text_literally(database, search, found):
    ada = await person(database)
    async with database.work() as uow:
        await create_workflow(uow, ada, "Invoice 100%")
        await create_workflow(uow, ada, "Triage 200")
    async with database.read() as uow:
        page = await list_workflows(uow, ada, search=search)
    names = [item.name for item in page.items]
    assert names == (["Triage 200", "Invoice 100%"] if found is None else found)


async def test_line_tells_what_is_inside(database):
    ada = await person(database)
    nodes = [node("a"), node("b", "logic.if"), node("c")]
    async with database.work() as uow:
        await create_workflow(uow, ada, "Flow", graph(*nodes))
    async with database.read() as uow:
        line = (await list_workflows(uow, ada)).items[0]
    assert (line.node_count, line.kinds) == (3, ("data.template", "logic.if"))
    assert (line.last_run_status, line.last_run_at) == (None, None)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["alpha", "beta", "Delta", "gamma", "Omega"]),
        ("nodes", ["beta", "Omega", "alpha", "Delta", "gamma"]),
        ("last_run_at", ["alpha", "beta", "Delta", "Omega", "gamma"]),
        ("updated_at", ["gamma", "alpha", "Delta", "beta", "Omega"]),
    ],
)
async def test_the_whole_list_is_sorted_page_by_page(database, sort, names, descending):
    ada = await person(database)
    sizes = {"gamma": 4, "alpha": 2, "Delta": 3, "beta": 0, "Omega": 1}
    async with database.work() as uow:
        ids = {
            name: (
                await create_workflow(uow, ada, name, graph(*(node(f"n{i}") for i in range(size))))
            ).id
            for name, size in sizes.items()
        }
    for name in ("Omega", "gamma"):
        await make_run(database, ada, workflow_id=ids[name])
    found, cursor = [], None
    async with database.read() as uow:
        for _ in range(4):
            page = await list_workflows(
                uow, ada, cursor=cursor, limit=2, sorting=Sorting(sort, descending)
            )
            found += [item.name for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    if sort == "last_run_at":  # those that never ran are in no order of their own
        ran = found[:2] if descending else found[-2:]
        assert ran == (["gamma", "Omega"] if descending else ["Omega", "gamma"])
        assert sorted(found) == sorted(names)
    else:
        assert found == (names[::-1] if descending else names)


async def test_a_cursor_of_another_order_is_refused(database):
    ada = await person(database)
    async with database.work() as uow:
        for name in "ab":
            await create_workflow(uow, ada, name)
    async with database.read() as uow:
        cursor = (await list_workflows(uow, ada, limit=1, sorting=Sorting("name"))).next_cursor
        for other in (Sorting("nodes"), Sorting("name", descending=False)):
            with pytest.raises(InvalidInput, match="cursor"):
                await list_workflows(uow, ada, cursor=cursor, limit=1, sorting=other)


async def test_a_list_reads_no_graphs(database):
    ada = await person(database)
    note = "long words of a graph " * 1_000
    async with database.work() as uow:
        for i in range(3):
            await create_workflow(
                uow, ada, f"Flow {i}", graph(node("a", config={"template": note}), node("b"))
            )
    async with database.read() as uow:
        page = await list_workflows(uow, ada)
        names = await name_workflows(uow, ada)
        assert not [row for row in uow.session.identity_map.values() if isinstance(row, Workflow)]
    assert {line.node_count for line in page.items} == {2}
    assert [name for _, name in names] == ["Flow 2", "Flow 1", "Flow 0"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "é", "!!!!", "bnVsbA", write_cursor("a"), write_cursor("never", "wfl_1"),
        write_cursor("2026-01-01T00:00:00", "wfl_1"),
    ],
)  # fmt: skip
async def test_cursor_of_somebody_else_is_refused(database, cursor):
    ada = await person(database)
    async with database.read() as uow:
        with pytest.raises(InvalidInput, match="cursor"):
            await list_workflows(uow, ada, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 201])
async def test_limit_is_bounded(database, limit):
    ada = await person(database)
    async with database.read() as uow:
        with pytest.raises(InvalidInput):
            await list_workflows(uow, ada, limit=limit)
