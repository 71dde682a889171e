"""The web process of the product under test: its API and what it executes itself, without pages.

The same parts in the same order as `app.app`; tests of the whole product start that one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.api.app import build
from app.api.lane import Lane
from app.kernel import log
from app.kernel.settings import settings
from app.services.runtime import close_runtime, open_runtime
from app.worker.in_process import working_here
from tests.chaos import points

points.arm_start()


@asynccontextmanager
async def _lifespan(_: Any) -> AsyncIterator[None]:
    log.set_up(settings().log_level)
    opened = await open_runtime(settings())
    try:
        async with working_here(opened):
            yield
    finally:
        await close_runtime()


_api = build()
_api.router.lifespan_context = _lifespan
app = Lane(_api)
