"""What a run may use: time, steps, tokens, money. Checked before each step and each model call."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.engine.host import RunRequest
from app.engine.payloads import price
from app.kernel.errors import BudgetExceeded


@dataclass(frozen=True)
class Size:
    """How much a model call may use: tokens, and money in micro-dollars. Infinite: unknown."""

    tokens: float
    cost_microusd: float


UNKNOWN = Size(math.inf, math.inf)


class Budget:
    """Counts what one run uses, over all its executions."""

    def __init__(self, request: RunRequest) -> None:
        self.limits = request.limits
        self.tokens = request.tokens
        self.cost_microusd = request.cost_microusd
        self.unpriced = request.unpriced
        self._steps = len(request.done) if request.steps_before is None else request.steps_before
        self._began = time.monotonic() - request.elapsed_s
        self._in_flight: dict[object, Size] = {}
        self._largest: Size | None = None
        self._ended = asyncio.Event()

    @property
    def remaining_s(self) -> float:
        """Seconds left until the run's time limit; zero or less: it is reached."""
        return self.limits.timeout_s - (time.monotonic() - self._began)

    @property
    def bounds_calls(self) -> bool:
        """Whether there is a limit on what model calls use."""
        return self.limits.max_tokens is not None or self.limits.max_cost_microusd is not None

    @property
    def cost(self) -> int | None:
        """Money used, in micro-dollars; None when a call was unpriced."""
        return None if self.unpriced else self.cost_microusd

    def step(self) -> None:
        """Count one more step.

        Raises:
            BudgetExceeded: It would be one too many, or another limit is reached.
        """
        if self._steps >= self.limits.max_steps:
            raise BudgetExceeded(
                f"The run reached its limit of {self.limits.max_steps:,} steps. Each node in each turn "
                "of a loop is one; raise the limit `max_steps` of the run, or the workflow's."
            )
        self.check()
        self._steps += 1

    def step_waits(self) -> None:
        """Uncount a step that waits: it counts again when it continues."""
        self._steps -= 1

    def check(self) -> None:
        """Refuse to continue when time, tokens or money are used up.

        Raises:
            BudgetExceeded: A limit of the run is reached; the message names it.
        """
        limits = self.limits
        if self.remaining_s <= 0:
            raise out_of_time(limits.timeout_s)
        if limits.max_tokens is not None and self.tokens >= limits.max_tokens:
            raise BudgetExceeded(
                f"The run used {self.tokens:,} tokens; its limit is {limits.max_tokens:,}."
            )
        if limits.max_cost_microusd is not None and self.cost_microusd >= limits.max_cost_microusd:
            raise BudgetExceeded(
                f"The run cost {price(self.cost_microusd)}; "
                f"its limit is {price(limits.max_cost_microusd)}."
            )

    @asynccontextmanager
    async def call(self, bound: Size | None) -> AsyncIterator[Size]:
        """Admit a model call and say what is left for it; of concurrent calls at most one exceeds a limit.

        A call on its own may exceed the limit, by as much as its prompt needs beyond what is left. Beside others it is
        admitted when all of them together stay below; otherwise it waits until one of them has ended.

        Args:
            bound: The most it can use. None: unknown; then the largest call so far is assumed.

        Raises:
            BudgetExceeded: A limit is reached.
        """
        self.check()
        while self._in_flight and not self._fits(bound or self._largest or UNKNOWN):
            await self._ended.wait()
            self.check()
        ticket = object()
        self._in_flight[ticket] = bound or self._largest or UNKNOWN
        try:
            yield self._left_beside(ticket)
        finally:
            del self._in_flight[ticket]
            ended, self._ended = self._ended, asyncio.Event()
            ended.set()

    def _left_beside(self, ticket: object) -> Size:
        limits = self.limits
        others = [size for one, size in self._in_flight.items() if one is not ticket]
        left = math.inf if limits.max_tokens is None else limits.max_tokens - self.tokens
        money = (
            math.inf
            if limits.max_cost_microusd is None
            else limits.max_cost_microusd - self.cost_microusd
        )
        return Size(
            left if math.isinf(left) else left - sum(one.tokens for one in others),
            money if math.isinf(money) else money - sum(one.cost_microusd for one in others),
        )

    def too_little(self, needed_tokens: int) -> BudgetExceeded:
        """The error of a call whose prompt alone needs more than is left."""
        return BudgetExceeded(
            f"The next model call needs about {needed_tokens:,} tokens for its question alone. {self._used()}"
        )

    def cut_off(self) -> BudgetExceeded:
        """The error of an answer that was cut off because a limit of the run was reached."""
        return BudgetExceeded(
            f"A model's answer was ended in its middle: it reached a limit of the run. {self._used()}"
        )

    def _used(self) -> str:
        limits, spent = self.limits, []
        if limits.max_tokens is not None:
            spent.append(f"{self.tokens:,} of {limits.max_tokens:,} tokens (`max_tokens`)")
        if limits.max_cost_microusd is not None:
            most = price(limits.max_cost_microusd)
            spent.append(f"{price(self.cost_microusd)} of {most} (`max_cost_usd`)")
        return f"The run has used {' and '.join(spent)}."

    def _fits(self, size: Size) -> bool:
        limits, sizes = self.limits, (size, *self._in_flight.values())
        tokens = self.tokens + sum(one.tokens for one in sizes)
        cost = self.cost_microusd + sum(one.cost_microusd for one in sizes)
        return (limits.max_tokens is None or tokens < limits.max_tokens) and (
            limits.max_cost_microusd is None or cost < limits.max_cost_microusd
        )

    def spend(self, tokens: int, cost_microusd: int | None) -> None:
        """Add what a model call has used; a cost of None is unpriced."""
        seen = self._largest or Size(0, 0)
        self._largest = Size(max(seen.tokens, tokens), max(seen.cost_microusd, cost_microusd or 0))
        self.tokens += tokens
        if cost_microusd is None:
            self.unpriced = True
        else:
            self.cost_microusd += cost_microusd


def out_of_time(limit_s: float) -> BudgetExceeded:
    """The error of a run that took too long."""
    return BudgetExceeded(f"The run reached its time limit of {limit_s:g} seconds.")
