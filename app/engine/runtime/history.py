"""What earlier lives of a run recorded inside of loops, brought in when a turn comes to it."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from app.engine.graph.paths import turn_prefix
from app.engine.host import RunRequest
from app.engine.runtime.plan import Plan
from app.engine.runtime.recorder import Recorder

BLOCK = 100
"""Turns that are looked up at once."""


@dataclass
class _Turns:
    """What is known of the turns of one container."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    blocks: set[int] = field(default_factory=set)
    over: bool = False


class Past:
    """Finds steps of finished and half-finished turns; a loop may have more than fit into memory."""

    def __init__(self, request: RunRequest, recorder: Recorder) -> None:
        self._recall = request.recall
        self._may = request.may_recall
        self._recorder = recorder
        self._turns: dict[str, _Turns] = defaultdict(_Turns)
        self._again: set[str] = set()

    def reopen(self, prefix: str) -> None:
        """Look up anew what lies in containers whose turns have paths that begin so: what this life had
        finished there may have left memory.
        """
        self._again.add(prefix)
        for path in [path for path in self._turns if f"{path}[".startswith(prefix)]:
            del self._turns[path]

    async def bring(self, body: Plan, path: str, index: int, attempt: int) -> None:
        """Bring in what was recorded in a turn of the container at a path."""
        if self._recall is None or not self._may_hold(path):
            return
        turns = self._turns[path]
        if attempt > 1:
            await self._fetch([turn_prefix(path, index, attempt)], body)
            return
        async with turns.lock:
            block = index // BLOCK
            if turns.over or block in turns.blocks:
                return
            turns.blocks.add(block)
            first = block * BLOCK
            prefixes = [turn_prefix(path, i) for i in range(first, first + BLOCK)]
            # turns begin in their order, so behind an empty block there is nothing
            turns.over = not await self._fetch(prefixes, body)

    def _may_hold(self, path: str) -> bool:
        """Whether there may be records of turns of a container that are not in memory."""
        if self._may is None or path in self._may:
            return True
        whole = f"{path}["
        ends = (at + 1 for at, char in enumerate(whole) if char in "[/") if self._again else ()
        return any(whole[:end] in self._again for end in ends)

    async def _fetch(self, prefixes: list[str], body: Plan) -> bool:
        assert self._recall is not None
        if self._again:
            await self._recorder.flush()
        found = await self._recall([prefix + n for prefix in prefixes for n in body.nodes])
        for record in found:
            self._recorder.steps.setdefault(record.path, record)
        return bool(found)
