"""What earlier executions of a run recorded inside loops, loaded when an iteration needs it."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from app.engine.graph.paths import iteration_prefix
from app.engine.host import RunRequest
from app.engine.runtime.plan import Plan
from app.engine.runtime.recorder import Recorder

BLOCK = 100
"""Iterations that are looked up at once."""


@dataclass
class _Iterations:
    """What is known of the iterations of one container."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    blocks: set[int] = field(default_factory=set)
    over: bool = False


class History:
    """Finds steps of finished and half-finished iterations; a loop may have more than fit into memory."""

    def __init__(self, request: RunRequest, recorder: Recorder) -> None:
        self._recall = request.recall
        self._may = request.may_recall
        self._recorder = recorder
        self._iterations: dict[str, _Iterations] = defaultdict(_Iterations)
        self._reopened: set[str] = set()

    def reopen(self, prefix: str) -> None:
        """Look up again what is in containers whose iterations have paths with this prefix: what this execution had
        finished there may have left memory.
        """
        self._reopened.add(prefix)
        for path in [path for path in self._iterations if f"{path}[".startswith(prefix)]:
            del self._iterations[path]

    async def load(self, body: Plan, path: str, index: int, attempt: int) -> None:
        """Load what was recorded in an iteration of the container at a path."""
        if self._recall is None or not self._may_hold(path):
            return
        known = self._iterations[path]
        if attempt > 1:
            await self._fetch([iteration_prefix(path, index, attempt)], body)
            return
        async with known.lock:
            block = index // BLOCK
            if known.over or block in known.blocks:
                return
            known.blocks.add(block)
            first = block * BLOCK
            prefixes = [iteration_prefix(path, i) for i in range(first, first + BLOCK)]
            # iterations begin in their order, so behind an empty block there is nothing
            known.over = not await self._fetch(prefixes, body)

    def _may_hold(self, path: str) -> bool:
        """Whether there may be records of iterations of a container that are not in memory."""
        if self._may is None or path in self._may:
            return True
        whole = f"{path}["
        ends = (at + 1 for at, char in enumerate(whole) if char in "[/") if self._reopened else ()
        return any(whole[:end] in self._reopened for end in ends)

    async def _fetch(self, prefixes: list[str], body: Plan) -> bool:
        assert self._recall is not None
        if self._reopened:
            await self._recorder.flush()
        found = await self._recall([prefix + n for prefix in prefixes for n in body.nodes])
        for record in found:
            self._recorder.steps.setdefault(record.path, record)
        return bool(found)
