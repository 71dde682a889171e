"""Every node type obeys one policy: limits, tries, what becomes of an error, what stands in for it.

The run function of each type is replaced by one that fails or is slow; all else is the type's own.
"""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.host import Control, Limits, RunRequest
from app.engine.runtime import compile as compile_graph
from app.engine.runtime import execute
from app.engine.sdk import NodeType, Port, Result, UpstreamFailed, UpstreamRefused
from app.engine.sdk.node import ERROR_PORT
from app.engine.testing import FakeHost
from app.kernel.errors import BudgetExceeded
from tests.engine.tiny import NoPorts, Nothing, ask, echo, start

TYPES = [t for t in catalog().all() if not t.trigger]
FAST = {"retry_delay_s": 0.001, "backoff": "fixed"}
SOURCE = "conform.source"
each = pytest.mark.parametrize("node_type", TYPES, ids=lambda node_type: node_type.kind)
going_on = pytest.mark.parametrize(
    "node_type",
    [t for t in TYPES if not (t.container or t.stops)],
    ids=lambda node_type: node_type.kind,
)
retried = pytest.mark.parametrize(
    "node_type", [t for t in TYPES if not t.container], ids=lambda node_type: node_type.kind
)


@dataclass
class Subject:
    """A node type whose run function does what the test says; it counts its calls."""

    type: NodeType
    errors: list = field(default_factory=list)
    slow_s: float = 0
    calls: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, config, inputs, ctx):
        self.calls += 1
        self.began.set()
        await asyncio.sleep(self.slow_s)
        if self.errors:
            raise self.errors.pop(0)
        ports = self.type.output_ports(config.model_dump(mode="json"))
        return Result({port.name: None for port in ports})


class Types:
    """The subject between a source of its inputs and a node behind each of its outputs."""

    def __init__(self, subject):
        example = next(e for e in subject.type.examples if e.raises is None)
        self.inputs = example.inputs.model_dump(mode="json")
        self.config = example.config.model_dump(mode="json")
        self.nodes = example.world.get("nodes", {}) if example.world else {}
        tested = replace(subject.type, run=subject.run)
        sockets = [port for port in tested.input_ports() if port.type != "tool"]

        async def give(config, inputs, ctx):
            return Result({port.name: self.inputs.get(port.name) for port in sockets})

        source = replace(
            start, kind=SOURCE, run=give, config=Nothing, inputs=NoPorts, outputs=NoPorts,
            ports_for=lambda _: tuple(Port(name=p.name, title=p.name) for p in sockets),
        )  # fmt: skip
        self.sockets = sockets
        self._types = {one.kind: one for one in (source, tested, echo, ask)}

    def get(self, kind):
        return self._types.get(kind)

    def all(self):
        return tuple(self._types.values())


def plan_of(subject, **settings):
    types = Types(subject)
    tested = types.get(subject.type.kind)
    outputs = [p.name for p in tested.output_ports(types.config) if p.socket]
    if settings.get("on_error") == "error_port":
        outputs.append(ERROR_PORT)
    behind = [{"id": f"after_{name}", "kind": "test.echo"} for name in outputs]
    if subject.type.container:
        behind.append({"id": "inside", "kind": "test.echo", "parent": "tested"})
    wires = [("source", port.name, "tested", port.name) for port in types.sockets]
    wires += [("tested", name, f"after_{name}", "input") for name in outputs]
    graph = {
        "schema": 1,
        "nodes": [
            {"id": "source", "kind": SOURCE},
            {
                "id": "tested",
                "kind": subject.type.kind,
                "config": types.config,
                "settings": settings,
            },
            *behind,
        ],
        "edges": [
            {"id": f"e{i}", "source": s, "source_port": sp, "target": t, "target_port": tp}
            for i, (s, sp, t, tp) in enumerate(wires)
        ],
    }
    return compile_graph(parse_graph(graph), types)


async def run(plan, host=None, *, control=None, **more):
    host = host or FakeHost()
    request = RunRequest(
        run_id="run_1", workspace_id="wsp_1", workflow_id="wfl_1", input={"x": 1},
        limits=more.pop("limits", Limits(timeout_s=30)), **more,
    )  # fmt: skip
    outcome = await execute(plan, request, host, control=control)
    return outcome, host.journal.steps, host


def busy(count, **more):
    return [UpstreamFailed("The service is busy.", **more) for _ in range(count)]


@each
async def test_a_try_ends_at_its_time_limit(node_type):
    subject = Subject(node_type, slow_s=60)
    outcome, steps, _ = await run(plan_of(subject, timeout_s=0.05))
    assert (outcome.status, outcome.error["code"]) == ("failed", "step_timed_out")
    assert steps["tested"].status == "failed"


@retried
async def test_it_is_tried_as_often_as_its_settings_say_and_each_try_is_a_span(node_type):
    subject = Subject(node_type, busy(2, retry_after_s=0))
    outcome, steps, host = await run(plan_of(subject, retries=2, **FAST))
    assert outcome.status == "succeeded"
    assert (steps["tested"].attempt, subject.calls) == (3, 3)
    spans = [s for s in host.journal.spans.values() if s.kind == "attempt"]
    assert [s.status for s in spans] == ["failed", "failed", "succeeded"]


