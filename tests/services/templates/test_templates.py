"""The gallery: seeding, searching, using."""

import asyncio
import json

import pytest
from pydantic import ValidationError

from app.kernel.errors import Denied, GraphInvalid, NotFound
from app.services.access import Actor
from app.services.templates.commands import use_template
from app.services.templates.queries import get_template, list_templates
from app.services.templates.seed import read_library, seed_templates
from app.services.workflows.queries import compile_workflow
from tests.services.people import graph, node, person


def file(directory, name, **changes):
    template = {
        "id": name, "title": name.title(), "summary": "Short.", "description": "Long.",
        "category": "support", "needs": [], "example_input": {"text": "hi"},
        "graph": graph(node("a")), "position": 1, **changes,
    }  # fmt: skip
    (directory / f"{name}.json").write_text(json.dumps(template))


async def seeded(database, directory):
    read_library.cache_clear()
    async with database.work() as uow:
        return await seed_templates(uow, directory)


@pytest.fixture
def shelf(tmp_path):
    directory = tmp_path / "library"
    directory.mkdir()
    file(directory, "triage", position=2, summary="Sorts tickets.")
    file(directory, "web", position=1, category="research", needs=["internet"])
    file(directory, "slack", position=3, needs=["slack"])
    return directory


async def test_seeding_again_changes_only_what_changed(database, shelf):
    assert await seeded(database, shelf) == 3
    assert await seeded(database, shelf) == 0
    file(shelf, "web", title="Another title", position=1)
    assert await seeded(database, shelf) == 1
    async with database.read() as uow:
        assert (await get_template(uow, "web")).title == "Another title"


async def test_processes_that_start_at_once_seed_together(database, shelf):
    await asyncio.gather(*(seeded(database, shelf) for _ in range(4)))
    async with database.read() as uow:
        assert len(await list_templates(uow)) == 3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"id": "Not an id"}, ValidationError),
        ({"surprise": 1}, ValidationError),
        ({"graph": {"nodes": [{"id": "a"}]}}, GraphInvalid),
    ],
)
def test_broken_file_is_found_at_once(shelf, changes, why):
    file(shelf, "broken", **changes)
    read_library.cache_clear()
    with pytest.raises(why):
        read_library(shelf)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["web", "triage", "slack"]),
        ({"search": "TICKETS sorts"}, ["triage"]),
        ({"search": "nothing like it"}, []),
        ({"category": "research"}, ["web"]),
        ({"keyless": True}, ["web", "triage"]),
        ({"keyless": True, "category": "support"}, ["triage"]),
    ],
)
async def test_gallery_is_in_order_and_filtered(database, shelf, filters, found):
    await seeded(database, shelf)
    async with database.read() as uow:
        assert [t.id for t in await list_templates(uow, **filters)] == found


async def test_using_a_template_clones_it_with_its_example(database, shelf):
    await seeded(database, shelf)
    ada = await person(database)
    async with database.work() as uow:
        flow = await use_template(uow, ada, "triage")
        await use_template(uow, ada, "triage", ada.workspace_id)
    async with database.read() as uow:
        template = await get_template(uow, "triage")
    assert (flow.name, flow.template_id, flow.example_input) == ("Triage", "triage", {"text": "hi"})
    assert flow.graph == template.graph
    assert template.uses == 2


async def test_template_goes_only_to_ones_own_workspace(database, shelf):
    await seeded(database, shelf)
    ada, bob = await person(database, "Ada"), await person(database, "Bob")
    async with database.work() as uow:
        for template_id, workspace_id in (
            ("triage", bob.workspace_id), ("triage", "wsp_none"), ("none", None),
        ):  # fmt: skip
            with pytest.raises(NotFound):
                await use_template(uow, ada, template_id, workspace_id)
        viewer = Actor(ada.user_id, ada.workspace_id, "viewer")
        with pytest.raises(Denied):
            await use_template(uow, viewer, "triage")


async def test_the_library_has_nine_templates_that_are_ready_to_run(database):
    read_library.cache_clear()
    async with database.work() as uow:
        await seed_templates(uow)
    ada = await person(database)
    async with database.read() as uow:
        shown = await list_templates(uow)
        offline = [t for t in shown if not t.needs]
    assert (len(shown), len(offline)) == (9, 8)
    for template in shown:
        async with database.work() as uow:
            flow = await use_template(uow, ada, template.id)
            found = await compile_workflow(uow, ada, flow.id)
        assert found.ok, (template.id, found.problems)
        assert flow.example_input is not None
