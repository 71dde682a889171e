"""A stored graph with a field that this version does not know stops nobody but its own runs."""

import copy

import pytest

from app.kernel.errors import GraphInvalid
from app.models import Run, WorkflowVersion
from app.services.runs.reading.queries import get_run
from app.services.runs.starting.start import StartRun, start_run
from app.services.workflows.commands import edit_draft
from app.services.workflows.queries import compile_workflow, get_workflow
from tests.graphs import APPROVAL, QUICK
from tests.rows import draft_of, make_workflow


def of_tomorrow(graph):
    later = copy.deepcopy(graph)
    later["nodes"][1]["settings"] = {"priority": 3}
    return later


async def begin(app, actor, workflow_id, given):
    async with app.database.work() as uow:
        return await start_run(app, uow, actor, StartRun(workflow_id=workflow_id, input=given))


async def test_it_opens_tells_its_problem_saves_and_runs_once_it_is_mended(app, actor):
    workflow_id = await make_workflow(app.database, actor, of_tomorrow(QUICK))
    async with app.database.read() as uow:
        opened = await get_workflow(uow, actor, workflow_id)
        found = await compile_workflow(uow, actor, workflow_id)
    assert opened.graph["nodes"][1]["settings"] == {"priority": 3}
    (problem,) = [p for p in found.problems if p.severity == "error"]
    assert (problem.code, problem.node_id, problem.field) == (
        "unknown_field",
        QUICK["nodes"][1]["id"],
        "settings.priority",
    )
    with pytest.raises(GraphInvalid) as refused:
        await begin(app, actor, workflow_id, {"name": "Ada"})
    assert refused.value.message == problem.message
    label = {"op": "set_label", "id": QUICK["nodes"][1]["id"], "label": "Hello"}
    async with app.database.work() as uow:
        edited = await edit_draft(uow, actor, workflow_id, opened.revision, [label])
    assert [p.code for p in edited.problems if p.severity == "error"] == ["unknown_field"]
    async with app.database.work() as uow:
        mended = await edit_draft(uow, actor, workflow_id, edited.revision, problem.fix.ops)
    assert not [p for p in mended.problems if p.severity == "error"]
    run = await begin(app, actor, workflow_id, {"name": "Ada"})
    assert run.id


async def test_a_version_that_is_to_run_says_why_it_does_not_and_others_go_on(
    app, actor, start, work_off
):
    odd, sound = [await start(APPROVAL, {"text": str(n)}) for n in range(2)]
    async with app.database.work() as uow:
        row = await uow.session.get_one(Run, odd.id)
        version = await uow.session.get_one(WorkflowVersion, row.version_id)
        version.graph = of_tomorrow(version.graph)
    await work_off()
    async with app.database.read() as uow:
        failed, waiting = [await get_run(uow, actor, run.id) for run in (odd, sound)]
    assert (failed.status, failed.error["code"]) == ("failed", "graph_invalid")
    assert "`priority`" in failed.error["message"]
    assert waiting.status == "waiting"


async def test_a_draft_that_has_it_leaves_the_runs_of_earlier_versions_alone(
    app, actor, start, work_off
):
    run = await start(APPROVAL, {"text": "x"})
    async with app.database.work() as uow:
        draft = await draft_of(uow, run.workflow_id)
        draft.graph = of_tomorrow(draft.graph)
    await work_off()
    async with app.database.read() as uow:
        assert (await get_run(uow, actor, run.id)).status == "waiting"