@retried
async def test_what_the_other_side_asks_for_is_the_least_that_is_waited(node_type):
    subject = Subject(node_type, busy(1, retry_after_s=0.1))
    _, _, host = await run(plan_of(subject, retries=1, **FAST))
    [told] = [e for e in host.journal.events if e.type == "step.retrying"]
    assert told.payload["delay_s"] >= 0.1


@each
async def test_what_cannot_help_is_not_tried(node_type):
    subject = Subject(node_type, [UpstreamRefused("No.") for _ in range(3)])
    outcome, _, _ = await run(plan_of(subject, retries=2, **FAST))
    assert (outcome.status, subject.calls) == ("failed", 1)


@each
async def test_a_failure_stops_the_run(node_type):
    outcome, steps, _ = await run(plan_of(Subject(node_type, busy(1))))
    assert (outcome.status, outcome.error["node_id"]) == ("failed", "tested")
    assert set(steps) == {"source", "tested"}


@each
async def test_a_failure_goes_on_with_the_default(node_type):
    plan = plan_of(Subject(node_type, busy(1)), on_error="continue", default=7)
    outcome, steps, _ = await run(plan)
    assert steps["tested"].status == "failed"
    assert outcome.status == ("failed" if node_type.stops else "succeeded")
    if plan.nodes["tested"].out:
        assert 7 in [s.output["value"] for p, s in steps.items() if p.startswith("after_")]


@going_on
async def test_after_the_last_try_the_error_port_alone_lives(node_type):
    subject = Subject(node_type, busy(9, retry_after_s=0))
    outcome, steps, _ = await run(plan_of(subject, on_error="error_port", retries=2, **FAST))
    assert (outcome.status, subject.calls) == ("succeeded", 3)
    assert steps["after_error"].status == "succeeded"
    assert steps["after_error"].output["value"]["code"] == "upstream_failed"
    others = [s.status for p, s in steps.items() if p.startswith("after_") and p != "after_error"]
    assert set(others) <= {"skipped"}


@each
async def test_a_failure_asks_a_person(node_type):
    outcome, steps, host = await run(plan_of(Subject(node_type, busy(1)), on_error="ask"))
    assert (outcome.status, steps["tested"].status) == ("waiting", "waiting_human")
    assert host.journal.approvals["tested"].question.recovery


@each
@pytest.mark.parametrize("on_error", ["continue", "error_port", "ask"])
async def test_a_spent_budget_is_never_passed_over(node_type, on_error):
    subject = Subject(node_type, [BudgetExceeded("The run used 3 tokens; its limit is 1.")] * 3)
    outcome, _, _ = await run(plan_of(subject, on_error=on_error, retries=2, **FAST))
    assert (outcome.status, outcome.error["code"]) == ("failed", "budget_exceeded")
    assert subject.calls == 1


@each
async def test_an_unexpected_exception_is_a_sentence(node_type):
    outcome, _, _ = await run(plan_of(Subject(node_type, [ValueError("a bug")])))
    assert (outcome.status, outcome.error["code"]) == ("failed", "step_failed")
    assert "ValueError: a bug" in outcome.error["message"]


@each
async def test_what_stands_in_for_it_keeps_it_from_being_executed(node_type):
    subject = Subject(node_type)
    _, steps, _ = await run(plan_of(subject, disabled=True))
    assert steps["tested"].origin == "disabled"
    ports = {p.name: 1 for p in node_type.output_ports(node_type.default_config)}
    _, steps, _ = await run(plan_of(subject), pins={"tested": ports})
    assert steps["tested"].origin == "pinned"
    assert steps["tested"].status == "succeeded"
    assert subject.calls == 0


@each
async def test_a_cancel_stops_it_in_the_middle(node_type):
    subject, control = Subject(node_type, slow_s=60), Control()
    running = asyncio.create_task(run(plan_of(subject), control=control))
    await asyncio.wait_for(subject.began.wait(), 10)
    control.cancelled.set()
    outcome, steps, _ = await asyncio.wait_for(running, 2)
    assert (outcome.status, steps["tested"].status) == ("canceled", "canceled")


@each
async def test_before_an_effect_that_must_not_happen_twice_its_begin_is_durable(node_type):
    subject = Subject(node_type)
    host, calls = FakeHost(), []
    record = host.journal.record

    async def watched(*facts):
        calls.append(
            ([f.path for f in facts if getattr(f, "status", "") == "running"], subject.calls)
        )
        await record(*facts)

    host.journal.record = watched
    plan = plan_of(subject)
    await run(plan, host)
    durable = any("tested" in paths and not count for paths, count in calls)
    assert durable != node_type.may_repeat(plan.nodes["tested"].config)


def test_external_types_say_when_they_may_be_repeated():
    """Whatever changes the outside is either asked about after a crash, or says why it need not be."""
    for node_type in TYPES:
        if node_type.effects == "external" and not node_type.retry_safe:
            config = {**node_type.default_config, "method": "POST", "operation": "set"}
            assert not node_type.may_repeat(config), node_type.kind
