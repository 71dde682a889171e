"""Following a run: what is stored first, then what happens, in order and without gaps."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from app.adapters.redis.bus import Viewer
from app.engine.events import EPHEMERAL, TERMINAL_RUN, Event
from app.services.access import Actor
from app.services.app_context import AppContext, task_key
from app.services.runs.reading.queries import get_run, list_events, see_run
from app.services.runs.reading.views import RunView

IDLE_S = 10.0
WITHOUT_BUS_S = 0.5
_PAGE = 1_000
_ENDS = frozenset({"run.completed", "run.failed", "run.canceled"})
_TELLING = frozenset({*_ENDS, "run.waiting", "run.paused", "run.responded"})
_QUICK_S = 2.0
"""So long is waited for the end of a run of this process, without looking for its response."""
_SETTLED = frozenset({*TERMINAL_RUN, "waiting", "paused"})
_TEXT_BEGINS = frozenset(
    {"step.started", "step.retrying", "step.completed", "step.failed", "step.canceled"}
)


async def follow(
    app: AppContext, actor: Actor, run_id: str, after_seq: int = 0
) -> AsyncGenerator[list[Event], None]:
    """Yield batches of a run's events after a sequence number until the run has ended.

    Each stored event comes once, in order. Tokens (`llm.token`, seq 0) come as they are generated; after a late start
    or a gap, the text of each unfinished step comes whole, with `"replace": true`. An empty batch is a heartbeat.

    Raises:
        NotFound: There is no such run in the actor's workspace.
    """
    async with app.database.read() as uow:
        await see_run(uow, actor, run_id)
    last, behind = after_seq, True
    async with app.bus.subscribe(run_id) as viewer:
        while True:
            fresh: list[Event] = []
            if behind:
                fresh, ended = await _catch_up(app, actor, run_id, viewer, last)
                last = max([last, *(event.seq for event in fresh)])
                yield fresh
                if ended:
                    return
            taken = await viewer.take(IDLE_S if app.bus.connected else WITHOUT_BUS_S)
            fresh, last, whole = _next(taken.events, last)
            if fresh:
                yield fresh
                if fresh[-1].type in _ENDS:
                    return
            # nothing came: either nothing happened, or it was not published; the database knows
            behind = taken.gap or not whole or not taken.events


async def wait_for_run(app: AppContext, actor: Actor, run_id: str, seconds: float) -> RunView:
    """Return the run when it has ended, has responded, or waits for somebody; or as it is after this many seconds."""
    ours = app.at_work(task_key(actor.workspace_id, run_id))
    until = asyncio.get_running_loop().time() + seconds
    if ours is not None:  # executed in this very process: its end needs no polling
        done, _ = await asyncio.wait({ours}, timeout=min(seconds, _QUICK_S))
        if done:
            async with app.database.read() as uow:
                run = await get_run(uow, actor, run_id)
            if _is_told(run):
                return run  # otherwise something has arrived for it, and it continues
    try:
        async with asyncio.timeout_at(until), aclosing(follow(app, actor, run_id)) as batches:
            async for batch in batches:
                if any(event.type in _TELLING for event in batch):
                    async with app.database.read() as uow:
                        run = await get_run(uow, actor, run_id)
                    if _is_told(run):
                        return run
    except TimeoutError:
        pass
    async with app.database.read() as uow:
        return await get_run(uow, actor, run_id)


def _is_told(run: RunView) -> bool:
    """Whether a caller who waits for a run has waited long enough."""
    return run.status in _SETTLED or run.responded


async def _catch_up(
    app: AppContext, actor: Actor, run_id: str, viewer: Viewer, last: int
) -> tuple[list[Event], bool]:
    """Read what is stored after `last`, and the text so far of active steps; say whether the run is over."""
    history = await app.bus.history(run_id, viewer)
    found: list[Event] = []
    async with app.database.read() as uow:
        status = (await see_run(uow, actor, run_id)).status
        while True:
            page = await list_events(uow, actor, run_id, after=last, limit=_PAGE)
            found.extend(page)
            if len(page) < _PAGE:
                break
            last = page[-1].seq
    ended = status in TERMINAL_RUN
    return [*found, *([] if ended else texts_so_far(history))], ended


def texts_so_far(history: Iterable[Event]) -> list[Event]:
    """Join the tokens of each unfinished step into one event that replaces what a viewer has."""
    texts: dict[str, Event] = {}
    for event in history:
        path = event.path or ""
        if event.type in _TEXT_BEGINS:
            texts.pop(path, None)
        elif event.type == "llm.token":
            before = str(texts[path].payload["text"]) if path in texts else ""
            text = before + str(event.payload.get("text", ""))
            texts[path] = event.with_payload(text=text, replace=True)
    return list(texts.values())


def _next(events: Iterable[Event], last: int) -> tuple[list[Event], int, bool]:
    """The events that follow `last`; False when one before them is missing."""
    fresh: list[Event] = []
    for event in events:
        if event.type in EPHEMERAL:
            fresh.append(event)
        elif event.seq == last + 1:
            fresh.append(event)
            last = event.seq
        elif event.seq > last:
            return fresh, last, False
    return fresh, last, True
