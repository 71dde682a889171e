"""Composition root of the web process: Reflex app, API, every page, and the runtime they share."""

import asyncio
import gc
import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import reflex as rx
from starlette.types import ASGIApp

from app import pages
from app.adapters.tables import until_migrated
from app.api.app import build
from app.api.lane import Lane
from app.components.shell.broken import guarded
from app.kernel.settings import settings
from app.services.runs.execute import get_ready
from app.services.runtime import close_runtime, open_runtime
from app.services.templates.seed import seed_templates
from app.state.notices import notice
from app.worker.in_process import working_here

for _module in pkgutil.iter_modules(pages.__path__, f"{pages.__name__}."):
    importlib.import_module(_module.name)


@asynccontextmanager
async def shared_runtime() -> AsyncIterator[None]:
    """Open database, bus and queue while the web process serves, once the tables are those of this version; refresh
    the built-in templates.
    """
    warming = asyncio.create_task(_warm_up())
    await until_migrated(settings().database)
    opened = await open_runtime(settings())
    async with opened.database.work() as uow:
        await seed_templates(uow)
    opened.neighbours.start()
    try:
        async with working_here(opened):
            yield
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await close_runtime()


async def _warm_up() -> None:
    """Load what only some runs need, beside the first visitors: those runs wait for it, others do not."""
    await get_ready()
    gc.freeze()  # what start-up made lives on: do not look at it in every collection
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


app = rx.App(
    html_lang="en",
    stylesheets=["/app.css", "/ui.css", "/shell.css"],
    head_components=[
        rx.el.script(src="/session.js"),
        rx.el.link(rel="icon", href="/logo.svg", type="image/svg+xml"),
    ],
    api_transformer=build(),
    backend_exception_handler=notice,
)
app.app_wraps[(55, "ErrorBoundary")] = lambda _: guarded()
app.app_wraps.pop((5, "Overlay"))  # the shell has its own banner for a lost connection
app.register_lifespan_task(shared_runtime)


def web() -> ASGIApp:
    """The whole web process, for the server: what programs ask most stands before the app."""
    return Lane(app())
