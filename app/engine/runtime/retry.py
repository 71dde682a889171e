"""Whether to retry, and after how long. Pure but for the jitter."""

import random
from collections.abc import Mapping
from typing import Any

from app.engine.graph.document import NodeSettings
from app.engine.runtime.plan import PlanNode
from app.kernel.errors import AppError, StepError, UpstreamFailed

LONGEST_S = 3_600.0
LONG_S = 6.0
"""A longer pause is a wait: the step holds no worker meanwhile, and outlives the process. The default first pause of a
node (5 s, with a jitter of a fifth) is slept."""

JITTER = 0.2


MOST_ASKED_S = 60.0
"""A service that asks for a longer pause is not waited for, unless a person set retries."""

BY_DEFAULT = NodeSettings(retry_delay_s=1)


def may_retry(
    error: Exception, attempt: int, node: PlanNode, config: Mapping[str, Any] | None = None
) -> bool:
    """Say whether another attempt is allowed and could help.

    With retries in its settings a step is tried that often, so a person decides whether effects may be repeated; an
    unknown exception may be transient. Without them, it is tried as often as its type says, where the step may be
    repeated (I4) and the failure is certainly transient. A container is not retried as a whole: the steps in its body
    are.

    Args:
        config: The resolved form: whether the step may be repeated can depend on it.
    """
    retries = node.ref.settings.retries
    if node.type.container:
        return False
    if retries:
        if attempt > retries:
            return False
        return error.retryable if isinstance(error, StepError) else not isinstance(error, AppError)
    if attempt >= node.type.tries or not isinstance(error, StepError) or not error.retryable:
        return False
    asked = float(error.context.get("retry_after_s") or 0)
    is_passing = error.context.get("passing") is True and asked <= MOST_ASKED_S
    return is_passing and node.type.may_repeat(config or {})


def pauses_of(settings: NodeSettings) -> NodeSettings:
    """The settings of the pauses: the node's own, or the defaults of a node without retries."""
    return settings if settings.retries else BY_DEFAULT


def delay_s(error: Exception, attempt: int, settings: NodeSettings) -> float:
    """Seconds to wait after an attempt (1 is the first), with a jitter of a fifth.

    What the other side asked for (`retry_after_s`) is the minimum.
    """
    wait = settings.retry_delay_s * (2 ** (attempt - 1) if settings.backoff == "exponential" else 1)
    wait *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing
    asked = error.context.get("retry_after_s") if isinstance(error, AppError) else None
    return min(max(wait, float(asked or 0)), LONGEST_S)


CALL_TRIES = 3
CALL_PAUSE_S = 1.0
LONGEST_ASKED_S = 30.0
"""A call to a busy service is retried within the step. If the service asks for a longer pause, the call fails: the
step's own retries, if it has any, may wait for an hour."""


def was_busy(error: Exception) -> bool:
    """Whether the service was busy or unreachable (408, 425, 429, 5xx, no answer), so that the call may soon succeed.

    An unusable answer is not retried automatically: it would most likely be the same again.
    """
    return (
        isinstance(error, UpstreamFailed)
        and "status_code" in error.context
        and not error.context.get("is_final")
    )


def call_pause_s(error: UpstreamFailed, tried: int) -> float:
    """Seconds before a call is repeated, with a jitter of a fifth; what the other side asked for is the minimum.

    Args:
        tried: How often the call was made.
    """
    wait: float = CALL_PAUSE_S * 2 ** (tried - 1) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - as above
    return max(wait, float(error.context.get("retry_after_s") or 0))
