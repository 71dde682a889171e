"""What becomes of steps that failed or were cut off when a person decides."""

from dataclasses import replace

import pytest

from app.engine.host import Limits, StepRecord
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from app.kernel.ids import derived_id
from tests.engine.tiny import box, executed, go_on, output, plan_of, run, statuses

ASK = {"on_error": "ask", "retry_delay_s": 0.001, "backoff": "fixed"}
NODES = [box("begin", "start"), box("bad", "flaky", fails=1, settings=ASK), box("after")]
EDGES = "begin>bad bad>after"


def plan():
    return plan_of(*NODES, edges=EDGES)


async def asked():
    """A run that waits for a decision about its failed step."""
    host = FakeHost()
    outcome = await run(plan(), host, 7)
    assert outcome.status == "waiting"
    return host


async def decide(first, choice, value=None, **more):
    second = FakeHost()
    decision = {"bad": Answer(choice=choice, value=value)}
    return second, await go_on(plan(), first, second, 7, recoveries=decision, **more)


async def test_a_failed_step_asks_with_its_error_and_input():
    host = await asked()
    step = host.journal.steps["bad"]
    assert (step.status, step.error["code"]) == ("waiting_human", "upstream_failed")
    question = host.journal.approvals["bad"].question
    assert question.recovery
    assert question.choices == ("retry", "done", "skip", "stop")
    assert "The service is busy." in question.body
    assert question.value == {"ports": {"input": 7}, "config": {"fails": 1, "how": "busy"}}
    told = next(e for e in host.journal.events if e.type == "step.waiting_human")
    assert told.payload["approval_id"] == host.journal.approvals["bad"].id
    assert "step.failed" not in [e.type for e in host.journal.events]


async def test_until_it_is_decided_the_step_is_left_alone():
    first, second = await asked(), FakeHost()
    outcome = await go_on(plan(), first, second, 7)
    assert outcome.status == "waiting"
    assert await executed(second) == []
    assert second.journal.approvals == {}


async def test_retry_runs_it_again_as_the_next_try():
    second, outcome = await decide(await asked(), "retry")
    assert (outcome.status, outcome.output) == ("succeeded", 7)
    assert second.journal.steps["bad"].attempt == 2
    assert second.journal.steps["bad"].error is None


async def test_retry_takes_an_edited_input():
    second, outcome = await decide(await asked(), "retry", {"ports": {"input": "mended"}})
    assert outcome.output == "mended"
    assert second.journal.steps["bad"].input["ports"] == {"input": "mended"}
    first = await asked()
    edited = {"config": {"fails": 0}}
    second, outcome = await decide(first, "retry", edited)
    assert outcome.status == "succeeded"
    assert second.journal.steps["bad"].input["config"] == {"fails": 0}


async def test_an_edited_input_that_does_not_fit_asks_again():
    second, outcome = await decide(await asked(), "retry", {"config": {"fails": "many"}})
    assert outcome.status == "waiting"
    assert second.journal.steps["bad"].error["code"] == "config_invalid"


async def test_another_failure_is_another_question_and_the_edited_input_stays():
    first = await asked()
    second, outcome = await decide(
        first, "retry", {"ports": {"input": "edited"}, "config": {"fails": 2}}
    )
    assert outcome.status == "waiting"
    assert second.journal.approvals["bad"].question.value["ports"] == {"input": "edited"}
    third = FakeHost()
    third._ids = second._ids
    decision = {"bad": Answer(choice="retry")}
    outcome = await go_on(plan(), second, third, 7, recoveries=decision)
    assert outcome.output == "edited", "what was shown is what runs"
    assert third.journal.steps["bad"].attempt == 3


async def test_a_persons_retry_brings_the_retries_of_the_node_anew():
    host = FakeHost()
    nodes = [box("begin", "start"), box("bad", "flaky", fails=5, settings={**ASK, "retries": 2})]
    shaky = plan_of(*nodes, edges="begin>bad")
    await run(shaky, host, 1)
    assert host.journal.steps["bad"].attempt == 3
    second = FakeHost()
    outcome = await go_on(shaky, host, second, 1, recoveries={"bad": Answer(choice="retry")})
    assert outcome.status == "succeeded"
    assert second.journal.steps["bad"].attempt == 6


@pytest.mark.parametrize(("given", "value"), [("by hand", "by hand"), ({"value": 3}, 3)])
async def test_done_takes_the_given_output(given, value):
    second, outcome = await decide(await asked(), "done", given)
    assert (outcome.status, outcome.output) == ("succeeded", value)
    assert (second.journal.steps["bad"].status, second.journal.steps["bad"].origin) == (
        "succeeded",
        "given",
    )
    assert "bad" not in await executed(second)


async def test_skip_goes_on_without_it():
    second, outcome = await decide(await asked(), "skip")
    assert outcome.status == "succeeded"
    assert statuses(second) == {"bad": "skipped", "after": "succeeded"}
    assert output(second, "after") is None


