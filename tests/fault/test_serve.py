"""The whole product as processes: what Ctrl-C, a kill and a new start leave of a run in flight."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port
from tests.e2e.product import ROOT, Product
from tests.fakes.web import FakeWeb, Page
from tests.graphs import START, chain, node

pytestmark = pytest.mark.fault
ADA = {"email": "ada@example.com", "password": "analytical engine 1843"}


class Slow:
    """A website whose pages wait until the test lets them go."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def page(self, _: object) -> Page:
        await self.open.wait()
        return Page(body=b"at last")


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
async def web(slow):
    async with FakeWeb(slow.page) as opened:
        yield opened
        slow.open.set()


@pytest.fixture
def make_product(web):
    """Make the product on data of its own; all of it ends with the test."""
    made = []

    def make(**env: str) -> Product:
        data = Path(tempfile.mkdtemp(prefix="agentloom-"))  # a socket's path must be short
        allow = {"AGENTLOOM_EGRESS_ALLOW": f"127.0.0.1:{web.port}", "AGENTLOOM_FIRST_MODEL": "none"}
        made.append(Product(data, free_port(), {**allow, **env}))
        return made[-1]

    yield make
    for product in made:
        product.stop()
        shutil.rmtree(product.data, ignore_errors=True)


@asynccontextmanager
async def signed_in(product: Product, *, anew: bool = False):
    """A client of the running product's API."""
    way, who = ("register", {**ADA, "name": "Ada"}) if anew else ("login", ADA)
    async with httpx.AsyncClient(base_url=f"{product.url}/api", timeout=20) as client:
        made = await client.post(f"/auth/{way}", json=who)
        client.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
        client.cookies.clear()
        yield client


def fetching(web: FakeWeb) -> dict:
    """A graph that asks a website and answers with what it said."""
    url = f"http://127.0.0.1:{web.port}/page"
    return chain(START, node("call", "tool.http", {"url": url}), node("answer", "flow.respond"))


async def begin(client: httpx.AsyncClient, graph: dict) -> str:
    made = await client.post("/workflows", json={"name": "Test", "graph": graph})
    started = await client.post(f"/workflows/{made.json()['id']}/runs", json={"input": {}})
    assert started.is_success, started.text
    return started.json()["run_id"]


async def until(is_true, what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not await is_true():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.05)


async def until_status(client: httpx.AsyncClient, run_id: str, status: str) -> dict:
    run: dict = {}

    async def reached() -> bool:
        nonlocal run
        run = (await client.get(f"/runs/{run_id}")).json()
        return run["status"] == status

    await until(reached, f"status {status}")
    return run


async def until_asked(web: FakeWeb, count: int) -> None:
    async def asked() -> bool:
        return len(web.asked) >= count

    await until(asked, f"{count} requests")


def stored_status(product: Product, run_id: str) -> str:
    with closing(sqlite3.connect(product.data / "agentloom.db")) as db:
        return db.execute("select status from run where id = ?", [run_id]).fetchone()[0]


async def test_ctrl_c_ends_soon_and_the_run_in_flight_goes_on_at_the_next_start(
    make_product, web, slow
):
    product = make_product()
    await asyncio.to_thread(product.start)
    async with signed_in(product, anew=True) as client:
        run_id = await begin(client, fetching(web))
        await until_asked(web, 1)
        await until_status(client, run_id, "running")
    began = time.monotonic()
    await asyncio.to_thread(product.stop)
    assert time.monotonic() - began < 8
    assert stored_status(product, run_id) == "pending"
    slow.open.set()
    await asyncio.to_thread(product.start)
    async with signed_in(product) as client:
        run = await until_status(client, run_id, "succeeded")
    assert run["output"] == "at last"


async def test_without_redis_the_web_process_does_all_and_a_killed_one_goes_on(
    make_product, web, slow
):
    product = make_product(REDIS_URL="none")
    await asyncio.to_thread(product.start)
    assert "no Redis here: runs execute inside the web process; one process only" in (
        product.output()
    )
    children = product.children()
    assert not any("cli worker" in line or "redis" in line for line in children.values())
    async with signed_in(product, anew=True) as client:
        ready = (await client.get("/readyz")).json()
        assert (ready["ready"], ready["queue"]) == (True, "in-process")
        assert "one process only" in ready["checks"]["queue"]["message"]
        run_id = await begin(client, fetching(web))
        await until_asked(web, 1)
    for pid, line in children.items():
        if "app.cli web" in line:
            os.kill(pid, signal.SIGKILL)
    slow.open.set()
    async with signed_in_again(product) as client:
        run = await until_status(client, run_id, "succeeded")
    assert (run["output"], len(web.asked)) == ("at last", 2)


@asynccontextmanager
async def signed_in_again(product: Product):
    """A client once the web process is back."""

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient() as probe:
                return (await probe.get(f"{product.url}/readyz")).is_success
        except httpx.TransportError:
            return False

    await until(answers, "the web process", 40)
    async with signed_in(product) as client:
        yield client


async def test_run_works_alone_while_nothing_is_started(tmp_path, web, slow):
    slow.open.set()
    (tmp_path / "flow.json").write_text(json.dumps(fetching(web)))
    env = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DATABASE_URL")} | {
        "AGENTLOOM_DATA": str(tmp_path / "data"),
        "AGENTLOOM_EGRESS_ALLOW": f"127.0.0.1:{web.port}",
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app.cli", "run", str(tmp_path / "flow.json")],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert '"at last"' in done.stdout
