"""What is changing the outside when all around it is ended: it comes to its own end, and is recorded."""

import asyncio
import importlib

import pytest

from app.engine.host import Control, RunRequest, StepRecord
from app.engine.runtime import execute
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, go_on, output, plan_of, statuses

executing = importlib.import_module("app.engine.runtime.execute")

BEGIN = box("begin", "start")


def types_of(host):
    return [event.type for event in host.journal.events]


class Life:
    """A run at work; the effect in it lasts until `release`."""

    def __init__(self, plan, given=None):
        self.host, self.control = FakeHost(), Control()
        request = RunRequest(run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input=given)
        self.task = asyncio.create_task(execute(plan, request, self.host, control=self.control))

    async def until(self, path, status="running"):
        await asyncio.wait_for(until(lambda: statuses(self.host).get(path) == status), 5)

    async def release(self):
        await asyncio.sleep(0.05)  # until all that is ended has ended
        assert not self.task.done()
        await self.host.memory.put("met", "go", True)

    async def end(self):
        return await asyncio.wait_for(self.task, 5)

    def finished(self, path):
        return self.host.journal.steps[path].finished_at


def rows(*more, settings=None, edges="", kind="effect", beside="", **config):
    """Two items at once: the first is at work on the outside, the second goes another way."""
    config = {"items": "input", "concurrency": 2, **config}
    return plan_of(
        BEGIN,
        box("rows", "logic.for_each", settings=settings, **config),
        box("way", "fork", parent="rows", when="item > 1"),
        box("sends", kind, parent="rows", others=["go"]),
        box("next", parent="rows"),
        box("gate", "meet", parent="rows", others=["sends"]),
        *more,
        edges=f"begin>rows way.no>sends way.yes>gate sends>next {edges}",
    )  # fmt: skip


BAD = box("bad", "flaky", parent="rows", how="refused")


async def test_a_failed_item_waits_for_the_effects_of_the_others():
    life = Life(rows(BAD, edges="gate>bad"), [1, 2])
    await life.until("rows[1]/bad", "failed")
    assert statuses(life.host)["rows[0]/sends"] == "running"
    await life.release()
    assert (await life.end()).status == "failed"
    assert statuses(life.host)["rows[0]/sends"] == "succeeded"
    assert "rows[0]/next" not in statuses(life.host)
    assert life.finished("rows[0]/sends") < life.finished("rows")


async def test_so_does_a_loop_that_runs_out_of_time():
    handled = {"timeout_s": 0.1, "on_error": "continue", "default": "late"}
    life = Life(rows(settings=handled), [1])
    await life.until("rows[0]/sends")
    await asyncio.sleep(0.15)
    await life.release()
    assert (await life.end()).status == "succeeded"
    assert life.host.journal.steps["rows"].error["code"] == "step_timed_out"
    assert statuses(life.host)["rows[0]/sends"] == "succeeded"
    assert "rows[0]/next" not in statuses(life.host)
    assert life.finished("rows[0]/sends") < life.finished("rows")


LATE = {"timeout_s": 0.1, "on_error": "continue", "default": "late"}
HOLD = box("hold", "meet", others=["go"])


@pytest.mark.parametrize("kind", ["logic.for_each", "logic.while", "careless"])
async def test_what_it_cuts_off_is_over_although_the_run_goes_on(kind):
    config = {"logic.for_each": {"items": "input"}, "logic.while": {"condition": "true"}}
    plan = plan_of(
        BEGIN, box("rows", kind, settings=LATE, **config.get(kind, {})),
        box("computes", "meet", parent="rows", others=["never"]),
        box("asks", "ask", parent="rows"), HOLD,
        edges="begin>rows " + ("rows.results>hold" if kind == "logic.for_each" else "rows>hold"),
    )  # fmt: skip
    life = Life(plan, [1])
    await life.until("hold")
    ended = {"rows[0]/computes": "canceled", "rows[0]/asks": "canceled", "rows": "failed"}
    assert statuses(life.host).items() >= ended.items()
    assert life.finished("rows[0]/computes") <= life.finished("rows")
    await life.release()
    assert (await life.end()).status == "succeeded"
    types = [e.type for e in life.host.journal.events if e.path == "rows[0]/asks"]
    assert types[-2:] == ["step.waiting_human", "step.canceled"]


