"""Run the nodes inside this box once for each item of a list.

Drop nodes into the box and connect them. Inside, `{{ item }}` is the current item and `{{ index }}`
its number, counted from 0. Under List say which list, for example `trigger.rows`; by default it is
the input. What the last node in the box gives becomes one entry of `results`, in the order of the
list.

Several items are worked on at once. An item that fails can be tried again from its beginning, each
time as new steps. When it still fails, stop everything, leave it out of the results, or keep its
place with an empty value; `failed` lists the index, the item and what went wrong. A run may take
10,000 steps unless its limits say otherwise; each node counts once for each item.
"""

import asyncio
from collections import deque
from typing import Any, Literal

from app.engine.sdk import (
    BudgetExceeded,
    Example,
    InvalidInput,
    Json,
    NodeConfig,
    NodeContext,
    Paused,
    Ports,
    StepError,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    items: Any = field(
        "input",
        title="List",
        widget="expression",
        mode="expression",
        placeholder="trigger.rows",
        needed=True,
    )
    concurrency: int = field(5, title="Items at once", ge=1, le=50)
    item_retries: int = field(
        0, title="Try a failed item again (times)", ge=0, le=10, advanced=True
    )
    item_retry_delay_s: float = field(
        1,
        title="Wait before that (seconds)",
        description=(
            "Other items take its place meanwhile when it is longer than six seconds; a run that only waits for such "
            "times holds no worker."
        ),
        ge=0,
        le=600,
        advanced=True,
    )
    on_item_error: Literal["stop", "skip", "collect"] = field(
        "stop",
        title="When an item fails",
        mode="literal",
        widget="choice",
        options=("Stop the run", "Leave it out of the results", "Keep its place empty"),
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="List")


class Out(Ports):
    """Sockets on the right."""

    results: list[Any] = port(..., title="Results")
    failed: list[dict[str, Any]] = port(..., title="Failed items")


class _Loop:
    """The work of one step: several workers take items from one list."""

    def __init__(self, config: Config, items: list[Json], ctx: NodeContext) -> None:
        self.config = config
        self.items = items
        self.ctx = ctx
        self.results: dict[int, Json] = {}
        self.failed: dict[int, dict[str, Any]] = {}
        self._left = iter(range(len(items)))
        self._again: deque[tuple[int, int, int]] = deque()
        self._waiting: set[asyncio.Task[None]] = set()
        self._held = False
        self._workers: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Queue[asyncio.Task[None]] = asyncio.Queue()

    async def run(self) -> None:
        """Work on all items; a person asked about one of them does not hold up the others."""
        for _ in self.items[: self.config.concurrency]:
            self._hire()
        try:
            while self._workers:
                worker = await self._ended.get()
                self._workers.discard(worker)
                worker.result()
            if self._waiting or self._held:
                raise Paused("some items wait")
        finally:
            left = self._workers | self._waiting
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)

    def _hire(self) -> None:
        worker = asyncio.create_task(self._work())
        worker.add_done_callback(self._ended.put_nowait)
        self._workers.add(worker)

    async def _work(self) -> None:
        while (found := self._next()) is not None:
            index = found[0]
            try:
                self.results[index] = await self._try(*found)
            except Paused:
                continue
            except BudgetExceeded:
                raise
            except (StepError, InvalidInput) as error:
                if self.config.on_item_error == "stop":
                    raise
                self.failed[index] = {
                    "index": index,
                    "item": self.items[index],
                    "error": {"code": error.code, "message": error.message},
                }

    def _next(self) -> tuple[int, int, int] | None:
        """The next item, its try, and how many failed: one that waited and may go on, else one that has not begun."""
        if self._again:
            return self._again.popleft()
        index = next(self._left, None)
        return None if index is None else (index, 1, 0)

    async def _try(self, index: int, attempt: int, failed: int) -> Json:
        """Work on one item, and again while it may. Tries from before a person said to go through the items again
        do not count; each time that was said there are at most as many more.
        """
        most = self.config.item_retries + 1
        names = {"item": self.items[index], "index": index}
        while True:
            try:
                return await self.ctx.run_body(index, names, attempt=attempt)
            except Paused:
                self._waiting.add(asyncio.create_task(self._await_delivery(index, attempt, failed)))
                raise
            except BudgetExceeded:
                raise
            except (StepError, InvalidInput) as error:
                failed += not error.context.get("recalled")
                if failed == most or attempt == most * self.ctx.attempt:
                    raise
                attempt += 1
                if failed:
                    await self._before_next_try(index, attempt, error)

    async def _before_next_try(
        self, index: int, attempt: int, error: StepError | InvalidInput
    ) -> None:
        """Let the time before another try pass. If the run is to pause, that try is made when it goes on."""
        delay = self.config.item_retry_delay_s
        again = f"is tried again in {delay:g} seconds" if delay else "is tried again"
        self.ctx.log(f"Item {index + 1} failed and {again}: {error.message}")
        try:
            await self.ctx.defer(index, delay, attempt=attempt)
        except Paused:
            self._held = True
            raise

    async def _await_delivery(self, index: int, attempt: int, failed: int) -> None:
        """Let an item that waits go on when what it waits for, be it a time, comes while others are at work."""
        await self.ctx.woken(index, attempt=attempt)
        if (task := asyncio.current_task()) is not None:
            self._waiting.discard(task)
        self._again.append((index, attempt, failed))
        if sum(not worker.done() for worker in self._workers) < self.config.concurrency:
            self._hire()


