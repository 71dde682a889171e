"""Workspaces and their projects."""

import pytest

from app.kernel.errors import Denied, InvalidInput
from app.services.access import Actor
from app.services.workspaces.commands import create_project
from app.services.workspaces.queries import list_projects, list_workspaces
from tests.services.people import person


async def test_each_person_sees_only_their_workspaces_and_projects(database):
    ada, bob = await person(database, "Ada"), await person(database, "Bob")
    async with database.work() as uow:
        await create_project(uow, ada, "  Secret   plans ")
    async with database.read() as uow:
        assert [w.id for w in await list_workspaces(uow, bob)] == [bob.workspace_id]
        assert [p.name for p in await list_projects(uow, bob)] == ["My project"]
        assert [p.name for p in await list_projects(uow, ada)] == ["My project", "Secret plans"]
        assert [w.role for w in await list_workspaces(uow, ada)] == ["owner"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
async def test_project_needs_a_name(database, name):
    ada = await person(database)
    async with database.work() as uow:
        with pytest.raises(InvalidInput):
            await create_project(uow, ada, name)


async def test_viewer_and_stranger_may_not_create(database):
    ada = await person(database)
    for role in ("viewer", "guest"):
        actor = Actor(ada.user_id, ada.workspace_id, role)
        async with database.work() as uow:
            with pytest.raises(Denied):
                await create_project(uow, actor, "Mine")
