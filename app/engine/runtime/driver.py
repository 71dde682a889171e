"""Runs plans: a node starts as soon as all edges into it are decided, and waits for nothing else.

Each edge ends up alive or dead. A node runs when at least one of its edges is alive; otherwise it is skipped and its
own edges are dead, so joins after a branch neither hang nor run twice. Counters of undecided edges ensure that each
decision is made once. A finished step of an earlier execution of the run is decided by its record, without being
executed. Each iteration of a container or loop region is traversed separately; what a finished iteration recorded
leaves memory with it.
"""

import asyncio
import importlib
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from app.engine.events import TERMINAL_STEP, WAITING_STEP
from app.engine.graph.document import Edge
from app.engine.graph.paths import iteration_prefix
from app.engine.host import StepRecord
from app.engine.runtime.execution import Execution, Level, Step
from app.engine.runtime.interrupts import failure_in_body
from app.engine.runtime.loops import Entry, IterationEnd, Loop
from app.engine.runtime.outcome import is_handled, output_of, response_of, value_of
from app.engine.runtime.plan import Plan, PlanNode
from app.engine.runtime.steps import perform
from app.engine.runtime.waiting import still_waits
from app.engine.sdk import Json
from app.kernel.errors import Paused, Stopped

CACHED_FLOWS = 256
NOT_OVER = frozenset({*WAITING_STEP, "pending"})
_NOTHING = Entry()


async def warm_up() -> None:
    """Import LangGraph before the first run, in a thread: it takes half a second, and other work continues."""
    if "langgraph.func" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "langgraph.func")


async def drive(execution: Execution) -> None:
    """Drive a run until nothing moves."""
    await _Walk(Level(execution, execution.plan)).go()


@lru_cache(maxsize=CACHED_FLOWS)
def flow_of(plan: Plan) -> Any:  # noqa: ANN401 - langgraph's Pregel, imported on first use
    """Return the LangGraph entrypoint of a plan: it drives an Execution until nothing moves."""
    from langgraph.func import entrypoint  # noqa: PLC0415 - see warm_up

    async def run(execution: Execution) -> None:
        await drive(execution)

    run.__name__ = f"plan_{plan.key[:12]}"
    return entrypoint()(run)


async def run_iteration(
    around: Level, container: PlanNode, index: int, names: Mapping[str, Json], attempt: int = 1
) -> Json:
    """Run a container's body once and return its value.

    Args:
        attempt: The number of the try of this iteration, from 1.

    Raises:
        BodyFailed: A step of the body failed; its siblings were ended.
        BudgetExceeded: The same, because a limit of the run was reached.
        Paused: A step of the body waits, and all others that could continue have ended; or the iteration was deferred.
        Stopped: A step of the body ended the run.
    """
    assert container.body is not None
    gives = container.type.body_names
    level = replace(
        around,
        plan=container.body,
        prefix=iteration_prefix(around.path_of(container), index, attempt),
        names={**around.names, **names},
        arriving=(names[gives[0]],) if gives and gives[0] in names else (),
        outputs=dict(around.outputs),
        ended=dict(around.ended),
        whole=False,
    )
    if level.execution.deliveries.is_deferred(level.prefix):
        raise Paused(f"{level.prefix} begins later")
    await level.execution.history.load(container.body, around.path_of(container), index, attempt)
    await _iterate(level, _NOTHING)
    result = output_of(level.plan, level.execution.recorder.steps, level.prefix)
    await _leave(level)
    return result


async def _iterate_region(
    loop: Loop,
    around: Level,
    region: PlanNode,
    index: int,
    names: Mapping[str, Json],
    attempt: int = 1,
) -> Json:
    """Run a loop region once; say whether another iteration follows and the loop's values so far."""
    assert region.body is not None
    level = replace(
        around,
        plan=region.body,
        prefix=iteration_prefix(around.path_of(region), index, attempt),
        names={**around.names, **names},
        outputs=loop.outputs,
        ended=loop.ended,
    )
    await level.execution.history.load(region.body, around.path_of(region), index, attempt)
    walk = await _iterate(level, loop.entry)
    closed = loop.close(walk.end())
    await _leave(level)
    return closed


