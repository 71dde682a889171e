"""Lists of workflows: order, pages, search."""

import pytest

from app.kernel.errors import InvalidInput
from app.services.page import write_cursor
from app.services.workflows.commands import create_workflow, rename_workflow
from app.services.workflows.queries import list_workflows
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
