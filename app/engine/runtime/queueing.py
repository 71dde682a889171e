"""Slots in the pools that steps share: waiting for one is logged, and does not count against the step's limit."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Final

from app.engine.host import Pool
from app.engine.runtime.execution import Step
from app.engine.runtime.spans import OpenSpan, current_span

_TELL_S: Final = 0.25
"""A shorter wait is not logged."""

_NAMES: Final[dict[Pool, str]] = {
    "sandbox": "the Python sandbox",
    "blocking": "a process for long work",
    "http": "a connection to the outside",
    "model": "a connection to the model's provider",
    "local_model": "the model of this machine",
}


class Clock:
    """The time limit of one try. It stands still while the try waits for a slot; the run's does not.

    Args:
        own_s: The try's own limit, in seconds.
        left_s: What the run has left.
        around: The clock of the try that calls this one as a tool, of the same step.
    """

    def __init__(self, step: Step, own_s: float, left_s: float, around: "Clock | None") -> None:
        now = _now()
        self.step = step
        self._ends = now + own_s
        self._run_ends = now + left_s
        self._around = around
        self._waiting = 0
        self._since = now
        self._timer: asyncio.Timeout | None = None

    @property
    def is_of_the_run(self) -> bool:
        """Whether the run's time limit comes first."""
        return bool(self._waiting) or self._run_ends < self._ends

    def begin(self) -> asyncio.Timeout:
        """The timer that bounds the try."""
        self._timer = asyncio.timeout_at(self._when())
        return self._timer

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop this clock and those around it while the block runs."""
        clocks = [self]
        while (around := clocks[-1]._around) is not None:
            clocks.append(around)
        for clock in clocks:
            clock._stop()
        try:
            yield
        finally:
            for clock in clocks:
                clock._go_on()

    def _stop(self) -> None:
        self._waiting += 1
        if self._waiting == 1:
            self._since = _now()
            self._set()

    def _go_on(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._ends += _now() - self._since
            self._set()

    def _when(self) -> float:
        return self._run_ends if self._waiting else min(self._ends, self._run_ends)

    def _set(self) -> None:
        timer = self._timer
        if timer is not None and timer.when() is not None and not timer.expired():
            timer.reschedule(self._when())

    def end(self) -> None:
        """End the try: the timer is no longer moved."""
        self._timer = None


def _now() -> float:
    return asyncio.get_running_loop().time()


_clock: ContextVar[Clock | None] = ContextVar("clock", default=None)


@contextmanager
def clock_for(step: Step, own_s: float, left_s: float) -> Iterator[Clock]:
    """The clock of a try; the clock of a tool called inside it stops this one too."""
    around = _clock.get()
    if around is not None and around.step is not step:
        around = None  # a step in a body: the container's time continues
    clock = Clock(step, own_s, left_s, around)
    token = _clock.set(clock)
    try:
        yield clock
    finally:
        clock.end()
        _clock.reset(token)


@asynccontextmanager
async def place(step: Step, pool: Pool, span: OpenSpan) -> AsyncIterator[None]:
    """Hold a slot in a pool that all workspaces share; waiting for it is logged in the step."""
    began = time.monotonic()
    line = _Line(step, pool)
    held = step.execution.host.place(pool, line.waits)
    clock = _clock.get()
    try:
        if clock is None:
            await held.__aenter__()
        else:
            with clock.stopped():
                await held.__aenter__()
    finally:
        line.close()
    if line.had_to_wait:
        span.note(queued_ms=round((time.monotonic() - began) * 1000))
    try:
        yield
    finally:
        await held.__aexit__(None, None, None)


class _Line:
    """Logs in the step that it waits, unless the wait is over in a moment."""

    def __init__(self, step: Step, pool: Pool) -> None:
        self.had_to_wait = False
        self._step = step
        self._pool = pool
        self._timer: asyncio.TimerHandle | None = None
        self._span = current_span()

    def waits(self, before: int) -> None:
        """Report that there is no free slot now.

        Args:
            before: How many of this workspace come first.
        """
        self.had_to_wait = True
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_TELL_S, self._tell, before)

    def _tell(self, before: int) -> None:
        message = f"Waits for {_NAMES[self._pool]}: all places are taken, {before} of this workspace come first."
        line = {"message": message, "fields": {"pool": self._pool, "before": before}}
        recorder = self._step.execution.recorder
        recorder.note_event("step.log", line, self._step.record, self._span)

    def close(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()
