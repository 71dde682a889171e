"""The real API over a real database and Redis; the outside world of runs is a fake."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.types import ASGIApp

from app.api.app import build, front
from app.engine.testing import FakeHost
from app.kernel import clock, ids
from app.kernel.settings import settings
from app.services.app_context import AppContext
from app.services.composition import close_app, open_app
from app.services.templates.seed import read_library, seed_templates
from tests.services.people import graph, node
from tests.worker_pass import worker_pass

PASSWORD = "copper kettle 9"
ORIGIN = "http://localhost:3000"


class RunHost(FakeHost):
    """A fake world around a run's real journal."""

    def __init__(self, app, journal, workflow_id):
        super().__init__({"models": ["Hello."]})
        self.journal = journal

    def now(self):
        return clock.now()

    def new_id(self, noun):
        return ids.new_id(noun)


@dataclass
class Site:
    """The API in this process, and ways to visit it."""

    app: ASGIApp
    runtime: AppContext

    def visitor(self, **headers: str) -> httpx.AsyncClient:
        """A client with a cookie jar of its own."""
        transport = httpx.ASGITransport(self.app, client=("192.0.2.1", 1))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)

    async def person(self, name: str = "Ada") -> httpx.AsyncClient:
        """Register somebody; the client sends their bearer token and no cookies."""
        async with self.visitor() as visitor:
            made = await register(visitor, name)
        token = made.json()["access_token"]
        return self.visitor(Authorization=f"Bearer {token}")

    async def work(self) -> None:
        """Do what a worker would do for the runs in the queue."""
        await worker_pass(self.runtime)


async def register(client: httpx.AsyncClient, name: str = "Ada", **changes: str) -> httpx.Response:
    """Create an account."""
    body = {"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD, **changes}
    return await client.post("/api/auth/register", json=body)


@pytest.fixture
async def site(database_url, clean_redis, tmp_path, monkeypatch) -> AsyncIterator[Site]:
    """An installation of its own: data directory, database, Redis, templates."""
    monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", clean_redis)
    settings.cache_clear()
    runtime = await open_app(settings(), make_host=RunHost)
    read_library.cache_clear()
    async with runtime.database.work() as uow:
        await seed_templates(uow)
    yield Site(front(build()), runtime)
    await close_app()
    settings.cache_clear()


@pytest.fixture
async def ada(site):
    """A signed-in person, by bearer token."""
    async with await site.person("Ada") as client:
        yield client


@pytest.fixture
async def bob(site):
    """Somebody else, in another workspace."""
    async with await site.person("Bob") as client:
        yield client


@pytest.fixture
async def visitor(site):
    """Nobody yet: a browser without cookies."""
    async with site.visitor() as client:
        yield client


def wire(source: str, target: str, source_port: str, target_port: str) -> dict[str, str]:
    """An edge of a graph document."""
    return {
        "id": f"{source}_{target}_{source_port}", "source": source, "source_port": source_port,
        "target": target, "target_port": target_port,
    }  # fmt: skip


QUICK = graph(
    node("start", "trigger.manual"),
    node("greet", config={"template": "Hello {{ trigger.name }}"}),
    edges=(wire("start", "greet", "data", "input"),),
)
"""Runs in the web process at once."""

ASKING = graph(
    node("start", "trigger.manual"),
    node("ask", "human.approval", config={"title": "Send it?"}),
    edges=(wire("start", "ask", "data", "input"),),
)
"""Waits for a person."""


async def new_workflow(client: httpx.AsyncClient, document: object = QUICK) -> str:
    """Create a workflow and return its id."""
    made = await client.post("/api/workflows", json={"name": "Greeting", "graph": document})
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def waiting_run(
    site: Site, client: httpx.AsyncClient, document: object = ASKING
) -> tuple[str, str, str]:
    """Run a workflow up to its question; ids of workflow, run and waiting step."""
    workflow_id = await new_workflow(client, document)
    started = await client.post(f"/api/workflows/{workflow_id}/runs", json={"input": {"a": 1}})
    assert started.status_code == 202, started.text
    run_id = started.json()["run_id"]
    await site.work()
    found = await client.get(f"/api/runs/{run_id}/steps")
    step = next(s for s in found.json()["items"] if s["status"] == "waiting_human")
    return workflow_id, run_id, step["id"]
