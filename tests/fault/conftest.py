"""A product of real processes for a whole file of tests, on SQLite and on PostgreSQL, with clients and a
witness of its effects. At the end of each test all promises are checked over everything so far."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chaos.checker import Violation, check
from tests.chaos.evidence import Evidence, gather, keep_history
from tests.chaos.faults import Faults
from tests.chaos.graphs import Shapes
from tests.chaos.load import Clients
from tests.chaos.processes import PG_BIN, Product


class Site:
    """A running product, its clients, and the means to damage it."""

    def __init__(self, product: Product, clients: Clients, faults: Faults) -> None:
        self.product, self.clients, self.faults = product, clients, faults
        self.shapes = Shapes(product.outside_port)
        self._workflows: dict[str, str] = {}

    async def begin(self, shape: str, *faults: list, wait: float = 0, **wish) -> str:
        """Start a run of a shape; `faults` are what it does to its own process (see points.py). With `wait` the
        caller waits for its end for so many seconds.
        """
        name = f"{shape} {wish}" if wish else shape
        if name not in self._workflows:
            graph = getattr(self.shapes, shape)(**wish)
            self._workflows[name] = await self.clients.workflow(name, graph)
        run_id = await self.clients.start(self._workflows[name], faults=faults, wait=wait)
        assert run_id, self.clients.refusals[-3:]
        return run_id

    async def settle(self, seconds: float = 120) -> None:
        """Wait until every run is over."""
        left = await self.clients.settled(seconds)
        assert not left, (left, self.logs())

    async def until_all_work(self, seconds: float = 60) -> None:
        """Wait until every worker is up, so that one can take over from another at once."""
        for _ in range(int(seconds / 0.1)):
            if self.product.all_work:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the workers are not up\n{self.logs()}")

    async def row(self, run_id: str) -> dict:
        """A run as the database has it."""
        return next(run for run in (await self.evidence()).runs if run["id"] == run_id)

    async def question(self, run_id: str, seconds: float = 90) -> dict:
        """The open question of a run."""
        for _ in range(int(seconds / 0.1)):
            for row in (await self.evidence()).approvals:
                if row["run_id"] == run_id and row["status"] == "open":
                    return row
            await asyncio.sleep(0.1)
        raise AssertionError(f"{run_id} asks nothing\n{self.logs()}")

    async def evidence(self) -> Evidence:
        """What is known now."""
        self.faults.look_at_deeds()
        return await gather(
            self.product.database_url, self.product.effects, self.product.clock,
            self.clients.told, self.faults.deaths, self.faults.outages,
        )  # fmt: skip

    async def broken(self) -> list[Violation]:
        """Promises that were broken so far."""
        return check(await self.evidence())

    def logs(self) -> str:
        """The ends of the logs."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted(self.product.home.glob("*.log"))
        )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest) -> Iterator[Product]:
    """The processes, for all tests of a file."""
    if request.param == "postgresql" and not PG_BIN.exists() and not shutil.which("initdb"):
        pytest.fail("PostgreSQL is not installed; `make test` installs it, or says how")
    home = Path(tempfile.mkdtemp(prefix=f"fault-{request.param}-"))
    movable = getattr(request.module, "MOVABLE_CLOCK", False)
    product = Product(home, request.param, movable=movable)
    try:
        product.start()
        asyncio.run(keep_history(product.database_url))
        yield product
    finally:
        product.close()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def site(running: Product) -> AsyncIterator[Site]:
    """The product for one test: all runs of earlier tests are over, all processes are up."""
    memory = running.__dict__.setdefault("memory", {})
    faults = memory.setdefault("faults", Faults(running, random.Random(1)))
    clients = Clients(running.url, running.database_url, random.Random(1))
    clients.told = memory.setdefault("told", clients.told)
    await clients.sign_in(memory)
    opened = Site(running, clients, faults)
    clients.in_background(_keep_up(opened))
    yield opened
    await clients.close()
    running.clock.set(0)
    broken = await opened.broken()
    assert not broken, "\n".join(map(str, broken))


async def _keep_up(site: Site) -> None:
    """Start again what died, as `serve` does; wake what froze itself."""
    while True:
        site.faults.look_at_deeds()
        site.product.mend()
        await asyncio.sleep(0.3)
