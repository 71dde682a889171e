"""A graph that was stored with an older version of a node type is upgraded when it is opened and when it runs."""

import asyncio
from dataclasses import replace

import pytest

from app.engine.catalog import catalog
from app.models import Run, WorkflowVersion
from app.services.runs.starting.start import StartRun, start_run
from app.services.workflows.commands import edit_draft
from app.services.workflows.queries import compile_workflow, get_workflow
from tests.graphs import APPROVAL, QUICK
from tests.rows import make_workflow


def loud(config):
    return {**config, "template": f"{config['template']}!"}


@pytest.fixture
def second_version(monkeypatch):
    """The product of tomorrow, in which the template has a form of its own."""
    template = replace(catalog().get("data.template"), version=2, upgrades={1: loud})
    monkeypatch.setitem(catalog()._types, "data.template", template)


async def test_a_stored_graph_is_upgraded_when_it_is_opened_and_when_it_runs(
    app, actor, look, second_version, work_off
):
    workflow_id = await make_workflow(app.database, actor, QUICK)
    async with app.database.read() as uow:
        opened = await get_workflow(uow, actor, workflow_id)
        found = await compile_workflow(uow, actor, workflow_id)
    greet = opened.graph["nodes"][1]
    assert (greet["version"], greet["config"]["template"]) == (2, "Hi {{ trigger.name }}!")
    assert not [problem for problem in found.problems if problem.severity == "error"]
    async with app.database.work() as uow:
        run = await start_run(
            app, uow, actor, StartRun(workflow_id=workflow_id, input={"name": "Ada"})
        )
    await work_off()  # unless this process has begun it by itself
    async with asyncio.timeout(10):
        while (ended := await look(run.id)).status == "running":
            await asyncio.sleep(0.02)
    assert (ended.status, ended.error, ended.output) == ("succeeded", None, "Hi Ada!")


async def test_an_edit_of_a_stored_graph_stores_it_upgraded(app, actor, second_version):
    workflow_id = await make_workflow(app.database, actor, QUICK)
    at = {"op": "set_config", "id": "greet", "path": ["template"], "value": "Hello!"}
    async with app.database.work() as uow:
        await edit_draft(uow, actor, workflow_id, 1, [at])
    async with app.database.read() as uow:
        greet = (await get_workflow(uow, actor, workflow_id)).graph["nodes"][1]
    assert (greet["version"], greet["config"]["template"]) == (2, "Hello!")


async def test_a_version_that_nothing_upgrades_is_not_executed(
    app, actor, start, look, monkeypatch, work_off
):
    run = await start(APPROVAL, {"text": "x"})
    without = replace(catalog().get("human.approval"), version=2)
    monkeypatch.setitem(catalog()._types, "human.approval", without)
    async with app.database.read() as uow:
        row = await uow.session.get_one(Run, run.id)
        version = await uow.session.get_one(WorkflowVersion, row.version_id)
        assert version.graph["nodes"][1]["version"] == 1
    await work_off()
    assert (await look(run.id)).error["code"] == "needs_migration"
