"""Runs plans: a node starts as soon as all edges into it are decided, and waits for nothing else.

Each edge ends up alive or dead. A node runs when at least one of its edges is alive; otherwise it
is skipped and its own edges are dead, so joins after a branch neither hang nor run twice. Counters
of undecided edges make each decision once. A finished step of an earlier life of the run is decided
by its record, without being executed.
"""

import asyncio
import importlib
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from app.engine.events import TERMINAL_STEP, WAITING_STEP
from app.engine.graph.document import Edge
from app.engine.host import StepRecord
from app.engine.runtime.execution import Execution, Level, Step
from app.engine.runtime.interrupts import BodyFailed
from app.engine.runtime.outcome import is_handled, output_of
from app.engine.runtime.plan import Plan, PlanNode
from app.engine.runtime.steps import perform
from app.engine.runtime.waiting import still_waits
from app.engine.sdk import Json
from app.kernel.errors import Paused

CACHED_FLOWS = 256
NOT_OVER = frozenset({*WAITING_STEP, "pending"})


async def warm_up() -> None:
    """Import LangGraph before the first run, in a thread: half a second in which others go on."""
    if "langgraph.func" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "langgraph.func")


@lru_cache(maxsize=CACHED_FLOWS)
def flow_of(plan: Plan) -> Any:  # noqa: ANN401 - langgraph's Pregel, imported on first use
    """Return the LangGraph entrypoint of a plan: it drives an Execution until nothing moves."""
    from langgraph.func import entrypoint  # noqa: PLC0415 - see warm_up

    async def run(execution: Execution) -> None:
        await _Walk(Level(execution, plan)).go()

    run.__name__ = f"plan_{plan.key[:12]}"
    return entrypoint()(run)


async def run_turn(
    around: Level, container: PlanNode, index: int, names: Mapping[str, Json]
) -> Json:
    """Run a container's body once and return what it gives back.

    Raises:
        BodyFailed: A step of the body failed; its siblings were ended.
        Paused: A step of the body waits; all others that could go on have ended.
    """
    assert container.body is not None
    level = replace(
        around,
        plan=container.body,
        prefix=f"{around.path_of(container)}[{index}]/",
        names={**around.names, **names},
        outputs=dict(around.outputs),
    )
    walk = _Walk(level)
    await walk.go()
    recorder = level.execution.recorder
    if walk.failed:
        recorder.note_canceled(level.prefix)
        raise BodyFailed(walk.failed)
    if walk.waits:
        raise Paused(f"a step in {level.prefix} waits")
    return output_of(level.plan, recorder.steps, level.prefix)


class _Walk:
    """One walk over a level: what is decided, what runs, and whether something failed or waits."""

    def __init__(self, level: Level) -> None:
        self.failed: StepRecord | None = None
        self.waits = False
        self._level = level
        self._undecided = {node.id: len(node.into) for node in level.plan.nodes.values()}
        self._alive: dict[str, set[str]] = defaultdict(set)
        self._live: dict[asyncio.Task[StepRecord], PlanNode] = {}
        self._ended: asyncio.Queue[asyncio.Task[StepRecord]] = asyncio.Queue()

    async def go(self) -> None:
        """Drive until nothing moves."""
        try:
            for node_id in self._level.plan.sources:
                node = self._level.plan.nodes[node_id]
                self._settle(node, self._begin(node))
            while self._live:
                task = await self._ended.get()
                node = self._live.pop(task)
                self._settle(node, None if task.cancelled() else task.result())
        finally:
            for task in self._live:
                task.cancel()
            await asyncio.gather(*self._live, return_exceptions=True)

    def _settle(self, node: PlanNode, record: StepRecord | None) -> None:
        """Decide the edges out of a node, and with them nodes further on; None: it is not over."""
        settled = [(node, record)]
        while settled:
            node, record = settled.pop()
            if record is None or record.status == "canceled":
                continue
            if record.status in NOT_OVER:
                self.waits = True
            elif record.status == "failed" and not is_handled(record):
                self._fail(record)
            else:
                settled.extend(
                    (target, self._begin(target)) for target in self._decided_by(node, record)
                )

    def _decided_by(self, node: PlanNode, record: StepRecord) -> list[PlanNode]:
        """Mark the edges out of a node; return the nodes that have no undecided edge left."""
        if record.output is not None:
            self._level.outputs[node.id] = record.output
        decided = []
        for edge in node.out:
            if record.alive is None or edge.source_port in record.alive:
                self._alive[edge.target].add(edge.id)
            self._undecided[edge.target] -= 1
            if self._undecided[edge.target] == 0:
                decided.append(self._level.plan.nodes[edge.target])
        return decided

    def _begin(self, node: PlanNode) -> StepRecord | None:
        """Start a decided node; return its record at once when there is nothing to execute."""
        known = self._known(node)
        if known or self.failed:
            return known
        alive = tuple(edge for edge in node.into if edge.id in self._alive[node.id])
        if node.into and not alive:
            return self._skip(node)
        if self._level.execution.holds():
            self.waits = True
            return None
        self._start(node, alive)
        return None

    def _known(self, node: PlanNode) -> StepRecord | None:
        """The record of a step not to be executed: it is over, or its answer is not there yet."""
        record = self._level.execution.recorder.steps.get(self._level.path_of(node))
        if record is None or record.status in TERMINAL_STEP:
            return record
        return record if still_waits(self._level.execution, node, record) else None

    def _skip(self, node: PlanNode) -> StepRecord:
        step = Step(self._level, node)
        now = step.record.started_at
        skipped = replace(step.record, status="skipped", alive=(), started_at=None, finished_at=now)
        self._level.execution.recorder.note_step(skipped, "step.skipped")
        return skipped

    def _start(self, node: PlanNode, alive: tuple[Edge, ...]) -> None:
        task = asyncio.create_task(
            perform(self._level, node, alive, run_turn), name=self._level.path_of(node)
        )
        self._live[task] = node
        task.add_done_callback(self._ended.put_nowait)

    def _fail(self, record: StepRecord) -> None:
        """Let nothing new begin. Steps that change the outside may end, the others are stopped."""
        self.failed = self.failed or record
        for task, node in self._live.items():
            if node.type.effects != "external":
                task.cancel()
