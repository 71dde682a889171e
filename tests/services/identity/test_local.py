"""On the command line acts the owner of what is run, or the first owner there is."""

from app.services.identity.local import local_actor
from tests.rows import make_actor, make_workflow


async def test_a_fresh_installation_gets_one_owner_and_keeps_them(database):
    async with database.work() as uow:
        first = await local_actor(uow)
    async with database.work() as uow:
        again = await local_actor(uow)
    assert (first.role, first.user_id, first.workspace_id) == (
        "owner",
        again.user_id,
        again.workspace_id,
    )


async def test_the_owner_of_the_named_workflow_acts(database):
    ada, eve = await make_actor(database), await make_actor(database)
    workflow_id = await make_workflow(database, eve)
    async with database.read() as uow:
        assert (await local_actor(uow)).workspace_id == ada.workspace_id
        assert (await local_actor(uow, "wfl_none")).workspace_id == ada.workspace_id
        assert (await local_actor(uow, workflow_id)).workspace_id == eve.workspace_id
