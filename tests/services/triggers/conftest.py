"""The process with real parts of the tests of runs, and schedules in it."""

import pytest

from app.services.triggers.commands import NewSchedule, create_schedule
from tests.graphs import QUICK
from tests.rows import make_workflow
from tests.services.runs.conftest import actor, app, make_host, world

__all__ = ["actor", "app", "make_host", "world"]


@pytest.fixture
def make(app, actor):
    """Make a schedule of a new workflow, hourly unless told otherwise."""

    async def begin(graph=QUICK, given=None, **more):
        workflow_id = more.pop("workflow_id", None) or await make_workflow(
            app.database, actor, graph
        )
        wish = {"cron": "0 * * * *", "input": given or {"name": "Ada"}, **more}
        async with app.database.work() as uow:
            return await create_schedule(uow, actor, NewSchedule(workflow_id=workflow_id, **wish))

    return begin
