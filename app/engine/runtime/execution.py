"""The state of an execution: the run, a level of it, and a step in it."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.engine.host import Control, Host, RunRequest, StepRecord
from app.engine.payloads import plain
from app.engine.runtime.budget import Budget
from app.engine.runtime.deliveries import Deliveries
from app.engine.runtime.history import History
from app.engine.runtime.interrupts import PauseRequested
from app.engine.runtime.plan import Plan, PlanNode
from app.engine.runtime.recorder import Recorder
from app.engine.sdk import Json
from app.kernel.ids import derived_id

STEPS_AT_ONCE = 16
"""Quick steps executed in a row before other tasks may run: about two milliseconds."""


class Execution:
    """One execution of a run: from its start, or from where an earlier one stopped.

    Attributes:
        held: Something did not start because the run is to pause.
        aborted: The run is cut off as a whole: none of it may finish by itself.
        between: Paths of steps that pause before their next try: nothing of them is under way.
        deliveries: What steps waited for and was delivered.
    """

    def __init__(
        self, plan: Plan, request: RunRequest, host: Host, control: Control | None = None
    ) -> None:
        self.plan = plan
        self.request = request
        self.host = host
        self.control = control or Control()
        self.held = False
        self.aborted = False
        self.between: set[str] = set()
        self._awaited: set[asyncio.Task[Any]] = set()
        self._since_yield = 0
        self.budget = Budget(request)
        self.recorder = Recorder(host, request, self.budget)
        self.deliveries = Deliveries(request, host, self.control, self.recorder.steps)
        self.history = History(request, self.recorder)

    async def yield_to_loop(self) -> None:
        """Yield the event loop to other tasks now and then while quick steps follow each other."""
        self._since_yield += 1
        if self._since_yield >= STEPS_AT_ONCE:
            self._since_yield = 0
            await asyncio.sleep(0)

    async def await_all(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Return when canceled tasks have ended, even if this one is canceled meanwhile."""
        cancelled: asyncio.CancelledError | None = None
        self._awaited.update(tasks)
        while left := [task for task in tasks if not task.done()]:
            try:
                await asyncio.wait(left)
            except asyncio.CancelledError as error:
                cancelled = error
                for task in left if self.aborted else ():
                    task.cancel()
        self._awaited.difference_update(tasks)
        if cancelled is not None:
            raise cancelled

    @contextmanager
    def between_tries(self, path: str) -> Iterator[None]:
        """Mark a step that pauses before its next try: it may be cut off, since nothing of it is under way."""
        self.between.add(path)
        try:
            yield
        finally:
            self.between.discard(path)

    def abort(self) -> None:
        """Cut off the run as a whole, including what was allowed to finish."""
        self.aborted = True
        for task in self._awaited:
            task.cancel()

    def wakes(self, path: str) -> bool:
        """Whether a waiting step is to restart, since something was delivered for it or inside it."""
        if not self.deliveries.consume_step(path):
            return False
        self.history.reopen(f"{path}[")
        return True

    async def woken(self, prefix: str) -> None:
        """Return once something was delivered for a waiting iteration, which then continues."""
        delivered = asyncio.Event()
        self.deliveries.listen(prefix, delivered.set)
        try:
            while not self.deliveries.consume_iteration(prefix):
                await delivered.wait()
                delivered.clear()
        finally:
            self.deliveries.unlisten(prefix)
        self.history.reopen(prefix)

    def holds(self) -> bool:
        """Whether nothing new may start because the run is to pause; ask right before starting something."""
        self.held = self.held or self.control.pausing.is_set()
        return self.held

    async def sleep(self, seconds: float) -> None:
        """Sleep, within one execution.

        Raises:
            PauseRequested: The run is to pause: what comes after does not start.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self.control.pausing.wait(), seconds)
        if self.holds():
            raise PauseRequested("the run pauses")

    @property
    def trigger(self) -> Json:
        """What started the run: the output of its trigger, or the raw input before that has run."""
        for node_id in self.plan.triggers:
            record = self.recorder.steps.get(node_id)
            if record and record.output is not None:
                return plain(record.output)
        return self.request.input


@dataclass(frozen=True)
class Level:
    """The graph of a run, or one iteration of a container's body.

    Args:
        prefix: The part before node ids in paths: empty, or `loop[3]/`.
        names: More names for expressions, such as `item` and `index`.
        arriving: What arrives at nodes of a body that have no incoming wires; empty: nothing does.
        outputs: Finished outputs by node id, those of the levels around it included.
        ended: When they were finished.
        last_output: What finished before this level began.
        whole: Whether it is the graph itself, or a part of it: what responds here answers the run.
    """

    execution: Execution
    plan: Plan
    prefix: str = ""
    names: Mapping[str, Json] = field(default_factory=dict)
    arriving: tuple[Json, ...] = ()
    outputs: dict[str, Json] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    last_output: Json = None
    whole: bool = True

    def path_of(self, node: PlanNode) -> str:
        """The path of a node's step in this level."""
        return self.prefix + node.id


class Step:
    """A node being executed with what arrived at its ports.

    Attributes:
        record: Its newest state.
        before: How an earlier execution of the run left it: it waited, or was cut off.
        is_impure: It used more than its form and input, so its output must not be cached.
    """

    def __init__(
        self, level: Level, node: PlanNode, values: Mapping[str, Json] | None = None
    ) -> None:
        self.level = level
        self.node = node
        self.execution = level.execution
        self.is_impure = False
        run_id, path = self.execution.request.run_id, level.path_of(node)
        self.before = self.execution.recorder.steps.get(path)
        self.record = StepRecord(
            id=derived_id("step", run_id, path),
            node_id=node.id,
            path=path,
            kind=node.type.kind,
            label=node.label,
            status="running",
            input=None if values is None else {"ports": values},
            started_at=self.execution.host.now(),
        )
        if self.before is not None:  # what it has used stays used, also time
            self.record = self.record.but(
                started_at=self.before.started_at or self.record.started_at,
                attempt=self.before.attempt,
                tokens=self.before.tokens,
                cost_microusd=self.before.cost_microusd,
            )

    @property
    def key(self) -> str:
        """An idempotency key, the same in every execution of the run."""
        return f"{self.execution.request.run_id}:{self.record.path}"

    def warn(self, code: str, message: str) -> None:
        """Add a warning to the step, unless it has it."""
        remark = {"code": code, "message": message}
        if remark not in self.record.warnings:
            self.record = self.record.but(warnings=(*self.record.warnings, remark))

    def spend(self, tokens: int, cost_microusd: int | None) -> None:
        """Add what a model call has used to the step and to the run."""
        known = self.record.cost_microusd is not None and cost_microusd is not None
        self.record = self.record.but(
            tokens=self.record.tokens + tokens,
            cost_microusd=(self.record.cost_microusd or 0) + (cost_microusd or 0)
            if known
            else None,
        )
        self.execution.budget.spend(tokens, cost_microusd)
