"""A process with real parts and a small world: models, web and sandbox are fakes."""

from collections.abc import Mapping, Sequence

import pytest

from app.adapters.host import RunHost, World
from app.adapters.sql.memory import SqlMemory
from app.adapters.sql.step_cache import SqlStepCache
from app.engine.sdk import CodeResult, HttpReply, HttpRequest
from app.kernel.settings import Settings
from app.services.composition import close_app, open_app
from app.services.runs.claiming.claim import claim_runs
from app.services.runs.claiming.claim_sql import ClaimRequest
from app.services.runs.lifecycle.execute import spawn_run
from app.services.runs.reading.queries import get_run
from app.services.runs.starting.start import StartRun, start_run
from tests.rows import make_actor, make_workflow
from tests.worker_pass import worker_pass


class SmallWorld:
    """Answers of the outside; a test may wait inside them or count them."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.on_http = None

    async def http(self, request: HttpRequest) -> HttpReply:
        self.calls.append(request.url)
        if self.on_http:
            await self.on_http(request)
        return HttpReply(status=200, headers={}, text="ok", url=request.url)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0, *([0.0] * 383)] for _ in texts]

    async def python(self, source: str, inputs: Mapping, timeout_s: float) -> CodeResult:
        return CodeResult()


@pytest.fixture
def world():
    return SmallWorld()


@pytest.fixture
def make_host(world):
    def make(app, journal, workflow_id):
        memory = SqlMemory(app.database, journal.workspace_id, workflow_id)
        cache = SqlStepCache(app.database, journal.workspace_id)
        outside = World(app.models, world.embed, world.http, world.python)
        return RunHost(outside, journal, memory, cache)

    return make


@pytest.fixture
async def app(database_url, clean_redis, tmp_path, make_host):
    config = Settings(data_dir=tmp_path / "data", database_url=database_url, redis_url=clean_redis)
    opened = await open_app(config, make_host=make_host)
    yield opened
    await close_app()


@pytest.fixture
async def actor(app):
    return await make_actor(app.database)


@pytest.fixture
def start(app, actor):
    """Start a run of a new workflow with this graph."""

    async def begin(graph, given=None, **more):
        workflow_id = await make_workflow(app.database, actor, graph)
        async with app.database.work() as uow:
            return await start_run(
                app, uow, actor, StartRun(workflow_id=workflow_id, input=given, **more)
            )

    return begin


@pytest.fixture
def work_off(app):
    """Do what a worker does once: find the dead, claim all runs that are due, execute each until it ends or waits."""

    async def once(worker=app):
        await worker_pass(worker)

    return once


@pytest.fixture
def begin_work(app):
    """Claim the run that is next, and execute it in the background; the task ends when the run is left."""

    async def begin():
        [claimed] = (await claim_runs(app, ClaimRequest(app.name, 1))).runs
        return spawn_run(app, claimed)

    return begin


@pytest.fixture
def look(app, actor):
    """Read a run."""

    async def read(run_id):
        async with app.database.read() as uow:
            return await get_run(uow, actor, run_id)

    return read
