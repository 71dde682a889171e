"""What a failing step does to its run: stop, go on, take the error port, try again."""

import asyncio
import logging

import pytest

from app.engine.testing import FakeHost
from tests.engine.tiny import box, executed, output, plan_of, run, statuses

FAST = {"retry_delay_s": 0.001, "backoff": "fixed"}


async def test_a_failed_step_fails_the_run_and_names_the_node():
    host = FakeHost()
    nodes = [box("begin", "start"), box("bad", "flaky", how="refused"), box("after")]
    outcome = await run(plan_of(*nodes, edges="begin>bad bad>after"), host)
    assert outcome.status == "failed"
    assert (outcome.error["code"], outcome.error["node_id"]) == ("upstream_refused", "bad")
    assert statuses(host) == {"begin": "succeeded", "bad": "failed"}
    assert [e.type for e in host.journal.events][-2:] == ["step.failed", "run.failed"]
    assert host.journal.patches[-1].status == "failed"


async def test_secrets_do_not_stay_in_errors():
    host = FakeHost()
    outcome = await run(
        plan_of(box("begin", "start"), box("bad", "flaky", how="refused"), edges="begin>bad"), host
    )
    assert "sk-abc" not in str(outcome)
    assert "sk-abc" not in str(host.journal.facts)


async def test_an_unexpected_exception_is_a_sentence_and_is_logged_once(caplog):
    host = FakeHost()
    with caplog.at_level(logging.INFO):
        outcome = await run(
            plan_of(box("begin", "start"), box("bad", "flaky", how="bug"), edges="begin>bad"), host
        )
    assert outcome.error["code"] == "step_failed"
    assert "ValueError: a bug with" in outcome.error["message"]
    assert "Traceback" not in outcome.error["message"]
    assert "sk-abc" not in outcome.error["message"]
    assert [r.run_id for r in caplog.records if r.name.startswith("app.engine")] == ["run_1"]


async def test_continue_goes_on_with_the_default():
    host = FakeHost()
    settings = {"on_error": "continue", "default": "instead"}
    nodes = [box("begin", "start"), box("bad", "flaky", settings=settings), box("after")]
    outcome = await run(plan_of(*nodes, edges="begin>bad bad>after"), host)
    assert (outcome.status, outcome.output) == ("succeeded", "instead")
    assert statuses(host)["bad"] == "failed"


async def test_a_default_may_name_its_ports():
    host = FakeHost()
    settings = {"on_error": "continue", "default": {"value": 7}}
    nodes = [box("begin", "start"), box("bad", "flaky", settings=settings), box("after")]
    outcome = await run(plan_of(*nodes, edges="begin>bad bad>after"), host)
    assert outcome.output == 7


async def test_the_error_port_alone_lives_after_a_failure():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("bad", "flaky", settings={"on_error": "error_port"}),
        box("fine"),
        box("help"),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>bad bad>fine bad.error>help"), host)
    assert outcome.status == "succeeded"
    assert outcome.output == {
        "code": "upstream_failed",
        "message": "The service is busy.",
        "node_id": "bad",
    }
    assert statuses(host)["fine"] == "skipped"


async def test_the_error_port_is_dead_after_success():
    host = FakeHost()
    settings = {"on_error": "error_port"}
    nodes = [
        box("begin", "start"),
        box("good", "flaky", fails=0, settings=settings),
        box("fine"),
        box("help"),
    ]
    await run(plan_of(*nodes, edges="begin>good good>fine good.error>help"), host, 1)
    assert statuses(host) == {
        "begin": "succeeded",
        "good": "succeeded",
        "fine": "succeeded",
        "help": "skipped",
    }


async def test_retries_then_success():
    host = FakeHost()
    nodes = [box("begin", "start"), box("shaky", "flaky", fails=2, settings={"retries": 3, **FAST})]
    outcome = await run(plan_of(*nodes, edges="begin>shaky"), host, "ok")
    assert outcome.output == "ok"
    assert host.journal.steps["shaky"].attempt == 3
    assert [
        e.payload["step"]["attempt"] for e in host.journal.events if e.type == "step.retrying"
    ] == [1, 2]
    spans = list(host.journal.spans.values())
    assert [(s.kind, s.attributes["number"], s.status) for s in spans] == [
        ("attempt", 1, "failed"),
        ("attempt", 2, "failed"),
        ("attempt", 3, "succeeded"),
    ]


async def test_retries_end():
    host = FakeHost()
    nodes = [box("begin", "start"), box("bad", "flaky", settings={"retries": 2, **FAST})]
    outcome = await run(plan_of(*nodes, edges="begin>bad"), host)
    assert outcome.status == "failed"
    assert (await executed(host)).count("bad") == 3


