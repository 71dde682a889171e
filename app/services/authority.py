"""Recheck permissions for everything long-lived: streams, sockets, waits, downloads.

A request is authorized when it arrives. Whatever outlives that check is rechecked every two seconds, with one query
for the whole process, so that a sign-out or a lost membership ends it wherever it runs.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select
from sqlmodel import col

from app.adapters.sql.database import Database
from app.kernel.clock import now
from app.kernel.errors import StorageDown, Unauthenticated
from app.models import Member, Session, User
from app.services.access import Actor

PERIOD_S = 2.0
PATIENCE_S = 10.0
"""How long the database may be away before what cannot be confirmed ends."""
_AT_ONCE = 500
_SHORT_S = 1.0
"""What is over sooner needs no watching."""

_log = logging.getLogger(__name__)

Got = TypeVar("Got")
Standing = tuple[str, str, str, str]
"""Session, person, workspace, role."""


@dataclass(eq=False)
class Watch:
    """The authority under which something long-lived goes on. Once it is gone, `ended` is set and `reason` says why."""

    actor: Actor
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""

    def end(self, reason: str) -> None:
        """Say that nothing may continue under it."""
        self.reason = reason
        self.ended.set()


class Authority:
    """Rechecks all watches of a process while there are any."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: set[Watch] = set()
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Stop checking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def watched(self, actor: Actor) -> AsyncIterator[Watch]:
        """Yield the watch for something long-lived; check its `ended` meanwhile."""
        watch = Watch(actor)
        self._watches.add(watch)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def kept(self, actor: Actor, work: Coroutine[Any, Any, Got]) -> Got:
        """Wait for what somebody asked for, for as long as they may have it.

        Raises:
            Unauthenticated: They no longer may. The awaited work is canceled.
        """
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=_SHORT_S)  # most are over by then
            if not done:
                async with self.watched(actor) as watch:
                    await _first(task, watch.ended)
                if not task.done():
                    raise Unauthenticated(watch.reason)
            return await task
        finally:
            task.cancel()

    async def _look_on(self) -> None:
        confirmed_at = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(PERIOD_S)
            watches = [watch for watch in self._watches if not watch.ended.is_set()]
            if not watches:
                return
            asked_at = asyncio.get_running_loop().time()
            try:
                await _judge(self._database, watches)
                confirmed_at = asked_at
            except StorageDown:
                if asked_at - confirmed_at > PATIENCE_S:
                    _log.warning("authority cannot be confirmed", extra={"watches": len(watches)})
                    for watch in watches:
                        watch.end("The server cannot tell whether you are still signed in.")
                    return


async def _first(task: "asyncio.Task[Got]", event: asyncio.Event) -> None:
    """Wait until a task is done or an event is set."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _judge(database: Database, watches: Collection[Watch]) -> None:
    """End the watches whose person no longer has a session, or this role in the workspace."""
    standing = await _standing(database, {watch.actor.session_id for watch in watches})
    sessions = {session for session, *_ in standing}
    for watch in watches:
        actor = watch.actor
        if actor.session_id not in sessions:
            watch.end("Your session has ended. Sign in again.")
        elif (actor.session_id, actor.user_id, actor.workspace_id, actor.role) not in standing:
            watch.end("What you may do in this workspace has changed.")


async def _standing(database: Database, sessions: Iterable[str]) -> set[Standing]:
    """The roles of these sessions' people, by workspace; sessions that are over are left out."""
    ids = sorted(sessions)
    found: set[Standing] = set()
    async with database.read() as uow:
        for start in range(0, len(ids), _AT_ONCE):
            rows = await uow.session.execute(
                select(col(Session.id), col(User.id), col(Member.workspace_id), col(Member.role))
                .join(User, col(User.id) == col(Session.user_id))
                .outerjoin(Member, col(Member.user_id) == col(User.id))
                .where(
                    col(Session.id).in_(ids[start : start + _AT_ONCE]),
                    col(Session.revoked_at).is_(None),
                    col(Session.expires_at) > now(),
                    col(User.disabled_at).is_(None),
                )
            )
            found |= {(row[0], row[1], row[2] or "", row[3] or "") for row in rows}
    return found
