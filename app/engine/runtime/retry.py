"""When to try again, and after how long. Pure but for the dice."""

import random

from app.engine.graph.document import NodeSettings
from app.engine.runtime.plan import PlanNode
from app.kernel.errors import AppError, StepError

LONGEST_S = 3_600.0
LONG_S = 6.0
"""A longer pause is a wait: the step holds no worker meanwhile, and outlives the process. The first pause of a node
that says nothing (5 s, spread by a fifth) is slept."""

JITTER = 0.2


def may_retry(error: Exception, attempt: int, node: PlanNode) -> bool:
    """Say whether another attempt is allowed and could help.

    Without retries in its settings no step is tried twice, so a person decides whether effects may
    be repeated. An unknown exception may be a passing one. A container is not tried again as a
    whole: the steps in its body are.
    """
    if attempt > node.ref.settings.retries or node.type.container:
        return False
    return error.retryable if isinstance(error, StepError) else not isinstance(error, AppError)


def delay_s(error: Exception, attempt: int, settings: NodeSettings) -> float:
    """Seconds to wait after an attempt (1 is the first), spread by a fifth.

    What the other side asked for (`retry_after_s`) is the least.
    """
    wait = settings.retry_delay_s * (2 ** (attempt - 1) if settings.backoff == "exponential" else 1)
    wait *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing
    asked = error.context.get("retry_after_s") if isinstance(error, AppError) else None
    return min(max(wait, float(asked or 0)), LONGEST_S)