async def test_what_a_merge_goes_on_without_is_over_although_the_run_goes_on():
    more = [
        box("outer", "meet", others=["sends"]),
        box("both", "logic.merge", join="first", mode="first"),
        HOLD,
    ]
    edges = "begin>outer outer>both rows.results>both both>hold"
    life = Life(rows(*more, edges=edges, kind="meet"), [1])
    await life.until("hold")
    await life.until("rows", "canceled")
    assert statuses(life.host)["rows[0]/sends"] == "canceled"
    await life.release()
    assert (await life.end()).status == "succeeded"


@pytest.mark.parametrize(
    ("choice", "inside"), [("skip", "canceled"), ("done", "canceled"), ("retry", "succeeded")]
)
async def test_of_what_a_person_may_retry_nothing_is_at_work(choice, inside):
    plan = plan_of(
        BEGIN, box("rows", "logic.for_each", settings={**LATE, "on_error": "ask"}, items="input"),
        box("computes", "meet", parent="rows", others=["go"]),
        edges="begin>rows",
    )  # fmt: skip
    life = Life(plan, [1])
    assert (await life.end()).status == "waiting"
    assert statuses(life.host)["rows[0]/computes"] == "pending"
    host = FakeHost()
    await host.memory.put("met", "go", True)
    decision = {"rows": Answer(choice=choice)}
    assert (await go_on(plan, life.host, host, [1], recoveries=decision)).status == "succeeded"
    assert statuses(host)["rows[0]/computes"] == inside


@pytest.mark.parametrize("kind", ["logic.while", "careless"])
async def test_and_other_containers(kind):
    settings = {"timeout_s": 0.1}
    config = {"condition": "true"} if kind == "logic.while" else {}
    plan = plan_of(
        BEGIN, box("rows", kind, settings=settings, **config),
        box("sends", "effect", parent="rows", others=["go"]),
        edges="begin>rows",
    )  # fmt: skip
    life = Life(plan, [1])
    await life.until("rows[0]/sends")
    await asyncio.sleep(0.15)
    await life.release()
    assert (await life.end()).error["code"] == "step_timed_out"
    assert statuses(life.host)["rows[0]/sends"] == "succeeded"


@pytest.mark.parametrize("inside", [True, False])
async def test_so_does_a_stop(inside):
    halt = box("halt", "flow.stop", value="enough", parent="rows" if inside else None)
    if inside:
        plan = rows(halt, edges="gate>halt")
    else:
        gate = box("outer", "meet", others=["sends"])
        plan = rows(halt, gate, edges="begin>outer outer>halt")
    life = Life(plan, [1, 2])
    await life.until("rows[1]/halt" if inside else "halt", "succeeded")
    await life.release()
    outcome = await life.end()
    assert (outcome.status, outcome.output) == ("succeeded", "enough")
    assert statuses(life.host)["rows[0]/sends"] == "succeeded"
    assert statuses(life.host)["rows"] == "canceled"


async def test_so_does_a_merge_that_goes_on_without_the_loop():
    more = [
        box("outer", "meet", others=["sends"]),
        box("both", "logic.merge", join="first", mode="first"),
        box("after", "meet"),
    ]
    life = Life(rows(*more, edges="begin>outer outer>both rows.results>both both>after"), [1])
    await life.until("after", "succeeded")
    await life.release()
    assert (await life.end()).status == "succeeded"
    assert output(life.host, "both") == "outer"
    assert statuses(life.host)["rows[0]/sends"] == "succeeded"
    assert statuses(life.host)["rows"] == "canceled"


async def test_a_failure_beside_a_loop_in_a_loop_waits_for_the_effects_inside():
    plan = plan_of(
        BEGIN,
        box("rows", "logic.for_each", items="input"),
        box("inner", "logic.for_each", parent="rows", items="[1, 2]"),
        box("sends", "effect", parent="inner", others=["go"]),
        box("gate", "meet", others=["sends"]),
        box("bad", "flaky", how="refused"),
        edges="begin>rows begin>gate gate>bad",
    )
    life = Life(plan, ["a", "b"])
    await life.until("bad", "failed")
    await life.release()
    assert (await life.end()).status == "failed"
    ended = {path: status for path, status in statuses(life.host).items() if "sends" in path}
    assert ended == {f"rows[{i}]/inner[{j}]/sends": "succeeded" for i in (0, 1) for j in (0, 1)}


