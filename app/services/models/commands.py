"""Download models, one download per model at a time, in the background of the web process."""

import asyncio
import logging

from app.adapters.models.registry import ModelRegistry
from app.adapters.models.weights import Pull, Weights, pinned
from app.kernel.clock import now
from app.kernel.errors import AppError
from app.services.access import Actor, Permission, require
from app.services.models.queries import pull_view
from app.services.models.views import PullView

_log = logging.getLogger(__name__)
_running: dict[str, asyncio.Task[None]] = {}


async def start_pull(models: ModelRegistry, actor: Actor, name: str) -> PullView:
    """Begin to download a model and return at once; a download in progress is left alone.

    Raises:
        Denied: The actor does not administer the installation: weights are shared across it.
        NotFound: There is no such model to download.
    """
    require(actor, Permission.MODEL_MANAGE)
    weights = pinned(name, models.store.known)
    running = next((p for p in models.store.pulls() if p.name == weights.name), None)
    if running is not None and running.status == "running":
        return pull_view(models, running)
    if models.store.is_here(weights):
        done = Pull(
            weights.name, "done", weights.size_bytes, weights.size_bytes, "It is here.", now()
        )
        return pull_view(models, done)
    if weights.name not in _running:
        task = asyncio.create_task(_pull(models, weights))
        _running[weights.name] = task
        task.add_done_callback(lambda _: _running.pop(weights.name, None))
    message = f"Downloading {weights.title}"
    return pull_view(models, Pull(weights.name, "running", 0, weights.size_bytes, message, now()))


async def cancel_pull(models: ModelRegistry, actor: Actor, name: str) -> None:
    """Stop a download, in whatever process it runs; a later one resumes where it stopped.

    Raises:
        Denied: The actor does not administer the installation: weights are shared across it.
        NotFound: There is no such model to download.
    """
    require(actor, Permission.MODEL_MANAGE)
    models.store.cancel(pinned(name, models.store.known))


async def _pull(models: ModelRegistry, weights: Weights) -> None:
    try:
        await models.store.pull(weights)
    except AppError as error:
        # The pages show it from the download's own record.
        _log.warning("The download of %s ended: %s", weights.name, error.message)
