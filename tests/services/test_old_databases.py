"""A database of the last release opens: its graphs, runs and schedules are there, and what was left goes on.

`old_databases/revision_NNNN.sql` was written by the program whose tables had that revision: workflows (one edited in two
tabs, one deleted), runs in several statuses, and a schedule that has fired.
"""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.adapters.sql import migrations
from app.engine.events import TERMINAL_RUN
from app.kernel.settings import Settings
from app.models import metadata
from app.services.access import person
from app.services.composition import close_app, open_app
from app.services.runs.lifecycle.commands import answer_step
from app.services.runs.lifecycle.control import resume_run
from app.services.runs.reading.queries import get_run, get_trace, list_approvals, list_runs
from app.services.runs.starting.start import StartRun, start_run
from app.services.triggers.queries import list_fires, list_schedules
from app.services.workflows.commands import edit_draft, restore_workflow
from app.services.workflows.queries import get_workflow, list_workflows
from app.worker.in_process import working_here
from app.worker.sweeper import OF_WAITS
from tests.services.runs.conftest import make_host, world

__all__ = ["make_host", "world"]

OLD = Path(__file__).parent / "old_databases" / "revision_0005.sql"
_SPECIAL = {
    sa.DateTime: lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
    sa.Boolean: bool,
}


def _copy(connection: sa.Connection) -> None:
    """Put the rows of the file into the tables of a server, as that program would have stored them there."""
    found = sa.MetaData()
    found.reflect(connection)
    with closing(sqlite3.connect(":memory:")) as source:
        source.executescript(OLD.read_text(encoding="utf-8"))
        source.row_factory = sqlite3.Row
        for table in metadata.sorted_tables:
            for row in (
                source.execute(f'SELECT * FROM "{table.name}"')
                if table.name in found.tables
                else ()
            ):
                connection.execute(
                    sa.insert(found.tables[table.name]).values(
                        _values(found.tables[table.name], row)
                    )
                )


def _values(table: sa.Table, row: sqlite3.Row) -> dict[str, Any]:
    values = {}
    for name, value in dict(row).items():
        kind = table.c[name].type
        if isinstance(kind, sa.JSON):
            values[name] = sa.cast(sa.literal(value, sa.String), sa.JSON)
        else:
            read = next((read for known, read in _SPECIAL.items() if isinstance(kind, known)), None)
            values[name] = read(value) if read and value is not None else value
    return values


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request, tmp_path):
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "old.db")) as made:
            made.executescript(OLD.read_text(encoding="utf-8"))
        yield f"sqlite+aiosqlite:///{tmp_path}/old.db"
        return
    url = request.getfixturevalue("postgres_url")
    migrations.upgrade(url, "0005")
    migrations._within(url, _copy)
    yield url
    migrations.downgrade(url)


def _rows(url: str, query: str) -> list[dict[str, Any]]:
    def read(connection: sa.Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(sa.text(query)).mappings()]

    return migrations._within(url, read)


def test_drafts_move_to_their_own_rows_and_back(old_url):
    drafts = "SELECT id, graph, revision, edits_seen, updated_at FROM workflow ORDER BY id"
    before, runs = _rows(old_url, drafts), _rows(old_url, "SELECT * FROM run ORDER BY id")
    assert len(before) == 7
    migrations.upgrade(old_url)
    moved = _rows(old_url, "SELECT * FROM draft ORDER BY workflow_id")
    assert [(m["workflow_id"], *(m[name] for name in list(before[0])[1:])) for m in moved] == [
        tuple(row.values()) for row in before
    ]
    assert {m["branch"] for m in moved} == {"main"}
    assert {m["id"] for m in moved} == {row["id"].replace("wfl_", "drf_") for row in before}
    assert "graph" not in _rows(old_url, "SELECT * FROM workflow")[0]
    migrations.downgrade(old_url, "0005")
    assert _rows(old_url, drafts) == before
    migrations.upgrade(old_url)
    assert _rows(old_url, "SELECT * FROM draft ORDER BY workflow_id") == moved
    assert _rows(old_url, "SELECT * FROM run ORDER BY id") == runs