async def _iterate(level: Level, entry: Entry) -> "_Walk":
    """Traverse one iteration until it is over.

    Raises:
        BodyFailed, BudgetExceeded, Paused, Stopped: As in `run_iteration`.
    """
    await asyncio.sleep(0)  # another iteration's end is seen before the next begins
    if known := _failed_before(level):
        await _leave(level)
        raise failure_in_body(known, recalled=True)
    walk = _Walk(level, entry)
    await walk.go()
    if walk.stopped:
        raise Stopped
    if walk.failed:
        level.execution.recorder.note_canceled(level.prefix)
        failure = failure_in_body(walk.failed)
        await _leave(level)
        raise failure
    if walk.waits:
        raise Paused(f"a step in {level.prefix} waits")
    return walk


def _failed_before(level: Level) -> StepRecord | None:
    """The failed step of an iteration that had ended before: nothing in it is executed any more."""
    for node_id in level.plan.nodes:
        record = level.execution.recorder.steps.get(level.prefix + node_id)
        if record is not None and record.status == "failed" and not is_handled(record):
            return record
    return None


async def _leave(level: Level) -> None:
    """Forget a finished iteration, and let the journal catch up: loops may have many iterations."""
    recorder = level.execution.recorder
    recorder.forget(level.prefix + node_id for node_id in level.plan.nodes)
    await recorder.keep_pace()


