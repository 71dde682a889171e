"""Drafts: create, replace, edit, delete and bring back."""

import asyncio

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.kernel.errors import (
    Denied,
    EditRefused,
    GraphInvalid,
    InvalidInput,
    NotFound,
    RevisionConflict,
    TooLarge,
)
from app.models import AuditEntry
from app.services.access import Actor
from app.services.workflows.commands import (
    create_workflow,
    delete_workflow,
    edit_draft,
    rename_workflow,
    restore_workflow,
    save_draft,
)
from app.services.workflows.queries import compile_workflow, get_workflow, list_workflows
from app.services.workspaces.commands import create_project
from tests.services.people import graph, node, person


async def made(database, actor, **changes):
    given = {"name": "Triage", "graph": graph(node("greet")), **changes}
    async with database.work() as uow:
        return await create_workflow(uow, actor, **given)


async def edit(database, actor, workflow_id, base, *ops, client="tab", seq=1):
    async with database.work() as uow:
        return await edit_draft(uow, actor, workflow_id, base, ops, client, seq)


def add(node_id):
    return {"op": "add_node", "node": node(node_id)}


async def test_blank_workflow_goes_to_the_first_project(database):
    ada = await person(database)
    flow = await made(database, ada, graph=None)
    assert flow.graph == {"schema": 1, "nodes": [], "edges": []}
    assert (flow.project_name, flow.revision, flow.status) == ("My project", 1, "draft")


async def test_broken_graph_is_refused_with_its_place(database):
    ada = await person(database)
    with pytest.raises(GraphInvalid, match=r"nodes\.1\.kind") as refused:
        await made(database, ada, graph=graph(node("a"), {"id": "b"}))
    assert refused.value.context["problems"][0]["place"] == "nodes.1.kind"


async def test_graph_over_five_megabytes_is_refused(database):
    ada = await person(database)
    with pytest.raises(TooLarge, match="at most 5 MB"):
        await made(database, ada, graph=graph(node("a", config={"text": "x" * 5_000_001})))


async def test_a_draft_may_not_grow_over_five_megabytes(database):
    ada = await person(database)
    half = {"text": "x" * 2_600_000}
    flow = await made(database, ada, graph=graph(node("a", config=half)))
    grown = [{"op": "add_node", "node": node("b", config=half)}]
    with pytest.raises(TooLarge, match=r"The graph has 5\.2 MB; at most 5 MB"):
        await edit(database, ada, flow.id, 1, *grown)
    whole = graph(node("a", config=half), node("b", config=half))
    with pytest.raises(TooLarge, match=r"The graph has 5\.2 MB; at most 5 MB"):
        async with database.work() as uow:
            await save_draft(uow, ada, flow.id, whole, 1)
    async with database.read() as uow:
        kept = await get_workflow(uow, ada, flow.id)
    assert (kept.revision, [n["id"] for n in kept.graph["nodes"]]) == (1, ["a"])


async def test_unknown_kind_is_kept_with_its_data_and_blocks_running(database):
    ada = await person(database)
    odd = node("odd", "vendor.thing", config={"deep": [1, {"two": None}]})
    flow = await made(database, ada, graph=graph(odd))
    async with database.read() as uow:
        kept = (await get_workflow(uow, ada, flow.id)).graph["nodes"][0]
        found = await compile_workflow(uow, ada, flow.id)
    assert (kept["kind"], kept["config"]) == ("vendor.thing", {"deep": [1, {"two": None}]})
    assert not found.ok
    assert ("unknown_kind", "odd") in {(p.code, p.node_id) for p in found.problems}


async def test_fields_keep_the_order_in_which_a_person_wrote_them(database):
    ada = await person(database)
    config = {"zeta": 1, "b": 2, "alpha": {"long_name": 1, "x": 2}}
    flow = await made(database, ada, graph=graph(node("a", config=config)))
    async with database.read() as uow:
        kept = (await get_workflow(uow, ada, flow.id)).graph["nodes"][0]["config"]
    assert list(kept) == ["zeta", "b", "alpha"]
    assert list(kept["alpha"]) == ["long_name", "x"]


async def test_whole_draft_is_replaced_only_from_the_current_revision(database):
    ada = await person(database)
    flow = await made(database, ada)
    async with database.work() as uow:
        saved = await save_draft(uow, ada, flow.id, graph(node("b")), 1, "Renamed")
    assert (saved.revision, saved.name, saved.graph["nodes"][0]["id"]) == (2, "Renamed", "b")
    for base in (1, 3):
        with pytest.raises(RevisionConflict) as refused:
            async with database.work() as uow:
                await save_draft(uow, ada, flow.id, graph(node("c")), base)
        assert refused.value.context["revision"] == 2


async def test_of_two_saves_at_once_one_wins(database):
    ada = await person(database)
    flow = await made(database, ada)

    async def save(node_id):
        async with database.work() as uow:
            return await save_draft(uow, ada, flow.id, graph(node(node_id)), 1)

    results = await asyncio.gather(*(save(f"n{i}") for i in range(5)), return_exceptions=True)
    assert sum(1 for result in results if isinstance(result, RevisionConflict)) == 4


async def test_edits_count_revisions_and_tell_what_is_wrong(database):
    ada = await person(database)
    flow = await made(database, ada)
    result = await edit(database, ada, flow.id, 1, add("b"), add("c"))
    assert (result.revision, result.behind) == (2, False)
    assert any(problem.severity == "error" for problem in result.problems)
    async with database.read() as uow:
        nodes = (await get_workflow(uow, ada, flow.id)).graph["nodes"]
    assert [n["id"] for n in nodes] == ["greet", "b", "c"]