@pytest.fixture
async def app(old_url, tmp_path, make_host):
    await asyncio.to_thread(migrations.upgrade, old_url)
    config = Settings(data_dir=tmp_path / "data", database_url=old_url, redis_url="none")
    opened = await open_app(config, make_host=make_host)
    async with working_here(opened, duties=OF_WAITS):
        yield opened
    await close_app()


@pytest.fixture
async def ada(app):
    async with app.database.read() as uow:
        row = (await uow.session.execute(sa.text("SELECT user_id, workspace_id FROM member"))).one()
    return person(row.user_id, row.workspace_id, "owner")


@pytest.fixture
def do(app, ada):
    async def done(what, *given, **named):
        async with app.database.work() as uow:
            return await what(uow, ada, *given, **named)

    return done


@pytest.fixture
def ended(app, ada):
    """Wait until a run has ended."""

    async def end(run_id):
        async with asyncio.timeout(15):
            while True:
                async with app.database.read() as uow:
                    run = await get_run(uow, ada, run_id)
                if run.status in TERMINAL_RUN:
                    return run
                await asyncio.sleep(0.05)

    return end


async def test_its_workflows_open_and_are_edited_further(do):
    listed = {one.name: one for one in (await do(list_workflows)).items}
    assert {name: one.node_count for name, one in listed.items()} == {
        "Greeting": 3, "Ask first": 3, "Lines": 4, "Breaks": 3, "Keeps": 3, "Blank": 0,
    }  # fmt: skip
    greeting = await do(get_workflow, listed["Greeting"].id)
    assert (greeting.revision, greeting.graph["nodes"][2]["label"]) == (4, "Reply")
    label = {"op": "set_label", "id": "answer", "label": "Again"}
    repeated = await do(edit_draft, greeting.id, 3, [label], "tab-2", 1)
    assert (repeated.revision, repeated.ops) == (4, ()), "the last edit of a tab is known still"
    assert (await do(edit_draft, greeting.id, 4, [label], "tab-2", 2)).revision == 5


async def test_a_workflow_deleted_before_is_brought_back(app, do):
    gone = await _id_of(app, "Gone")
    assert (await do(restore_workflow, gone)).graph["nodes"][1]["id"] == "greet"


async def test_its_runs_are_listed_and_what_was_left_goes_on(do, ended):
    runs = {run.number: run for run in (await do(list_runs)).items}
    assert sorted(runs) == list(range(1, 13))
    assert (await do(get_trace, runs[1].id)).graph["nodes"][1]["label"] == "Greet"
    assert {n: runs[n].status for n in (1, 3, 6, 10, 11)} == {
        1: "succeeded", 3: "waiting", 6: "failed", 10: "canceled", 11: "paused",
    }  # fmt: skip
    assert (await ended(runs[12].id)).output == "Hello Late"
    await do(resume_run, runs[11].id)
    for approval in await do(list_approvals):
        await do(answer_step, approval.step_id, {"choice": "approve"})
    assert (await ended(runs[3].id)).output == "waits"
    assert (await ended(runs[11].id)).output == "p"


async def test_its_graphs_run(app, do, ended):
    lines = await _id_of(app, "Lines")
    run = await do(
        partial(start_run, app), StartRun(workflow_id=lines, input={"items": ["a", "b"]})
    )
    assert (await ended(run.id)).output == ["no. a", "no. b"]
    assert run.version == 1, "an unchanged draft is the version that there is"


async def test_a_key_that_was_used_gives_the_same_run(app, do):
    greeting = await _id_of(app, "Greeting")
    wish = StartRun(workflow_id=greeting, input={"name": "Ada"}, idempotency_key="first")
    assert (await do(partial(start_run, app), wish)).number == 1


async def test_its_schedules_are_there(do):
    [schedule] = (await do(list_schedules)).items
    assert (schedule.cron, schedule.enabled, schedule.last_fire.run_number) == (
        "0 * * * *",
        True,
        9,
    )
    fires = (await do(list_fires, schedule.id)).items
    assert [fire.status for fire in fires] == ["fired", "skipped", "skipped"]


async def _id_of(app, name):
    async with app.database.read() as uow:
        query = sa.text("SELECT id FROM workflow WHERE name = :name")
        return (await uow.session.execute(query, {"name": name})).scalar_one()
