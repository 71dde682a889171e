"""Assembles a process's context, once for all kinds of process: web, worker and command line."""

from app.adapters.host import RunHost, World
from app.adapters.models import embeddings
from app.adapters.process import sandbox
from app.adapters.sql.journal import BufferedJournal, RunJournal
from app.adapters.sql.memory import SqlMemory
from app.adapters.sql.step_cache import SqlStepCache
from app.engine.host import Host
from app.kernel.settings import Settings
from app.services.app_context import AppContext, HostFactory, set_current_app
from app.services.runs.starting import start_child


def make_app(settings: Settings, make_host: HostFactory | None = None) -> AppContext:
    """Assemble a context, not started yet."""
    return AppContext(settings, make_host or default_host, start_child)


async def open_app(settings: Settings, *, make_host: HostFactory | None = None) -> AppContext:
    """Start the process's context and make it the one that `current_app()` returns."""
    opened = make_app(settings, make_host)
    await opened.start()
    set_current_app(opened)
    return opened


async def close_app() -> None:
    """Close the process's context, if it is open."""
    opened = set_current_app(None)
    if opened is not None:
        await opened.close()


def default_host(app: AppContext, journal: RunJournal | BufferedJournal, workflow_id: str) -> Host:
    """The real world of a run: models, memory, embeddings, egress and sandbox."""
    world = World(app.models, embeddings.embed, app.egress.send, sandbox.run_python)
    workspace_id = journal.workspace_id
    return RunHost(
        world,
        journal,
        SqlMemory(app.database, workspace_id, workflow_id),
        SqlStepCache(app.database, workspace_id),
        workspace_id,
    )