async def test_repeated_edit_is_applied_once(database):
    ada = await person(database)
    flow = await made(database, ada)
    first = await edit(database, ada, flow.id, 1, add("b"), seq=1)
    again = await edit(database, ada, flow.id, 1, add("b"), seq=1)
    assert (again.revision, again.behind) == (first.revision, False)
    assert again.ops == ()


async def test_repeated_edit_is_told_when_others_went_on(database):
    ada = await person(database)
    flow = await made(database, ada)
    await edit(database, ada, flow.id, 1, add("b"), client="one", seq=1)
    await edit(database, ada, flow.id, 2, add("c"), client="two", seq=1)
    again = await edit(database, ada, flow.id, 1, add("b"), client="one", seq=1)
    assert (again.revision, again.behind) == (3, True)


async def test_edit_on_an_old_revision_is_applied_and_the_editor_is_behind(database):
    ada = await person(database)
    flow = await made(database, ada)
    await edit(database, ada, flow.id, 1, add("b"), client="one")
    late = await edit(database, ada, flow.id, 1, add("c"), client="two")
    assert (late.revision, late.behind) == (3, True)


async def test_own_edits_in_flight_do_not_make_an_editor_fall_behind(database):
    ada = await person(database)
    flow = await made(database, ada)
    await edit(database, ada, flow.id, 1, add("b"), seq=1)
    assert (await edit(database, ada, flow.id, 1, add("c"), seq=2)).behind is False


async def test_only_the_latest_editors_are_remembered(database):
    ada = await person(database)
    flow = await made(database, ada, graph=None)
    for i in range(22):
        await edit(database, ada, flow.id, i + 1, add(f"n{i}"), client=f"tab{i}")
    assert (await edit(database, ada, flow.id, 22, add("n21"), client="tab21")).ops == ()
    with pytest.raises(EditRefused, match="already a node"):
        await edit(database, ada, flow.id, 23, add("n0"), client="tab0")


async def test_refused_edit_changes_nothing(database):
    ada = await person(database)
    flow = await made(database, ada)
    with pytest.raises(EditRefused):
        await edit(database, ada, flow.id, 1, add("b"), {"op": "remove_node", "id": "nobody"})
    async with database.read() as uow:
        now = await get_workflow(uow, ada, flow.id)
    assert (now.revision, len(now.graph["nodes"])) == (1, 1)
    assert (await edit(database, ada, flow.id, 1, add("b"), seq=1)).revision == 2


async def test_edit_from_the_future_is_refused(database):
    ada = await person(database)
    flow = await made(database, ada)
    with pytest.raises(InvalidInput, match="at 1"):
        await edit(database, ada, flow.id, 7, add("b"))


async def test_many_edits_at_once_all_arrive(database):
    ada = await person(database)
    flow = await made(database, ada, graph=None)
    await asyncio.gather(
        *(edit(database, ada, flow.id, 1, add(f"n{i}"), client=f"tab{i}") for i in range(8))
    )
    async with database.read() as uow:
        now = await get_workflow(uow, ada, flow.id)
    assert now.revision == 9
    assert {n["id"] for n in now.graph["nodes"]} == {f"n{i}" for i in range(8)}


async def test_deleted_workflow_is_gone_until_it_is_brought_back(database):
    ada = await person(database)
    flow = await made(database, ada)
    async with database.work() as uow:
        await delete_workflow(uow, ada, flow.id)
    async with database.work() as uow:
        assert (await list_workflows(uow, ada)).items == ()
        for use in (get_workflow, compile_workflow, delete_workflow):
            with pytest.raises(NotFound):
                await use(uow, ada, flow.id)
    async with database.work() as uow:
        back = await restore_workflow(uow, ada, flow.id)
        with pytest.raises(NotFound):
            await restore_workflow(uow, ada, flow.id)
        actions = select(AuditEntry.action).where(col(AuditEntry.subject) == flow.id)
        kept = set(await uow.session.scalars(actions))
    assert back.graph == flow.graph
    assert kept == {"workflow.create", "workflow.delete", "workflow.restore"}


async def test_nobody_reaches_into_another_workspace(database):
    ada, bob = await person(database, "Ada"), await person(database, "Bob")
    flow = await made(database, ada)
    async with database.work() as uow:
        project = await create_project(uow, ada, "Hers")
        said = set()
        for flow_id in (flow.id, "wfl_none"):
            for use in (
                lambda i: get_workflow(uow, bob, i),
                lambda i: compile_workflow(uow, bob, i),
                lambda i: save_draft(uow, bob, i, graph(), 1),
                lambda i: edit_draft(uow, bob, i, 1, [add("b")]),
                lambda i: rename_workflow(uow, bob, i, "Mine"),
                lambda i: delete_workflow(uow, bob, i),
                lambda i: restore_workflow(uow, bob, i),
            ):
                with pytest.raises(NotFound) as refused:
                    await use(flow_id)
                said.add((refused.value.message, str(refused.value.context)))
        assert len(said) == 1
        with pytest.raises(NotFound):
            await create_workflow(uow, bob, "Mine", None, project.id)
        assert (await list_workflows(uow, bob)).items == ()


async def test_viewer_reads_but_changes_nothing(database):
    ada = await person(database)
    flow = await made(database, ada)
    viewer = Actor(ada.user_id, ada.workspace_id, "viewer")
    async with database.work() as uow:
        assert (await get_workflow(uow, viewer, flow.id)).id == flow.id
        for change in (
            create_workflow(uow, viewer, "Mine"),
            save_draft(uow, viewer, flow.id, graph(), 1),
            edit_draft(uow, viewer, flow.id, 1, [add("b")]),
            rename_workflow(uow, viewer, flow.id, "Mine"),
            delete_workflow(uow, viewer, flow.id),
            restore_workflow(uow, viewer, flow.id),
        ):
            with pytest.raises(Denied):
                await change