async def test_what_only_reads_is_ended_at_once():
    life = Life(rows(BAD, edges="gate>bad", kind="peek"), [1, 2])
    assert (await life.end()).status == "failed"
    assert statuses(life.host)["rows[0]/sends"] == "canceled"


async def test_an_effect_that_fails_at_its_end_is_not_tried_again():
    retries = {"retries": 3, "retry_delay_s": 0.01}
    plan = plan_of(
        BEGIN,
        box("sends", "refused", settings=retries, others=["go"]),
        box("gate", "meet", others=["sends"]),
        box("bad", "flaky", how="refused"),
        edges="begin>sends begin>gate gate>bad",
    )
    life = Life(plan)
    await life.until("bad", "failed")
    await life.release()
    assert (await life.end()).status == "failed"
    assert (await executed(life.host)).count("sends") == 1
    assert statuses(life.host)["sends"] == "failed"


async def test_a_run_that_is_canceled_lets_what_is_under_way_end():
    life = Life(rows(), [1, 2])
    await life.until("rows[0]/sends")
    life.control.cancelled.set()
    await life.release()
    assert (await life.end()).status == "canceled"
    sends = life.host.journal.steps["rows[0]/sends"]
    assert (sends.status, sends.error) == ("succeeded", None)
    assert "rows[0]/next" not in statuses(life.host)
    assert statuses(life.host)["rows"] == "canceled"


@pytest.mark.parametrize("already_ending", [False, True])
async def test_but_no_longer_than_a_moment_and_says_that_nobody_knows(monkeypatch, already_ending):
    monkeypatch.setattr(executing, "GRACE_S", 0.05)
    plan = rows(BAD, edges="gate>bad") if already_ending else rows()
    life = Life(plan, [1, 2] if already_ending else [1])
    await life.until("rows[0]/sends")
    if already_ending:
        await life.until("rows[1]/bad", "failed")
        await asyncio.sleep(0.05)
    life.control.cancelled.set()
    assert (await asyncio.wait_for(life.task, 1)).status == "canceled"
    sends = life.host.journal.steps["rows[0]/sends"]
    assert (sends.status, sends.error["code"]) == ("canceled", "effect_unknown")
    assert "cut off while it was changing the outside" in sends.error["message"]
    told = [
        e for e in life.host.journal.events if e.type == "step.canceled" and e.path == sends.path
    ]
    assert [e.payload["step"]["error"] for e in told] == [sends.error]
    assert life.host.journal.steps["rows"].error is None


async def test_of_what_only_reads_or_is_between_tries_everything_is_known():
    plan = plan_of(
        BEGIN, box("looks", "peek", others=["go"]),
        box("sends", "refused", settings={"retries": 1, "retry_delay_s": 4}),
        edges="begin>looks begin>sends",
    )  # fmt: skip
    life = Life(plan)
    await asyncio.wait_for(until(lambda: "step.retrying" in types_of(life.host)), 5)
    await life.until("looks")
    life.control.cancelled.set()
    assert (await asyncio.wait_for(life.task, executing.GRACE_S / 2)).status == "canceled"
    for path in ("looks", "sends"):
        step = life.host.journal.steps[path]
        assert (step.status, step.error) == ("canceled", None)


async def test_what_was_asked_about_is_not_known_either_when_the_run_ends():
    plan = plan_of(
        BEGIN, box("sends", "effect"), box("bad", "flaky", how="refused"),
        edges="begin>sends begin>bad",
    )  # fmt: skip
    before, host = FakeHost(), FakeHost()
    about = StepRecord("stp_1", "sends", "sends", "test.effect", "Sends", "interrupted", input={})
    before.journal.note(about)
    assert (await go_on(plan, before, host)).status == "failed"
    assert statuses(host)["sends"] == "canceled"
    assert host.journal.steps["sends"].error["code"] == "effect_unknown"


async def test_a_worker_that_ends_waits_for_nothing():
    life = Life(rows(BAD, edges="gate>bad"), [1, 2])
    await life.until("rows[1]/bad", "failed")
    await asyncio.sleep(0.05)
    life.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(life.task, 1)
    assert statuses(life.host)["rows[0]/sends"] == "running"
