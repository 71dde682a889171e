"""How events of a tab are processed: none waits for what another one reads.

The framework runs one handler of a tab at a time and keeps the tab's state locked meanwhile, so a page that is slow to
load holds up the next page. Here a handler holds no lock: all events of a tab work on its state in one event loop, and
what a handler changed is sent when it yields and when it ends. Only events of the same handler are serialized, and a
canceled one lets the next begin at once, however long it takes to end.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from reflex.event import Event, EventHandler
from reflex.istate.manager.token import BaseStateToken
from reflex.state import BaseState
from reflex_base.event.context import EventContext
from reflex_base.event.processor import BaseStateEventProcessor, EventFuture, EventQueueEntry
from reflex_base.event.processor.base_state_processor import _prepare_event_payload, chain_updates
from reflex_base.registry import RegisteredEventHandler

OWN = "app.state."
"""Where our handlers are defined; the framework has some of its own."""

Handler = TypeVar("Handler", bound=Callable[..., Any])


def reading(handler: Handler) -> Handler:
    """Mark a handler that only reads what the page shows. A newer request of the person cancels one in progress; of
    those that a watcher causes, at most one waits.
    """
    handler.is_reading = True  # type: ignore[attr-defined]
    return handler


@dataclass(frozen=True, eq=False)
class Place:
    """An event's place in its lane."""

    future: EventFuture
    entry: EventQueueEntry
    registered: RegisteredEventHandler


class Lanes(BaseStateEventProcessor):
    """Processes the events of all tabs, with a lane per tab and handler."""

    def __init__(self, **parts: Any) -> None:  # noqa: ANN401 - the framework's parts
        super().__init__(**parts)
        self._lanes: dict[tuple[str, str], list[Place]] = {}
        self._of_tab: dict[str, set[EventFuture]] = {}

    def under_way(self, token: str) -> int:
        """The number of a tab's events that have not ended."""
        return len(self._of_tab.get(token, ()))

    def end(self, token: str) -> None:
        """Cancel every event of a tab, also those that wait."""
        for future in tuple(self._of_tab.get(token, ())):
            future.cancel()

    async def enqueue(
        self, token: str, event: Event, ev_ctx: EventContext | None = None
    ) -> EventFuture:
        """Accept an event, and remember whose it is until it has ended."""
        future = await super().enqueue(token, event, ev_ctx)
        if not future.done():
            self._of_tab.setdefault(token, set()).add(future)
            future.add_done_callback(partial(self._ended, token))
        return future

    def _ended(self, token: str, future: EventFuture) -> None:
        rest = self._of_tab[token]
        rest.discard(future)
        if not rest:
            del self._of_tab[token]

    def _enqueue_for_token(
        self, *, entry: EventQueueEntry, registered_handler: RegisteredEventHandler
    ) -> None:
        if not _is_own(registered_handler.handler):
            super()._enqueue_for_token(entry=entry, registered_handler=registered_handler)
            return
        key = entry.ctx.token, entry.event.name
        lane = self._lanes.setdefault(key, [])
        place = Place(self._futures[entry.ctx.txid], entry, registered_handler)
        if lane and getattr(registered_handler.handler.fn, "is_reading", False):
            if place.future.root_gen > lane[0].future.root_gen:
                lane[0].future.cancel()
            if len(lane) > 1:
                place.future.set_result(None)  # the waiting one will read the same
                return
        lane.append(place)
        place.future.add_done_callback(partial(self._advance, key))
        if len(lane) == 1:
            self._begin(place)

    def _begin(self, place: Place) -> None:
        self._create_event_task(entry=place.entry, registered_handler=place.registered)

    def _advance(self, key: tuple[str, str], future: EventFuture) -> None:
        lane = self._lanes[key]
        was_first = lane[0].future is future
        lane[:] = [place for place in lane if not place.future.done()]
        if not lane:
            del self._lanes[key]
        elif was_first:
            self._begin(lane[0])

    async def _execute_event(
        self, *, entry: EventQueueEntry, registered_handler: RegisteredEventHandler
    ) -> None:
        handler, ctx = registered_handler.handler, entry.ctx
        if handler.is_background or not _is_own(handler):
            await super()._execute_event(entry=entry, registered_handler=registered_handler)
            return
        owner = registered_handler.states[0]
        token = BaseStateToken(ident=ctx.token, cls=owner)
        async with ctx.state_manager.modify_state(token) as root:
            known = root.router_data
            if ctx.router_data and ctx.router_data != known:
                root.router_data = root._update_router_vars(ctx.router_data, known)
            if not known:
                await self._rehydrate(root)
            state = await root.get_state(owner)
        await _run(handler, entry.event.payload, state)


def _is_own(handler: EventHandler) -> bool:
    return str(handler.fn.__module__).startswith(OWN)


async def _run(handler: EventHandler, payload: Mapping[str, Any], state: BaseState) -> None:
    name = handler.fn.__qualname__
    try:
        said = handler.fn(state, **_prepare_event_payload(handler, payload))
        if inspect.isasyncgen(said):
            async for part in said:
                await _tell(state, part, name)
            said = None
        elif inspect.isawaitable(said):
            said = await said
    except Exception:
        await _tell(state, None, name)  # such as a button that may be pressed again
        raise
    await _tell(state, said, name)


async def _tell(state: BaseState, said: Any, name: str) -> None:  # noqa: ANN401 - whatever a handler says
    """Send what changed, then what the handler yielded. Nothing may happen between the first two lines."""
    root = state._get_root_state()
    delta = await root._get_resolved_delta()
    root._clean()  # type: ignore[no-untyped-call] # Reflex's
    if delta:
        await EventContext.get().emit_delta(delta)
    await chain_updates(said, handler_name=name)
