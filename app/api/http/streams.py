"""Long-lived responses: a run's events as they come, and downloads. They end when the right to them does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.api.http.limits import place
from app.api.http.problems import of_error
from app.engine.events import Event
from app.kernel.errors import RateLimited, Unauthenticated
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.runs.reading import follow

EVENTS = "text/event-stream"
_FAREWELL_S = 1.0

_log = logging.getLogger(__name__)


class Lasting(StreamingResponse):
    """A streamed response for one person. It takes one of their slots, and is cut off once they may no longer have it,
    even while they do not read.

    Args:
        media_type: Event streams end as if nothing more had come: a client that reconnects is told why. Everything
            else is aborted, so that nobody takes a part for the whole.
    """

    def __init__(
        self,
        who: Actor,
        content: AsyncIterator[bytes],
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self.who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the response, or why there is none."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            with place(self.who, scope):
                answer = super().__call__(scope, receive, noted)
                await current_app().authority.kept(self.who, answer)
        except RateLimited as error:
            await of_error(error)(scope, receive, send)
        except Unauthenticated as error:
            _log.info("an answer was cut off: %s", error.message, extra={"path": scope["path"]})
            if not started:
                await of_error(error)(scope, receive, send)
            elif self.media_type == EVENTS:
                with suppress(TimeoutError):  # the client may not be reading
                    async with asyncio.timeout(_FAREWELL_S):
                        await send({"type": "http.response.body", "body": b""})
            else:
                raise asyncio.CancelledError from error  # the server closes the connection


async def event_stream(who: Actor, run_id: str, after_seq: int) -> AsyncIterator[bytes]:
    """Write events as they come, a comment when nothing does, and end after the run's last one.

    Ephemeral events (tokens) have no id: a client that reconnects gets the text so far at once.
    """
    async with aclosing(follow(current_app(), who, run_id, after_seq)) as batches:
        async for batch in batches:
            yield b"".join(_frame(event) for event in batch) or b": still here\n\n"


def _frame(event: Event) -> bytes:
    number = f"id: {event.seq}\n" if event.seq else ""
    return f"{number}event: {event.type}\ndata: ".encode() + event.to_json() + b"\n\n"
