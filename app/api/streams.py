"""A run's events as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import orjson

from app.engine.events import Event
from app.kernel.errors import AppError
from app.services.access import Actor
from app.services.identity.queries import session_is_alive
from app.services.runs.follow import follow
from app.services.runtime import runtime

HEARTBEAT_S = 15.0
_ENDS = frozenset({"run.completed", "run.failed", "run.canceled"})


async def event_stream(who: Actor, run_id: str, after_seq: int) -> AsyncIterator[bytes]:
    """Write events as they come, a comment when nothing does, and end after the run's last one.

    Fleeting events (tokens) have no id: who connects again reads the finished text in the output.
    """
    batches = follow(runtime(), who, run_id, after_seq)
    coming: asyncio.Task[Sequence[Event] | None] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(batches))
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT_S)
            if not done:
                if not await _may_go_on(who):
                    return
                yield b": still here\n\n"
                continue
            batch, coming = coming.result(), None
            if batch is None:
                return
            yield b"".join(_frame(event) for event in batch)
            if any(event.type in _ENDS for event in batch):
                return
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
        await batches.aclose()


async def _next(batches: AsyncIterator[Sequence[Event]]) -> Sequence[Event] | None:
    return await anext(batches, None)


async def _may_go_on(who: Actor) -> bool:
    """A stream outlives neither its session nor the database."""
    try:
        async with runtime().database.read() as uow:
            return await session_is_alive(uow, who)
    except AppError:
        return False


def _frame(event: Event) -> bytes:
    number = f"id: {event.seq}\n" if event.seq else ""
    data = orjson.dumps(event.model_dump(mode="json")).decode()
    return f"{number}event: {event.type}\ndata: {data}\n\n".encode()
