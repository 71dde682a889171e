"""What was delivered for the waiting steps of a run: before its execution began, and while it goes on."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from app.engine.events import TERMINAL_STEP, WAITING_STEP
from app.engine.host import (
    ConsumedRecord,
    Control,
    Delivery,
    Host,
    RunRequest,
    StepRecord,
    WaitRecord,
)
from app.engine.payloads import moment
from app.engine.sdk import Answer, Json
from app.kernel.errors import StorageDown

logger = logging.getLogger(__name__)


class Deliveries:
    """Answers, times, signals and ends of other runs, by step path.

    A level of the run with waiting steps listens, and is called when something was delivered for one of
    them. A delivery in the middle of an execution is consumed when the step, or what it lies in, starts
    again; only then is that recorded. What is delivered while an execution ends is found by the next one.

    Attributes:
        answers: Of people, to what nodes asked.
        recoveries: Of people, about steps that failed or were cut off.
        wait_results: Everything else that steps waited for.
        retry_due: Steps whose pause before the next try is over.
        deferred: Iterations that may not begin before a time, by prefix.
    """

    def __init__(
        self, request: RunRequest, host: Host, control: Control, steps: Mapping[str, StepRecord]
    ) -> None:
        self.answers: dict[str, Answer] = dict(request.answers)
        self.recoveries: dict[str, Answer] = dict(request.recoveries)
        self.wait_results: dict[str, Json] = dict(request.wait_results)
        self.retry_due = set(request.retry_due)
        self.deferred: dict[str, WaitRecord] = dict(request.deferred)
        self._host = host
        self._control = control
        self._steps = steps
        self._unconsumed: dict[str, list[ConsumedRecord]] = {}
        self._seen: set[str] = set()
        self._listeners: dict[str, Callable[[], object]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._listener: asyncio.Task[None] | None = None

    def listen(self, prefix: str, call: Callable[[], object]) -> None:
        """Call back whenever something was delivered for a step whose path begins with the prefix."""
        self._listeners[prefix] = call
        if self._listener is None:
            self._control.listens.set()
            self._listener = asyncio.create_task(self._listen(), name="deliveries")

    def unlisten(self, prefix: str) -> None:
        """Stop calling back."""
        self._listeners.pop(prefix, None)

    def consume_step(self, path: str) -> bool:
        """Consume what was delivered for a step that is about to start again, or inside it; say if anything was."""
        return self._consume(p for p in self._unconsumed if p == path or p.startswith(f"{path}["))

    def consume_iteration(self, prefix: str) -> bool:
        """Consume what was delivered for an iteration that is about to continue; say whether anything was."""
        return self._consume(p for p in self._unconsumed if p.startswith(prefix))

    def is_deferred(self, prefix: str) -> bool:
        """Whether an iteration is deferred and may not begin yet; a timer delivers the time when it may."""
        wait = self.deferred.get(prefix)
        if wait is None:
            self._consume(
                [prefix] if prefix in self._unconsumed else ()
            )  # it was delivered before anybody asked
        elif prefix not in self._timers:
            self.set_timer(wait)
        return wait is not None

    def drop_deferred(self, path: str) -> None:
        """Drop the deferred iterations of a container that is over."""
        for prefix in [prefix for prefix in self.deferred if prefix.startswith(f"{path}[")]:
            wait = self.deferred.pop(prefix)
            self._host.journal.note(ConsumedRecord(wait.id, "wait"))
            if timer := self._timers.pop(prefix, None):
                timer.cancel()

    def set_timer(self, wait: WaitRecord) -> None:
        """Deliver the time that a step waits for when it has come."""
        assert wait.until is not None
        left = (wait.until - self._host.now()).total_seconds()
        self._timers[wait.place] = asyncio.get_running_loop().call_later(
            max(left, 0.0), self._timer_fired, wait, wait.until
        )

    async def close(self) -> None:
        """Stop listening."""
        for timer in self._timers.values():
            timer.cancel()
        if self._listener is not None:
            self._control.listens.clear()
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            await self._control.delivered.wait()
            self._control.delivered.clear()
            try:
                delivered = await self._host.deliveries()
            except StorageDown:
                continue  # the host sets the event again
            except Exception:  # the edge: the next execution finds them
                logger.exception("deliveries of a run could not be read")
                continue
            for one in delivered:
                self._accept(one)

    def _accept(self, one: Delivery) -> None:
        if one.id in self._seen:
            return
        if one.kind == "retry":
            if self.deferred.pop(one.path, None) is None:
                self.retry_due.add(one.path)
        elif one.kind == "wait":
            self.wait_results[one.path] = one.value
        else:
            decided = self.answers if one.kind == "answer" else self.recoveries
            decided[one.path] = one.value
        asked = one.kind in ("answer", "recovery")
        self._notify(one.path, ConsumedRecord(one.id, "approval" if asked else "wait"))

    def _timer_fired(self, wait: WaitRecord, until: datetime) -> None:
        self._timers.pop(wait.place, None)
        if until > self._host.now():
            self.set_timer(wait)  # the clock was put back
        else:
            self._accept(Delivery(wait.id, wait.delivery_kind, wait.place, {"at": moment(until)}))

    def _notify(self, path: str, consumed: ConsumedRecord) -> None:
        self._seen.add(consumed.id)
        if not self._is_wanted(path):
            return  # it was canceled meanwhile
        self._unconsumed.setdefault(path, []).append(consumed)
        for prefix in ("", *(path[: at + 1] for at, char in enumerate(path) if char == "/")):
            if call := self._listeners.get(prefix):
                call()

    def _is_wanted(self, path: str) -> bool:
        if path.endswith("/"):  # an iteration: others may be active beside it
            step = self._steps.get(path[: path.rindex("[")])
            return step is not None and step.status not in TERMINAL_STEP
        return path in self._steps and self._steps[path].status in WAITING_STEP

    def _consume(self, paths: Iterable[str]) -> bool:
        found = list(paths)
        for path in found:
            self._host.journal.note(*self._unconsumed.pop(path))
        return bool(found)