async def test_stop_ends_the_run_with_the_error_of_the_step():
    second, outcome = await decide(await asked(), "stop")
    assert (outcome.status, outcome.error["code"]) == ("failed", "upstream_failed")
    assert statuses(second) == {"bad": "failed"}


async def test_a_skipped_choice_opens_no_way():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("way", "fork", when="1 +", settings=ASK),
        box("yes"),
        box("no"),
    ]
    nodes[1]["config"] = {"when": "1 / 0"}
    choice = plan_of(*nodes, edges="begin>way way.yes>yes way.no>no")
    await run(choice, host, 1)
    second = FakeHost()
    await go_on(choice, host, second, 1, recoveries={"way": Answer(choice="skip")})
    assert statuses(second) == {"way": "skipped", "yes": "skipped", "no": "skipped"}
    third = FakeHost()
    done = {"way": Answer(choice="done", value={"no": 5})}
    outcome = await go_on(choice, host, third, 1, recoveries=done)
    assert statuses(third) == {"way": "succeeded", "yes": "skipped", "no": "succeeded"}
    assert outcome.output == 5


async def test_a_spent_budget_does_not_ask():
    host = FakeHost()
    outcome = await run(plan(), host, 7, limits=Limits(max_steps=1))
    assert (outcome.status, outcome.error["code"]) == ("failed", "budget_exceeded")


async def test_in_a_body_the_container_waits_and_goes_on():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("each", "logic.for_each", items="input", concurrency=1),
        box("bad", "flaky", parent="each", fails=1, settings=ASK),
    ]
    loop = plan_of(*nodes, edges="begin>each")
    outcome = await run(loop, host, [1, 2])
    assert outcome.status == "waiting"
    assert host.journal.steps["each"].status == "waiting_human"
    second = FakeHost()
    decisions = {
        "each[0]/bad": Answer(choice="retry"),
        "each[1]/bad": Answer(choice="done", value=9),
    }
    outcome = await go_on(loop, host, second, [1, 2], recoveries=decisions)
    assert (outcome.status, outcome.output) == (
        "succeeded",
        {"results": [1, 9], "failed": []},
    )


CUT_OFF = [box("begin", "start"), box("sends", "effect"), box("beside"), box("after")]
CUT_OFF_EDGES = "begin>sends begin>beside sends>after"


def cut_off(status="interrupted", **more):
    """What the step of a process that died is handed over as."""
    return StepRecord(
        id=derived_id("step", "run_1", "sends"),
        node_id="sends",
        path="sends",
        kind="test.effect",
        label="Effect",
        status=status,
        input={"ports": {"input": 1}, "config": {"others": []}},
        **more,
    )


async def test_while_nobody_has_decided_about_a_cut_off_step_other_branches_go_on():
    host = FakeHost()
    plan = plan_of(*CUT_OFF, edges=CUT_OFF_EDGES)
    outcome = await run(plan, host, 1, waiting={"sends": cut_off()})
    assert outcome.status == "waiting"
    assert await executed(host) == ["begin", "beside"]


@pytest.mark.parametrize(
    ("choice", "status", "step"),
    [
        ("retry", "succeeded", "succeeded"),
        ("done", "succeeded", "succeeded"),
        ("skip", "succeeded", "skipped"),
        ("stop", "failed", "failed"),
    ],
)
async def test_a_cut_off_step_is_treated_as_decided(choice, status, step):
    host = FakeHost()
    plan = plan_of(*CUT_OFF, edges=CUT_OFF_EDGES)
    outcome = await run(
        plan, host, 1, waiting={"sends": cut_off()}, recoveries={"sends": Answer(choice=choice)}
    )
    assert (outcome.status, statuses(host)["sends"]) == (status, step)
    assert ("sends" in await executed(host)) == (choice == "retry")
    if choice == "stop":
        assert outcome.error["code"] == "interrupted"
        assert "nobody knows" in outcome.error["message"]


async def test_a_step_that_was_cut_off_keeps_its_try_and_what_it_used():
    host = FakeHost()
    plan = plan_of(*CUT_OFF, edges=CUT_OFF_EDGES)
    before = cut_off("running", attempt=3, tokens=40, cost_microusd=7)
    await run(plan, host, 1, waiting={"sends": before})
    step = host.journal.steps["sends"]
    assert (step.status, step.attempt, step.tokens, step.cost_microusd) == ("succeeded", 3, 40, 7)


async def test_what_a_model_call_used_is_durable_with_its_step():
    host = FakeHost({"models": ["one two"]})
    nodes = [box("begin", "start"), box("say", prompt="Hi")]
    nodes[1]["kind"] = "test.say"
    seen = []
    post = host.journal.post

    def watched(*facts):
        seen.extend(replace(f) for f in facts if isinstance(f, StepRecord) and f.path == "say")
        return post(*facts)

    host.journal.post = watched
    await run(plan_of(*nodes, edges="begin>say"), host)
    assert (seen[0].status, seen[0].tokens) == ("running", 3)
    assert sum(s.tokens for s in host.journal.steps.values()) == host.journal.patches[-1].tokens
