"""Fixtures with the real small model: its weights, fetched once, and its server, loaded once."""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.adapters.models.server import LocalServer, RunningServer
from app.adapters.models.weights import SMOLLM2, WeightStore
from app.kernel.errors import Conflict

Result = TypeVar("Result")
_ROOT = Path(__file__).parents[2]


def cache_directory() -> Path:
    """Where tests keep what is slow to get: AGENTLOOM_TEST_CACHE, or `.cache` in the repository."""
    return Path(os.environ.get("AGENTLOOM_TEST_CACHE") or _ROOT / ".cache")


def give_weights(weights: Path, data: Path) -> None:
    """Put the weights into a data directory as if they had been pulled there."""
    store = WeightStore(data)
    store.path(SMOLLM2).parent.mkdir(parents=True, exist_ok=True)
    if not store.is_here(SMOLLM2):
        store.path(SMOLLM2).symlink_to(weights)


@pytest.fixture(scope="session")
def smollm2_weights() -> Path:
    """The file of SmolLM2; the first run of all tests downloads it (93 MB)."""
    return _apart(_pull())


@pytest.fixture(scope="session")
def smollm2(
    smollm2_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A model server with SmolLM2."""
    server = LocalServer(tmp_path_factory.mktemp("model-server"), threads=1)
    yield _apart(server.ensure(smollm2_weights))
    server.close()


def _apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own: browser tests have a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _pull() -> Path:
    store = WeightStore(cache_directory())
    while True:
        try:
            return await store.pull(SMOLLM2)
        except Conflict:  # another test process is at it
            await asyncio.sleep(0.5)