class _Walk:
    """One traversal of a level: what is decided, what runs, and whether something failed or waits."""

    def __init__(self, level: Level, entry: Entry = _NOTHING) -> None:
        self.failed: StepRecord | None = None
        self.stopped = False
        self._level = level
        self._entry = entry
        self._live_in = _by_place(level.plan, entry.live)
        self._data_in = _by_place(level.plan, entry.data)
        self._undecided = dict(level.plan.counts)
        self._alive: dict[str, list[Edge]] = defaultdict(list)
        self._outward: list[Edge] = []
        self._begun: set[str] = set()
        self._waiting: set[str] = set()
        self._held = False
        self._cut_off: set[str] = set()
        self._inline: deque[tuple[PlanNode, tuple[Edge, ...]]] = deque()
        self._unbegun = False
        self._live: dict[asyncio.Task[StepRecord], PlanNode] = {}
        self._ended: asyncio.Queue[asyncio.Task[StepRecord] | None] = asyncio.Queue()

    @property
    def waits(self) -> bool:
        """Whether a step waits for a delivery, or did not start because the run is to pause."""
        return self._held or bool(self._waiting)

    async def go(self) -> None:
        """Drive until nothing moves."""
        try:
            for node in self._first():
                self._decide_edges(node, self._begin(node))
            while True:
                if self._inline:
                    await self._do_inline(*self._inline.popleft())
                elif self._live:
                    await self._next()
                elif not self._go_on():
                    break
        except asyncio.CancelledError:
            await self._let_end()
            raise
        finally:
            self._level.execution.deliveries.unlisten(self._level.prefix)
            for task in self._live:
                task.cancel()
            await asyncio.gather(*self._live, return_exceptions=True)

    async def _let_end(self) -> None:
        """After a cancel, let steps that are changing the outside world finish first; otherwise nobody would know what
        became of the change. The step's time limit says how long that may take.
        """
        if not self._level.execution.aborted:
            self._halt(self._live.values())
            await self._level.execution.await_all(self._live)

    async def _next(self) -> None:
        """Wait for the end of a step, or for a delivery to a waiting one."""
        task = await self._ended.get()
        if task is None:
            self._go_on()
            return
        node = self._live.pop(task)
        self._decide_edges(node, self._result(node, task))

    def _await_delivery(self, node: PlanNode) -> None:
        """Leave a step waiting until something is delivered for it, or inside it."""
        level, look = self._level, partial(self._ended.put_nowait, None)
        level.execution.deliveries.listen(level.prefix, look)
        self._waiting.add(node.id)
        look()  # it may be there already

    def _go_on(self) -> bool:
        """Restart the waiting steps for which something was delivered; say whether there are any."""
        if self.failed or self.stopped or not self._waiting:
            return False
        level = self._level
        waiting = [level.plan.nodes[node_id] for node_id in sorted(self._waiting)]
        woken = [node for node in waiting if level.execution.wakes(level.path_of(node))]
        for node in woken:
            self._waiting.discard(node.id)
            self._decide_edges(node, self._begin(node))
        return bool(woken)

    async def _do_inline(self, node: PlanNode, edges: tuple[Edge, ...]) -> None:
        """Execute a quick step in the walk's own task, unless it is no longer wanted; steps started earlier begin
        earlier.
        """
        if self._unbegun:
            self._unbegun = False
            await asyncio.sleep(0)
        if self.failed or self.stopped or node.id in self._cut_off:
            return
        await self._level.execution.yield_to_loop()
        record = await perform(self._level, node, edges, run_iteration)
        self._decide_edges(node, self._note_response(node, record))

    def end(self) -> IterationEnd:
        """How this iteration of a region ended."""
        plan, level = self._level.plan, self._level
        on, ends, responses = {edge.source for edge in self._outward}, {}, []
        for edges in self._alive.values():
            on |= {edge.source for edge in edges}
        for node in plan.nodes.values():
            step = level.execution.recorder.steps.get(level.path_of(node))
            if step is None or step.output is None:
                continue
            if response := response_of(node, step):
                responses.append(response)
            sources = node.region.members if node.region else {node.id}
            if not on & sources:
                ends[node.id] = value_of(node, step.output)
        return IterationEnd(
            left=tuple(e for e in self._outward if e.id not in plan.back),
            back=tuple(e for e in self._outward if e.id in plan.back),
            ends=ends,
            response=max(responses, key=lambda one: one[0], default=None),
        )

    def _first(self) -> list[PlanNode]:
        """Nodes to start with: those that wait for nothing, and joins that are already decided."""
        plan = self._level.plan
        first = [plan.nodes[node_id] for node_id in plan.sources]
        for node in plan.nodes.values():
            if node.join == "decided" or node.id in plan.sources:
                continue
            record = self._known(node)
            over = record is not None and record.status not in ("skipped", "canceled")
            if node.feeds and over:
                self._cut_off |= node.feeds
            if (node.feeds and over) or (node.join != "all" and node.id in self._live_in):
                self._begun.add(node.id)
                first.append(node)
        return first

    def _decide_edges(self, node: PlanNode, record: StepRecord | None) -> None:
        """Decide the edges out of a node, and the nodes this decides; without a record it is not over."""
        settled = [(node, record)]
        while settled:
            node, record = settled.pop()
            if record is None or record.status == "canceled":
                continue
            if self._ends_run(node, record):
                self._stop()
            elif record.status in NOT_OVER:
                self._await_delivery(node)
            elif record.status == "failed" and not is_handled(record):
                self._fail(record)
            else:
                settled.extend(
                    (target, self._begin(target)) for target in self._decided_by(node, record)
                )

    def _decided_by(self, node: PlanNode, record: StepRecord) -> list[PlanNode]:
        """Mark the edges out of a node; return the nodes that are decided now."""
        self._keep(node, record)
        plan, decided = self._level.plan, []
        for edge in node.out:
            name = edge.source_port if node.region is None else f"{edge.source}.{edge.source_port}"
            lives = record.alive is None or name in record.alive
            place = None if edge.id in plan.back else plan.places.get(edge.target)
            if place is None:
                if lives:
                    self._outward.append(edge)
                continue
            self._undecided[place] -= 1
            if lives:
                self._alive[place].append(edge)
            target = plan.nodes[place]
            if place not in self._begun and self._is_due(target, lives=lives):
                self._begun.add(place)
                decided.append(target)
        return decided

    def _keep(self, node: PlanNode, record: StepRecord) -> None:
        """Make a node's output visible to expressions and edges; a region makes those of its nodes visible."""
        if record.output is None:
            return
        level = self._level
        given = {node.id: record.output} if node.region is None else record.output["nodes"]
        for node_id, output in given.items():
            level.outputs[node_id] = output
            if record.finished_at is not None:
                level.ended[node_id] = record.finished_at

    def _is_due(self, node: PlanNode, *, lives: bool) -> bool:
        if lives and node.join in ("any", "first"):
            return True
        return self._undecided[node.id] == 0

    def _begin(self, node: PlanNode) -> StepRecord | None:
        """Start a decided node; return its record at once when there is nothing to execute."""
        known = self._known(node)
        if known or self.failed or self.stopped or node.id in self._cut_off:
            return known
        live = (*self._alive[node.id], *self._live_in.get(node.id, ()))
        if not self._suffices(node, live):
            return self._skip(node)
        if self._level.execution.holds():
            self._held = True
            return None
        if node.feeds:
            self._cut(node.feeds)
        self._start(node, live)
        return None

    def _suffices(self, node: PlanNode, live: tuple[Edge, ...]) -> bool:
        """Whether enough edges are alive to run."""
        if node.join == "all":
            all_alive = len(self._alive[node.id]) == self._level.plan.counts[node.id]
            return all_alive and all(edge.target != node.id for edge in self._entry.dead)
        return bool(live) or not (node.into or node.region)

    def _known(self, node: PlanNode) -> StepRecord | None:
        """The record of a step that is not to be executed: it is over, or still waits."""
        record = self._level.execution.recorder.steps.get(self._level.path_of(node))
        if record is None or record.status in TERMINAL_STEP:
            return record
        return record if still_waits(self._level.execution, node, record) else None

    def _skip(self, node: PlanNode) -> StepRecord:
        step = Step(self._level, node)
        now = self._level.execution.host.now()
        skipped = step.record.but(status="skipped", alive=(), started_at=None, finished_at=now)
        self._level.execution.recorder.note_step(skipped, "step.skipped")
        return skipped

    def _start(self, node: PlanNode, live: tuple[Edge, ...]) -> None:
        data = tuple(self._data_in.get(node.id, ()))
        run = run_iteration
        if node.region is not None:
            level, entry = self._level, Entry(live, data, self._dead_at(node, live))
            run = partial(
                _iterate_region, Loop(node, entry, dict(level.outputs), dict(level.ended))
            )
        edge_ids = {edge.id for edge in (*live, *data)}
        edges = tuple(edge for edge in node.into if edge.id in edge_ids)
        if node.inline:
            self._inline.append((node, edges))
            return
        task = asyncio.create_task(
            perform(self._level, node, edges, run), name=self._level.path_of(node)
        )
        self._live[task] = node
        self._unbegun = True
        task.add_done_callback(self._ended.put_nowait)

    def _dead_at(self, region: PlanNode, live: tuple[Edge, ...]) -> tuple[Edge, ...]:
        """The edges into a region that count on this level and are dead."""
        plan = self._level.plan
        counting = [e for e in region.into if e.source in plan.places and e.id not in plan.back]
        expected = [e for e in self._entry.dead if plan.places.get(e.target) == region.id]
        return tuple(edge for edge in (*counting, *expected) if edge not in live)

    def _result(self, node: PlanNode, task: asyncio.Task[StepRecord]) -> StepRecord | None:
        """How an executed step ended; None: it was canceled."""
        recorder = self._level.execution.recorder
        if task.cancelled():
            if node.id in self._cut_off:
                recorder.note_step_canceled(self._level.path_of(node))
            return None
        if isinstance(task.exception(), Stopped):
            self._stop()
            return None
        return self._note_response(node, task.result())

    def _note_response(self, node: PlanNode, record: StepRecord) -> StepRecord:
        """Record the output of a step that responds as the run's response."""
        if self._level.whole and node.type.responds and (response := response_of(node, record)):
            self._level.execution.recorder.note_response(record, response[1])
        return record

    def _ends_run(self, node: PlanNode, record: StepRecord) -> bool:
        stops = node.id in self._level.execution.plan.stops
        return stops and record.status in ("succeeded", "failed")

    def _fail(self, record: StepRecord) -> None:
        """Start nothing new after an unhandled failure."""
        self.failed = self.failed or record
        self._halt(self._live.values())

    def _stop(self) -> None:
        """Start nothing new: the run has ended."""
        self.stopped = True
        self._halt(self._live.values())

    def _cut(self, feeds: frozenset[str]) -> None:
        """Cancel the branches that lead only to a join that has started without them."""
        self._cut_off |= feeds
        self._halt([node for node in self._live.values() if node.id in feeds])
        for node_id in feeds & self._waiting:
            self._waiting.discard(node_id)
            path = self._level.path_of(self._level.plan.nodes[node_id])
            self._level.execution.recorder.note_step_canceled(path)

    def _halt(self, nodes: Iterable[PlanNode]) -> None:
        """Cancel these steps. Those that are changing the outside world may finish, without further tries."""
        chosen = {node.id for node in nodes}
        for task, node in self._live.items():
            if node.id not in chosen:
                continue
            if self._changes_outside(node):
                self._level.execution.recorder.ending.add(self._level.path_of(node))
            else:
                task.cancel()

    def _changes_outside(self, node: PlanNode) -> bool:
        """Whether a step has begun something whose outcome nobody would know if it was cut off."""
        path, execution = self._level.path_of(node), self._level.execution
        record = execution.recorder.steps.get(path)
        if record is None or record.status != "running" or "config" not in record.input:
            return False
        if path in execution.between:
            return False
        if node.tools:
            return any(not tool.node.type.changes_nothing(tool.node.config) for tool in node.tools)
        return not node.type.changes_nothing(record.input["config"])


def _by_place(plan: Plan, edges: tuple[Edge, ...]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[plan.places[edge.target]].append(edge)
    return found
