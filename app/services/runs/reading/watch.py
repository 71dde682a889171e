"""Notice that something changed in a workspace's runs, without polling."""

import asyncio
from collections.abc import AsyncIterator

from app.services.access import Actor
from app.services.app_context import AppContext

_CALM_S = 1.0
_SIGN_OF_LIFE_S = 30.0


async def changes(app: AppContext, actor: Actor) -> AsyncIterator[None]:
    """Yield once whenever runs of the actor's workspace have changed; at most once a second.

    The first item comes at once, so that nothing between reading and watching is missed.
    """
    async with app.bus.subscribe_workspace(actor.workspace_id) as viewer:
        yield
        while True:
            batch = await viewer.take(_SIGN_OF_LIFE_S)
            if batch.events or batch.gap:
                yield
                await asyncio.sleep(_CALM_S)