@node(
    kind="logic.for_each",
    title="For each",
    icon="repeat",
    container=True,
    iterations_apart=True,
    effects="none",
    examples=[
        Example(
            "each item in its place",
            Config(),
            In(input=[1, 2, 3]),
            Out(results=[10, 20, 30], failed=[]),
            world={"body": "item * 10"},
        ),
        Example(
            "an empty list",
            Config(),
            In(input=[]),
            Out(results=[], failed=[]),
            world={"body": "item"},
        ),
        Example(
            "a failed item is left out",
            Config(on_item_error="skip"),
            In(input=[1, "x", 3]),
            {"results": [10, 30]},
            world={"body": "item * 10"},
        ),
        Example(
            "a failed item keeps its place",
            Config(on_item_error="collect"),
            In(input=[1, "x", 3]),
            {"results": [10, None, 30]},
            world={"body": "item * 10"},
        ),
        Example(
            "a failed item stops the run",
            Config(),
            In(input=[1, "x"]),
            raises=InvalidInput,
            world={"body": "item * 10"},
        ),
        Example(
            "an item that fails is tried again",
            Config(item_retries=1, item_retry_delay_s=0),
            In(input=[1, 2]),
            Out(results=[2, 4], failed=[]),
            world={"body": "item * attempt if attempt == 2 else item + trigger.missing.value"},
        ),
        Example(
            "not a list",
            Config(items="input.rows"),
            In(input={"rows": 3}),
            raises=InvalidInput,
            world={"body": "item"},
        ),
    ],
)
async def for_each(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Run the body for each item and gather what it gives."""
    if not isinstance(config.items, list):
        what = "nothing" if config.items is None else f"a {type(config.items).__name__}"
        raise InvalidInput(f"There must be a list to go through, but it is {what}.", field="items")
    if not ctx.body_size:
        raise InvalidInput(
            "The box is empty: put the nodes into it that each item goes through.", field="items"
        )
    loop = _Loop(config, config.items, ctx)
    await loop.run()
    if loop.failed:
        ctx.warn("items_failed", f"{len(loop.failed)} of {len(config.items)} items failed")
    kept = [
        i
        for i in range(len(config.items))
        if i in loop.results or config.on_item_error == "collect"
    ]
    return Out(
        results=[loop.results.get(i) for i in kept],
        failed=[loop.failed[i] for i in sorted(loop.failed)],
    )
