"""A run's status and output are functions of its steps, in whatever order these came about."""

import itertools

import pytest

from app.engine.host import StepRecord
from app.engine.runtime.outcome import output_of, status_of, unhandled
from tests.engine.tiny import box, plan_of


def step(path, status, output=None, **more):
    return StepRecord(
        id=path,
        node_id=path.split("/")[-1],
        path=path,
        kind="test.echo",
        label="",
        status=status,
        output=output,
        **more,
    )


DONE = step("a", "succeeded", {"value": 1})
SKIPPED = step("b", "skipped")
WAITS = step("c", "waiting_human")
FAILED = step("d", "failed", error={"code": "x"})
HANDLED = step("e", "failed", {"error": {"code": "x"}})
FAILED_INSIDE = step("loop[0]/f", "failed")
WAITS_INSIDE = step("loop[0]/g", "waiting_human")


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ((), "succeeded"),
        ((DONE, SKIPPED), "succeeded"),
        ((DONE, HANDLED), "succeeded"),
        ((DONE, FAILED_INSIDE), "succeeded"),
        ((DONE, FAILED), "failed"),
        ((DONE, WAITS), "waiting"),
        ((DONE, WAITS_INSIDE), "waiting"),
        ((FAILED, WAITS), "waiting"),
    ],
)
def test_status_does_not_depend_on_the_order_of_steps(steps, status):
    assert {status_of(order) for order in itertools.permutations(steps)} == {status}


def test_the_failure_of_a_run_is_one_of_its_own_nodes():
    assert unhandled([FAILED_INSIDE, HANDLED, FAILED]) is FAILED
    assert unhandled([FAILED_INSIDE, HANDLED]) is None


PLAN = plan_of(
    box("begin", "start"),
    box("first", "reply"),
    box("second", "reply"),
    box("leaf"),
    edges="begin>first first>second begin>leaf",
)


def given(**outputs):
    return {name: step(name, "succeeded", {"value": value}) for name, value in outputs.items()}


def test_the_last_response_in_plan_order_wins_over_leaves():
    steps = given(second="2", leaf="leaf", first="1", begin="b")
    assert output_of(PLAN, steps) == "2"
    assert output_of(PLAN, given(leaf="leaf", first="1", begin="b")) == "1"


def test_a_failed_response_is_none():
    steps = {**given(leaf="leaf"), "second": step("second", "failed", {"value": "default"})}
    assert output_of(PLAN, steps) == {"second": "default", "leaf": "leaf"}


def test_one_leaf_gives_its_value_and_many_give_a_dict():
    plan = plan_of(box("begin", "start"), box("x"), box("y"), edges="begin>x begin>y")
    assert output_of(plan, given(begin=0, x=1, y=2)) == {"x": 1, "y": 2}
    assert output_of(plan, {**given(begin=0, x=1), "y": step("y", "skipped")}) == 1
    assert output_of(plan, {}) is None
