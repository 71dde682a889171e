"""Edits of a draft as sent to the other open editors."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import orjson
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import NotFound, StorageDown
from app.models import MAIN, Draft, Workflow
from app.services.access import Actor, scoped
from app.services.app_context import AppContext

MAX_BYTES = 64_000
"""Larger edits are told without what they do: the editor loads the draft again."""

IDLE_S = 10.0
WITHOUT_BUS_S = 0.5

Message = dict[str, Any]
"""`{"revision"}`, and of one batch of edits `client` and `ops` as well."""


def tell_editors(
    uow: UnitOfWork, draft: Draft, client: str = "", ops: Sequence[dict[str, Any]] = ()
) -> None:
    """Tell the open editors of a draft of its new revision, once it is durable."""
    workflow_id, revision = draft.workflow_id, draft.revision
    message = orjson.dumps({"revision": revision, "client": client, "ops": ops})
    if not ops or len(message) > MAX_BYTES:
        message = orjson.dumps({"revision": revision, "client": client})
    uow.publish_draft(workflow_id, message)


async def follow_draft(
    app: AppContext, actor: Actor, workflow_id: str
) -> AsyncGenerator[Message, None]:
    """Yield the draft's revision, then what changes it, for as long as the actor may see it.

    Raises:
        NotFound: There is no such workflow in the actor's workspace, or no longer.
    """
    async with app.authority.watched(actor) as watch, app.bus.subscribe_draft(workflow_id) as inbox:
        over = asyncio.ensure_future(watch.ended.wait())
        over.add_done_callback(lambda _: inbox.wake())
        try:
            told = 0
            while not watch.ended.is_set():
                revision = await _revision(app, actor, workflow_id, told)
                if revision != told:
                    told = revision
                    yield {"revision": revision}
                while True:
                    taken = await inbox.take(IDLE_S if app.bus.connected else WITHOUT_BUS_S)
                    if taken.gap or not taken.events or watch.ended.is_set():
                        break  # something was lost, or a check is due
                    for message in map(orjson.loads, taken.events):
                        told = max(told, message["revision"])
                        yield message
        finally:
            over.cancel()


async def _revision(app: AppContext, actor: Actor, workflow_id: str, known: int) -> int:
    """The draft's revision; the known one while the database is away."""
    query = (
        scoped(Draft, actor)
        .join(Workflow, col(Workflow.id) == col(Draft.workflow_id))
        .where(col(Draft.workflow_id) == workflow_id, col(Draft.branch) == MAIN)
        .where(col(Workflow.deleted_at).is_(None))
    )
    try:
        async with app.database.read() as uow:
            found = await uow.session.scalar(query.with_only_columns(col(Draft.revision)))
    except StorageDown:
        return known
    if found is None:
        raise NotFound("There is no such workflow.")
    return int(found)
