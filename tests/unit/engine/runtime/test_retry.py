"""When a step is tried again, and after how long."""

import pytest

from app.engine.graph.document import NodeSettings
from app.engine.runtime.retry import LONGEST_S, delay_s, may_retry
from app.kernel.errors import ExpressionError, StepTimedOut, UpstreamFailed, UpstreamRefused
from tests.engine.tiny import box, plan_of

BUSY = UpstreamFailed("busy")


def node(**settings):
    return plan_of(box("begin", "start"), box("a", settings=settings), edges="begin>a").nodes["a"]


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (BUSY, True),
        (StepTimedOut("slow"), True),
        (ValueError("a bug"), True),
        (UpstreamRefused("no"), False),
        (ExpressionError("wrong"), False),
    ],
)
def test_only_what_may_pass_is_retried(error, may):
    assert may_retry(error, 1, node(retries=1)) is may


def test_retries_are_counted():
    assert not may_retry(BUSY, 1, node())
    assert may_retry(BUSY, 2, node(retries=2))
    assert not may_retry(BUSY, 3, node(retries=2))


def test_exponential_delay_doubles_and_fixed_does_not():
    growing = NodeSettings(retry_delay_s=10)
    steady = NodeSettings(retry_delay_s=10, backoff="fixed")
    for attempt, middle in ((1, 10), (2, 20), (3, 40)):
        assert middle * 0.8 <= delay_s(BUSY, attempt, growing) <= middle * 1.2
        assert 8 <= delay_s(BUSY, attempt, steady) <= 12


def test_jitter_spreads():
    assert len({delay_s(BUSY, 1, NodeSettings()) for _ in range(20)}) > 10


def test_what_the_provider_asked_for_is_the_least():
    assert delay_s(UpstreamFailed("busy", retry_after_s=90), 1, NodeSettings(retry_delay_s=1)) == 90
    assert delay_s(UpstreamFailed("busy", retry_after_s=1e9), 1, NodeSettings()) == LONGEST_S
