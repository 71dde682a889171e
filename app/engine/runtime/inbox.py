"""What has come for the steps of a run: with its life, and in the middle of it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from app.engine.events import TERMINAL_STEP, WAITING_STEP
from app.engine.host import Arrival, Control, Host, RunRequest, StepRecord, TakenRecord, WaitRecord
from app.engine.payloads import moment
from app.engine.sdk import Answer, Json
from app.kernel.errors import StorageDown

logger = logging.getLogger(__name__)


class Inbox:
    """Answers, times, signals and ends of other runs, by step path.

    A level of the run with steps that wait listens, and is called when something has come for one of
    them. What came in the middle of a life is `taken` when the step, or what it lies in, begins anew; only
    then the durable memory is told. So what comes as a life ends is found by whoever looks next.

    Attributes:
        answers: Of people, to what nodes asked.
        recoveries: Of people, about steps that failed or were cut off.
        arrived: Everything else that steps waited for.
        rested: Steps whose pause before the next try is over.
        put_off: Turns that may not begin before a time, by prefix.
    """

    def __init__(
        self, request: RunRequest, host: Host, control: Control, steps: Mapping[str, StepRecord]
    ) -> None:
        self.answers: dict[str, Answer] = dict(request.answers)
        self.recoveries: dict[str, Answer] = dict(request.recoveries)
        self.arrived: dict[str, Json] = dict(request.arrived)
        self.rested = set(request.rested)
        self.put_off: dict[str, WaitRecord] = dict(request.put_off)
        self._host = host
        self._control = control
        self._steps = steps
        self._fresh: dict[str, list[TakenRecord]] = {}
        self._had: set[str] = set()
        self._listeners: dict[str, Callable[[], object]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ear: asyncio.Task[None] | None = None

    def listen(self, prefix: str, call: Callable[[], object]) -> None:
        """Call whenever something has come for a step whose path begins so."""
        self._listeners[prefix] = call
        if self._ear is None:
            self._control.listens.set()
            self._ear = asyncio.create_task(self._hear(), name="inbox")

    def leave(self, prefix: str) -> None:
        """Call no more."""
        self._listeners.pop(prefix, None)

    def take_step(self, path: str) -> bool:
        """Say whether something came for a step, or one inside of it, which is about to begin anew."""
        return self._take(p for p in self._fresh if p == path or p.startswith(f"{path}["))

    def take_turn(self, prefix: str) -> bool:
        """Say whether something came for a step of a turn that is about to go on."""
        return self._take(p for p in self._fresh if p.startswith(prefix))

    def rests(self, prefix: str) -> bool:
        """Say whether a turn was put off and may not begin yet; it is noticed when it may."""
        wait = self.put_off.get(prefix)
        if wait is None:
            self._take([prefix] if prefix in self._fresh else ())  # it came before anybody asked
        elif prefix not in self._timers:
            self.remind(wait)
        return wait is not None

    def drop_turns(self, path: str) -> None:
        """Forget the turns that were put off in a container that is over."""
        for prefix in [prefix for prefix in self.put_off if prefix.startswith(f"{path}[")]:
            wait = self.put_off.pop(prefix)
            self._host.journal.note(TakenRecord(wait.id, "wait"))
            if timer := self._timers.pop(prefix, None):
                timer.cancel()

    def remind(self, wait: WaitRecord) -> None:
        """Notice by ourselves when the time that a step waits for has come."""
        assert wait.until is not None
        left = (wait.until - self._host.now()).total_seconds()
        self._timers[wait.place] = asyncio.get_running_loop().call_later(
            max(left, 0.0), self._time_came, wait, wait.until
        )

    async def close(self) -> None:
        """Listen no more."""
        for timer in self._timers.values():
            timer.cancel()
        if self._ear is not None:
            self._control.listens.clear()
            self._ear.cancel()
            await asyncio.gather(self._ear, return_exceptions=True)

    async def _hear(self) -> None:
        while True:
            await self._control.news.wait()
            self._control.news.clear()
            try:
                came = await self._host.news()
            except StorageDown:
                continue  # whoever told us tells us again
            except Exception:  # the edge: what came is found when this life ends
                logger.exception("what came for a run could not be read")
                continue
            for one in came:
                self._put(one)

    def _put(self, one: Arrival) -> None:
        if one.id in self._had:
            return
        if one.kind == "retry":
            if self.put_off.pop(one.path, None) is None:
                self.rested.add(one.path)
        elif one.kind == "wait":
            self.arrived[one.path] = one.value
        else:
            decided = self.answers if one.kind == "answer" else self.recoveries
            decided[one.path] = one.value
        asked = one.kind in ("answer", "recovery")
        self._ring(one.path, TakenRecord(one.id, "approval" if asked else "wait"))

    def _time_came(self, wait: WaitRecord, until: datetime) -> None:
        self._timers.pop(wait.place, None)
        if until > self._host.now():
            self.remind(wait)  # the clock was put back
        else:
            self._put(Arrival(wait.id, wait.arrival, wait.place, {"at": moment(until)}))

    def _ring(self, path: str, taken: TakenRecord) -> None:
        self._had.add(taken.id)
        if not self._is_wanted(path):
            return  # it was canceled meanwhile
        self._fresh.setdefault(path, []).append(taken)
        for prefix in ("", *(path[: at + 1] for at, char in enumerate(path) if char == "/")):
            if call := self._listeners.get(prefix):
                call()

    def _is_wanted(self, path: str) -> bool:
        if path.endswith("/"):  # a turn: others may be at work beside it
            step = self._steps.get(path[: path.rindex("[")])
            return step is not None and step.status not in TERMINAL_STEP
        return path in self._steps and self._steps[path].status in WAITING_STEP

    def _take(self, paths: Iterable[str]) -> bool:
        found = list(paths)
        for path in found:
            self._host.journal.note(*self._fresh.pop(path))
        return bool(found)
