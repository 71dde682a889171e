"""Events of a tab do not wait for what others read; those of one handler follow one another."""

import asyncio
from contextlib import asynccontextmanager

import reflex as rx
from reflex.event import Event
from reflex_base.registry import RegistrationContext

from app.kernel.errors import InvalidInput
from app.state.socket.lanes import Lanes, reading
from app.state.socket.tabs import TabStates


class Slow:
    """What handlers of the test read: each call waits until the test lets it go on."""

    def __init__(self):
        self.begun, self.gates, self.ended = [], {}, []

    async def read(self, name, *, stubborn=False):
        self.begun.append(name)
        gate = self.gates.setdefault(name, asyncio.Event())
        try:
            await gate.wait()
        except asyncio.CancelledError:
            if stubborn:
                await gate.wait()  # as a query does that cannot be stopped
            raise
        finally:
            self.ended.append(name)


class Screen:
    """The sockets: what was sent to the tab."""

    def __init__(self):
        self.shown, self.said = {}, []

    async def emit_update(self, update, token):
        for changes in (update.delta or {}).values():
            self.shown |= {
                name.removesuffix("_rx_state_"): value for name, value in changes.items()
            }
        self.said += [event.name for event in update.events]


def page(slow):
    """A state whose handlers read slowly."""

    class PageState(rx.State):
        rows: str = ""
        typed: str = ""
        busy: bool = False

        @rx.event
        @reading
        async def load(self, what: str = "rows"):
            await slow.read(what, stubborn=True)
            self.rows = what

        @rx.event
        async def look_for(self, text: str):
            self.typed = text
            return self.__class__.load

        @rx.event
        async def type(self, text: str):
            self.typed += text
            await slow.read(text)

        @rx.event
        async def fail(self):
            self.busy = True
            yield rx.toast("begun")
            self.busy = False
            raise InvalidInput("No.")

        @rx.event(background=True)
        async def watch(self):
            yield self.__class__.load
            yield self.__class__.load
            yield self.__class__.load

    for handler in PageState.event_handlers.values():
        if handler.fn.__module__ == __name__:
            handler.fn.__module__ = "app.state.page"
    return PageState


@asynccontextmanager
async def at_work():
    """Lanes with an open tab; gives what a test needs."""
    slow, screen, states = Slow(), Screen(), TabStates()
    with RegistrationContext.ensure_context().fork():
        state = page(slow)
        token = states.enter("", "ses_1")
        lanes = Lanes(backend_exception_handler=lambda error: rx.toast(str(error)))
        async with lanes.configure(state_manager=states, event_namespace=screen):

            async def fire(name, **payload):
                event = Event(name=f"{state.get_full_name()}.{name}", payload=payload)
                return await lanes.enqueue(token, event)

            yield fire, slow, screen, lanes, token


async def until(is_true):
    async with asyncio.timeout(2):
        while not is_true():
            await asyncio.sleep(0)


async def test_a_slow_page_holds_up_nothing_else():
    async with at_work() as (fire, slow, screen, *_):
        await fire("type", text="x")
        await until(lambda: slow.begun == ["x"])
        done = await fire("load", what="other")
        slow.gates["other"] = asyncio.Event()
        slow.gates["other"].set()
        await done
        assert screen.shown["rows"] == "other"
        assert slow.ended == ["other"]


async def test_events_of_one_handler_follow_one_another():
    async with at_work() as (fire, slow, screen, *_):
        for letter in "abc":
            await fire("type", text=letter)
        for count, letter in enumerate("abc", 1):
            await until(lambda count=count: len(slow.begun) == count)
            slow.gates[letter].set()
        await until(lambda: screen.shown.get("typed") == "abc")
        assert slow.ended == ["a", "b", "c"]


async def test_one_that_is_cancelled_lets_the_next_begin_however_long_it_takes_to_end():
    async with at_work() as (fire, slow, screen, *_):
        first = await fire("load", what="first")
        await until(lambda: slow.begun == ["first"])
        first.cancel()
        second = await fire("load", what="second")
        await until(lambda: slow.begun == ["first", "second"])
        slow.gates["second"].set()
        await second
        assert screen.shown["rows"] == "second"
        assert slow.ended == ["second"]  # the first is still at its query
        slow.gates["first"].set()


async def test_a_newer_wish_of_the_person_ends_a_reading_that_is_under_way():
    async with at_work() as (fire, slow, screen, *_):
        await fire("load", what="old")
        await until(lambda: slow.begun == ["old"])
        await fire("look_for", text="new")
        await until(lambda: slow.begun == ["old", "rows"])
        for gate in slow.gates.values():
            gate.set()
        await until(lambda: screen.shown.get("rows") == "rows")
        assert screen.shown["typed"] == "new"


async def test_of_the_readings_a_watcher_causes_one_at_most_waits():
    async with at_work() as (fire, slow, _, lanes, token):
        await fire("watch")
        await until(lambda: slow.begun == ["rows"] and lanes.under_way(token) == 2)
        slow.gates["rows"].set()
        await until(lambda: not lanes.under_way(token))
        assert slow.begun == ["rows", "rows"]  # the second sees what changed during the first


async def test_what_changed_is_sent_also_when_a_handler_fails():
    async with at_work() as (fire, _, screen, *_):
        await fire("fail")
        await until(lambda: len(screen.said) == 2)
        assert screen.shown["busy"] is False


async def test_a_tab_that_ends_takes_its_events_with_it():
    async with at_work() as (fire, slow, _, lanes, token):
        for letter in "ab":
            await fire("type", text=letter)
        await until(lambda: slow.begun == ["a"])
        lanes.end(token)
        await until(lambda: slow.ended == ["a"])
        await asyncio.sleep(0.05)
        assert slow.begun == ["a"]
        assert not lanes.under_way(token)
        assert not lanes._lanes
