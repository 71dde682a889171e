"""Turns what happens in a run into facts and events, numbered as they are handed over."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.engine.events import (
    TERMINAL_RUN,
    TERMINAL_STEP,
    WAITING_STEP,
    Event,
    EventType,
    RunStatus,
)
from app.engine.host import Fact, Host, RunPatch, RunRequest, SpanRecord, StepRecord, WaitRecord
from app.engine.payloads import run_payload, span_payload, step_payload
from app.engine.recovery import unknown_effect
from app.engine.runtime.budget import Budget

PACE = 1_000
"""States of steps that may wait to be written before a loop waits for them."""
_OPEN = frozenset({"pending", "running", *WAITING_STEP})


class Recorder:
    """Records one run. It holds the latest record of every step.

    Attributes:
        broken: Fails when facts that nobody awaited could not be committed: the run must not continue.
        ending: Paths of steps that may finish although everything around them was ended: they are changing the outside
            world.

    A number is assigned and its event handed to the journal without a pause in between, so the journal sees them in
    order.
    """

    def __init__(self, host: Host, request: RunRequest, budget: Budget) -> None:
        self.steps: dict[str, StepRecord] = {**request.waiting, **request.done}
        self._host = host
        self._request = request
        self._budget = budget
        self._next_seq = request.next_seq
        self._unpaced = 0
        self._warnings = request.warning_count
        self.ending: set[str] = set()
        self._started_at = request.started_at or host.now()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def event(
        self,
        type_: EventType,
        payload: Mapping[str, Any],
        step: StepRecord | None = None,
        span_id: str | None = None,
    ) -> Event:
        """Make the next event; hand it to the journal before the next one is made."""
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        return Event(
            seq=seq,
            at=self._host.now(),
            workspace_id=self._request.workspace_id,
            run_id=self._request.run_id,
            type=type_,
            node_id=step.node_id if step else None,
            path=step.path if step else None,
            span_id=span_id,
            payload=dict(payload),
        )

    def text(self, delta: str, step: StepRecord, span_id: str | None) -> None:
        """Stream a piece of text; it is not stored."""
        self._host.journal.stream(
            Event(
                seq=0,
                at=self._host.now(),
                workspace_id=self._request.workspace_id,
                run_id=self._request.run_id,
                type="llm.token",
                node_id=step.node_id,
                path=step.path,
                span_id=span_id,
                payload={"text": delta},
            )
        )

    def note_event(
        self,
        type_: EventType,
        payload: Mapping[str, Any],
        step: StepRecord,
        span_id: str | None = None,
    ) -> None:
        """Write an event soon."""
        self._host.journal.note(self.event(type_, payload, step, span_id))

    def note_step(self, step: StepRecord, type_: EventType, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Write a state of a step soon, with its event."""
        self._host.journal.note(*self._step_facts(step, type_, more))

    async def record_step(
        self,
        step: StepRecord,
        type_: EventType,
        *facts: Fact,
        **more: Any,  # noqa: ANN401 - JSON
    ) -> None:
        """Write a state of a step, facts about it and its event; return when they are committed."""
        *states, event = self._step_facts(step, type_, more)
        await self._host.journal.record(*states, *facts, event)

    def post_step(self, step: StepRecord, type_: EventType) -> None:
        """Write a state of a step at once, with its event. The next step starts meanwhile: facts are committed in
        order, so nothing that depends on this one is durable before it.
        """
        self._post(*self._step_facts(step, type_, {}))

    def post_wait(self, wait: WaitRecord) -> None:
        """Write at once what an iteration waits for; others may be active beside it."""
        self._post(wait)

    def _post(self, *facts: Fact) -> None:
        self._host.journal.post(*facts).add_done_callback(self._posted)

    def _posted(self, done: "asyncio.Future[None]") -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and not self.broken.done():
            self.broken.set_exception(error)
            self.broken.exception()  # it is seen, also when the run ends for another reason

    def note_span(self, span: SpanRecord, step: StepRecord) -> None:
        """Write a span soon, with its event."""
        type_: EventType = "span.started" if span.status == "running" else "span.ended"
        self._host.journal.note(
            span, self.event(type_, {"span": span_payload(span)}, step, span.id)
        )

    def post_spending(self, step: StepRecord, *facts: Fact) -> None:
        """Write a model call with what step and run have used at once: spending does not stay in memory."""
        self.steps[step.path] = step
        patch = RunPatch(
            tokens=self._budget.tokens,
            cost_microusd=self._budget.cost_microusd,
            unpriced=self._budget.unpriced,
        )
        progress = self.event("run.progress", {"run": self._run("running")})
        self._post(step, *facts, patch, progress)

    def cancel_open(self, prefix: str = "") -> list[Fact]:
        """Return the facts that end every open step below a prefix as canceled."""
        facts: list[Fact] = []
        for step in [
            s for s in self.steps.values() if s.status in _OPEN and s.path.startswith(prefix)
        ]:
            facts += self._step_facts(self._canceled(step), "step.canceled", {})
        return facts

    def note_canceled(self, prefix: str) -> None:
        """End every open step below a prefix as canceled, soon."""
        if facts := self.cancel_open(prefix):
            self._host.journal.note(*facts)

    def note_pending(self, prefix: str) -> None:
        """Record every step below a prefix that was cut off as pending, soon: it may continue later."""
        for step in [
            s for s in self.steps.values() if s.status == "running" and s.path.startswith(prefix)
        ]:
            self.note_step(step.but(status="pending"), "step.waiting")

    def note_step_canceled(self, path: str) -> None:
        """End a step and those inside of it as canceled, soon."""
        step = self.steps.get(path)
        if step is not None and step.status in _OPEN:
            self.note_step(self._canceled(step), "step.canceled")
        self.note_canceled(f"{path}[")

    def _canceled(self, step: StepRecord) -> StepRecord:
        """The end of an open step. If nobody knows whether it took effect, it says so."""
        unknown = step.status == "interrupted" or (
            step.status == "running" and step.path in self.ending
        )
        error = unknown_effect(step.label) if unknown else step.error
        return step.but(status="canceled", error=error, finished_at=self._host.now())

    def note_response(self, step: StepRecord, value: Any) -> None:  # noqa: ANN401 - JSON
        """Record the response of a run that continues."""
        event = self.event("run.responded", {"output": value}, step)
        self._host.journal.note(RunPatch(output=value), event)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop steps from memory that are over and will not be needed again."""
        for path in paths:
            step = self.steps.get(path)
            if step is not None and step.status in TERMINAL_STEP:
                del self.steps[path]

    async def keep_pace(self) -> None:
        """Wait for the journal when it has much to write: what it has not written is in memory."""
        if self._unpaced >= PACE:
            await self.flush()

    async def flush(self) -> None:
        """Return when everything noted is committed."""
        self._unpaced = 0
        await self._host.journal.record()

    def note_run_started(self) -> None:
        """Record that the run has started, for the first time or again."""
        first = self._next_seq == 1
        patch = RunPatch(status="running", started_at=self._started_at if first else None)
        type_: EventType = "run.started" if first else "run.progress"
        self._host.journal.note(patch, self.event(type_, {"run": self._run("running")}))

    async def record_run(
        self, status: RunStatus, type_: EventType, *facts: Fact, output: Any = None,  # noqa: ANN401 - JSON
        error: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Write the run's status now that nothing in it is active, after other last facts."""
        finished_at = self._host.now() if status in TERMINAL_RUN else None
        patch = RunPatch(
            status=status,
            output=output,
            error=error,
            tokens=self._budget.tokens,
            cost_microusd=self._budget.cost_microusd,
            unpriced=self._budget.unpriced,
            finished_at=finished_at,
        )
        event = self.event(type_, {"run": self._run(status, error, finished_at)})
        await self._host.journal.record(*facts, patch, event)

    def _step_facts(
        self, step: StepRecord, type_: EventType, more: Mapping[str, Any]
    ) -> tuple[Fact, ...]:
        self.steps[step.path] = step
        self._unpaced += 1
        event = self.event(type_, {"step": step_payload(step), **more}, step)
        if step.warnings and step.status in TERMINAL_STEP and step.output is not None:
            self._warnings += len(step.warnings)
            return step, RunPatch(warning_count=self._warnings), event
        return step, event

    def _run(
        self,
        status: RunStatus,
        error: dict[str, Any] | None = None,
        finished_at: datetime | None = None,
    ) -> dict[str, Any]:
        budget = self._budget
        return run_payload(
            status, budget.tokens, budget.cost, error, self._started_at, finished_at, self._warnings
        )
