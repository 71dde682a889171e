"""A run's events as server-sent events."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from app.engine.events import Event
from app.services.access import Actor
from app.services.identity.queries import session_is_alive
from app.services.runs.follow import follow
from app.services.runtime import runtime


async def event_stream(who: Actor, run_id: str, after_seq: int) -> AsyncIterator[bytes]:
    """Write events as they come, a comment when nothing does, and end after the run's last one.

    Fleeting events (tokens) have no id: who connects again gets the text so far at once. A stream
    does not outlive its session.
    """
    async with aclosing(follow(runtime(), who, run_id, after_seq)) as batches:
        async for batch in batches:
            if batch:
                yield b"".join(_frame(event) for event in batch)
                continue
            async with runtime().database.read() as uow:
                if not await session_is_alive(uow, who):
                    return
            yield b": still here\n\n"


def _frame(event: Event) -> bytes:
    number = f"id: {event.seq}\n" if event.seq else ""
    return f"{number}event: {event.type}\ndata: ".encode() + event.to_json() + b"\n\n"
