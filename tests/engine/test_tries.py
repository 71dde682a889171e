"""One busy moment of a service does not fail a run, where trying again cannot do harm."""

import pytest

from app.engine.graph.document import NodeSettings
from app.engine.runtime import retry
from app.engine.testing import FakeHost
from app.kernel.errors import UpstreamFailed
from tests.engine.tiny import box, plan_of, run

OK = {"text": "ok"}
GONE = UpstreamFailed("The connection was reset.", passing=True)
KNOWN = {"method": "POST", "idempotent": True}


def busy(status=503, **headers):
    return {"status": status, "headers": headers}


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(retry, "BY_DEFAULT", NodeSettings(retry_delay_s=0.001))


async def tried(*replies, settings=None, **config):
    host = FakeHost({"http": list(replies)})
    node = box("web", "tool.http", settings=settings, url="https://x.example/", **config)
    outcome = await run(plan_of(box("begin", "start"), node, edges="begin>web"), host)
    return outcome.status, len(host.requests), host


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("config", [
    {}, {"method": "HEAD"}, KNOWN, {"method": "PUT", "headers": {"Idempotency-Key": "mine"}},
])  # fmt: skip
async def test_a_passing_failure_is_tried_again(status, config):
    assert (await tried(busy(status), OK, **config))[:2] == ("succeeded", 2)


async def test_three_times_and_told_in_the_trace():
    status, times, host = await tried(busy(), GONE, OK)
    assert (status, times) == ("succeeded", 3)
    told = [event.payload for event in host.journal.events if event.type == "step.retrying"]
    assert ["503" in told[0]["error"]["message"], "reset" in told[1]["error"]["message"]] == [
        True,
        True,
    ]
    assert host.journal.steps["web"].attempt == 3
    assert (await tried(busy(), busy(), busy(), OK))[:2] == ("failed", 3)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_is_not_repeated_unasked(method):
    assert (await tried(busy(), OK, method=method))[:2] == ("failed", 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
async def test_what_does_not_pass_is_not_repeated(status):
    assert (await tried(busy(status), OK))[:2] == ("failed", 1)


async def test_nor_is_what_is_no_failure():
    assert (await tried(busy(), OK, fail_on_error=False))[:2] == ("succeeded", 1)


@pytest.mark.parametrize("asked", ["30", "Thu, 01 Jan 2026 00:00:30 GMT"])
async def test_a_longer_wait_that_was_asked_for_holds_no_worker(asked):
    status, times, host = await tried(busy(429, **{"Retry-After": asked}), OK)
    assert (status, times) == ("waiting", 1)
    assert host.journal.waits["web"].kind == "retry"


@pytest.mark.parametrize("asked", ["3600", "Thu, 01 Jan 2026 01:00:00 GMT", "9" * 400])
async def test_an_hour_is_not_waited_for_unasked(asked):
    assert (await tried(busy(429, **{"Retry-After": asked}), OK))[:2] == ("failed", 1)


async def test_retries_in_the_settings_decide():
    mine = {"retries": 1, "retry_delay_s": 0.001, "backoff": "fixed"}
    assert (await tried(busy(), OK, method="POST", settings=mine))[:2] == ("succeeded", 2)
    assert (await tried(busy(), busy(), OK, settings=mine))[:2] == ("failed", 2)
