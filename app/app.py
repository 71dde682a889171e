"""Composition root of the web process: Reflex app, API, every page, and the runtime they share."""

import asyncio
import gc
import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import reflex as rx
from reflex.config import get_config
from reflex.utils.prerequisites import get_web_dir
from reflex_base.constants import Dirs
from starlette.types import ASGIApp

from app import pages
from app.adapters.sql.tables import until_migrated
from app.api.app import build, front
from app.api.http.policy import Policies, inline_scripts
from app.components.shell.broken import guarded
from app.kernel.settings import settings
from app.services.composition import close_app, open_app
from app.services.runs.lifecycle import get_ready
from app.services.templates.seed import seed_templates
from app.state.socket.door import Door
from app.state.socket.gate import Gate
from app.state.socket.lanes import Lanes
from app.state.socket.notices import broken_page, notice
from app.state.socket.tabs import TabStates
from app.worker.in_process import working_here

for _module in pkgutil.walk_packages(pages.__path__, f"{pages.__name__}."):
    importlib.import_module(_module.name)
importlib.import_module("app.gallery.page")


@asynccontextmanager
async def shared_runtime() -> AsyncIterator[None]:
    """Open database, bus and queue while the web process serves, once the tables are those of this version; refresh
    the built-in templates.
    """
    warming = asyncio.create_task(_warm_up())
    forget_stored_tabs()
    await until_migrated(settings().database)
    opened = await open_app(settings())
    async with opened.database.work() as uow:
        await seed_templates(uow)
    opened.peers.start()
    try:
        async with working_here(opened):
            yield
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await close_app()


def forget_stored_tabs() -> None:
    """Remove the files in which earlier versions kept tabs, cookies included."""
    for left in Path(".states").glob("*.pkl"):
        left.unlink(missing_ok=True)


async def _warm_up() -> None:
    """Load what only some runs need, beside the first visitors: those runs wait for it, others do not."""
    await get_ready()
    gc.freeze()  # what start-up made lives on: do not look at it in every collection
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


class Web(rx.App):
    """The app with our own gate, tabs and lanes: who may send which event, where states live, how events run."""

    def _setup_state(self) -> None:
        super()._setup_state()
        self._state_manager = states = TabStates()  # type: ignore[abstract]  # its overloads confuse mypy
        self._event_namespace = Gate(get_config().get_event_namespace(), self, states)
        assert self.sio is not None
        self.sio.register_namespace(self._event_namespace)

    @asynccontextmanager
    async def _setup_event_processor(self) -> AsyncIterator[None]:
        self._event_processor = Lanes(backend_exception_handler=self.backend_exception_handler)
        async with self._event_processor.configure(
            state_manager=self.state_manager, event_namespace=self.event_namespace
        ):
            yield


app = Web(
    html_lang="en",
    stylesheets=["/app.css", "/ui.css", "/shell.css"],
    head_components=[
        rx.el.script(src="/session.js"),
        rx.el.link(rel="icon", href="/logo.svg", type="image/svg+xml"),
    ],
    api_transformer=build(),
    backend_exception_handler=notice,
    frontend_exception_handler=broken_page,
)
app.app_wraps[(55, "ErrorBoundary")] = lambda _: guarded()
app.app_wraps.pop((5, "Overlay"))  # the shell has its own banner for a lost connection
app.register_lifespan_task(shared_runtime)


def web() -> ASGIApp:
    """The whole web process, for the server."""
    pages = get_web_dir() / Dirs.STATIC
    return front(Door(app()), Policies(inline_scripts(pages)))