async def test_what_a_retry_cannot_help_is_not_retried():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("bad", "flaky", how="refused", settings={"retries": 5, **FAST}),
    ]
    await run(plan_of(*nodes, edges="begin>bad"), host)
    assert (await executed(host)).count("bad") == 1


async def test_a_step_over_its_time_limit_times_out():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("stuck", "meet", others=["nobody"], settings={"timeout_s": 0.05}),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>stuck"), host)
    assert outcome.error["code"] == "step_timed_out"
    assert "0.05 seconds" in outcome.error["message"]


async def test_a_failure_stops_siblings_in_the_middle():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("stuck", "meet", others=["nobody"]),
        box("gate", "meet", others=["stuck"]),
        box("bad", "flaky"),
    ]
    outcome = await run(plan_of(*nodes, edges="begin>stuck begin>gate gate>bad"), host)
    assert outcome.status == "failed"
    assert statuses(host)["stuck"] == "canceled"
    assert "step.canceled" in [e.type for e in host.journal.events]


async def test_a_sibling_that_changes_the_outside_may_end():
    host = FakeHost()
    nodes = [
        box("begin", "start"),
        box("sends", "effect", others=["failed"]),
        box("gate", "meet", others=["sends"]),
        box("bad", "flaky", how="refused"),
        box("after"),
    ]
    plan = plan_of(*nodes, edges="begin>sends begin>gate gate>bad sends>after")
    post = host.journal.post

    def watched(*facts):
        done = post(*facts)
        if statuses(host).get("bad") == "failed":
            tasks.append(asyncio.ensure_future(host.memory.put("met", "failed", True)))
        return done

    tasks = []
    host.journal.post = watched
    outcome = await run(plan, host)
    assert outcome.status == "failed"
    assert statuses(host)["sends"] == "succeeded"
    assert "after" not in statuses(host)


async def test_a_cancellation_that_nobody_asked_for_is_a_failure():
    host = FakeHost()
    outcome = await run(plan_of(box("begin", "start"), box("bad", "cut"), edges="begin>bad"), host)
    assert outcome.status == "failed"
    assert "cut off" in outcome.error["message"]


async def test_missing_input_and_broken_expression_name_their_place():
    host = FakeHost()
    nodes = [box("begin", "start"), box("words", "text"), box("calc", value="{{ 1 + input }}")]
    outcome = await run(plan_of(*nodes[:2], edges="begin>words"), host, None)
    assert outcome.error["code"] == "invalid_input"
    assert "'Text'" in outcome.error["message"]
    host = FakeHost()
    outcome = await run(plan_of(nodes[0], nodes[2], edges="begin>calc"), host, "x")
    assert (outcome.error["code"], outcome.error["field"]) == ("expression_error", "value")


async def test_a_configuration_that_does_not_fit_names_the_field():
    host = FakeHost()
    nodes = [box("begin", "start"), box("bad", "flaky", fails="{{ input }}")]
    outcome = await run(plan_of(*nodes, edges="begin>bad"), host, "many")
    assert (outcome.error["code"], outcome.error["field"]) == ("config_invalid", "fails")
    assert "'Fails'" in outcome.error["message"]


async def test_the_output_after_a_handled_failure_reaches_expressions():
    host = FakeHost()
    settings = {"on_error": "continue", "default": 1}
    nodes = [
        box("begin", "start"),
        box("bad", "flaky", settings=settings),
        box("after", value="{{ nodes.bad.value }}"),
    ]
    await run(plan_of(*nodes, edges="begin>bad bad>after"), host)
    assert output(host, "after") == 1


@pytest.mark.parametrize(
    ("header", "least"),
    [("1", 1), ("Thu, 01 Jan 2026 00:00:02 GMT", 1.5), ("soon", None), ("", None)],
)
async def test_a_web_request_waits_as_long_as_the_service_asks(header, least):
    replies = [{"status": 429, "headers": {"Retry-After": header}}, {"text": "ok"}]
    host = FakeHost({"http": replies})
    call = box("call", "tool.http", url="https://x.example/", settings={"retries": 1, **FAST})
    plan = plan_of(box("begin", "start"), call, edges="begin>call")
    outcome = await run(plan, host)
    [told] = [e for e in host.journal.events if e.type == "step.retrying"]
    assert outcome.status == "succeeded"
    assert (told.payload["delay_s"] >= least) if least else (told.payload["delay_s"] < 0.1)
