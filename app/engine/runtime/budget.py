"""What a run may use: time, steps, tokens, money. Checked before each step and each model call."""

import time

from app.engine.host import RunRequest
from app.kernel.errors import BudgetExceeded


class Budget:
    """Counts what one run uses, over all its lives."""

    def __init__(self, request: RunRequest) -> None:
        self.limits = request.limits
        self.tokens = request.tokens
        self.cost_microusd = request.cost_microusd
        self.unpriced = request.unpriced
        self._steps = len(request.done) if request.steps_before is None else request.steps_before
        self._began = time.monotonic() - request.elapsed_s

    @property
    def remaining_s(self) -> float:
        """Seconds until the run's time is used up; zero or less: it is."""
        return self.limits.timeout_s - (time.monotonic() - self._began)

    @property
    def cost(self) -> int | None:
        """Money used, in micro-dollars; None when a call was unpriced."""
        return None if self.unpriced else self.cost_microusd

    def step(self) -> None:
        """Count one step more.

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

    def check(self) -> None:
        """Refuse to go on when time, tokens or money are used up.

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
                f"The run cost ${self.cost_microusd / 1e6:.4f}; "
                f"its limit is ${limits.max_cost_microusd / 1e6:.4f}."
            )

    def spend(self, tokens: int, cost_microusd: int | None) -> None:
        """Add what a model call has used; a cost of None is unpriced."""
        self.tokens += tokens
        if cost_microusd is None:
            self.unpriced = True
        else:
            self.cost_microusd += cost_microusd


def out_of_time(limit_s: float) -> BudgetExceeded:
    """The error of a run that took too long."""
    return BudgetExceeded(f"The run reached its time limit of {limit_s:g} seconds.")
