"""A step that goes well with a remark says so, and its run counts it, over all its lives."""

from app.engine.host import RunPatch
from app.engine.testing import FakeHost
from tests.engine.tiny import box, plan_of, run

SAID = [
    "the answer is empty",
    "the answer is empty",
    "its key sk-abcdefghijklmnopqrstuvwxyz is old",
]


def counts(host: FakeHost) -> list[int]:
    return [
        f.warning_count for f in host.journal.facts if isinstance(f, RunPatch) and f.warning_count
    ]


async def test_a_remark_is_on_the_step_its_event_and_the_run():
    host = FakeHost()
    plan = plan_of(box("begin", "start"), box("a", "remark", remarks=SAID), edges="begin>a")
    assert (await run(plan, host)).status == "succeeded"
    [ended] = [e for e in host.journal.events if e.type == "step.completed" and e.path == "a"]
    told = [warning["message"] for warning in ended.payload["step"]["warnings"]]
    assert told == ["the answer is empty", "its key ••• is old"]
    assert host.journal.steps["a"].warnings == tuple(ended.payload["step"]["warnings"])
    assert host.journal.events[-1].payload["run"]["warning_count"] == 2
    assert counts(host) == [2]


async def test_a_later_life_goes_on_counting():
    host = FakeHost()
    plan = plan_of(box("begin", "start"), box("a", "remark", remarks=["one"]), edges="begin>a")
    await run(plan, host, warning_count=3)
    assert counts(host) == [4]


async def test_a_step_that_failed_has_no_remarks_to_count():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"), box("a", "remark", remarks=["one"], fails=True), edges="begin>a"
    )
    assert (await run(plan, host)).status == "failed"
    assert counts(host) == []


async def test_a_failure_that_a_default_stands_in_for_is_no_plain_success():
    host = FakeHost()
    settings = {"on_error": "continue", "default": "nothing"}
    plan = plan_of(
        box("begin", "start"), box("a", "flaky", how="refused", settings=settings), edges="begin>a"
    )
    assert (await run(plan, host)).status == "succeeded"
    [remark] = host.journal.steps["a"].warnings
    assert remark["message"] == "It failed, and the run went on with its default."
    assert host.journal.events[-1].payload["run"]["warning_count"] == 1
