"""Which steps a run that starts from a step executes anew."""

import pytest

from app.engine.runtime.rerun import Rerun, node_at, places
from tests.engine.tiny import box, plan_of

BOXES = (
    box("start", "start"),
    box("a"),
    box("loop", "logic.for_each"),
    box("x", parent="loop"),
    box("y", parent="loop"),
    box("z", parent="loop"),
    box("b"),
    box("side"),
)
EDGES = "start>a a>loop x>y y>z loop.results>b start>side"
PATHS = (
    "start", "a", "loop", "loop[0]/x", "loop[0]/y", "loop[0]/z", "loop[1]/x", "loop[1]/y",
    "loop[1]/z", "loop[1.2]/x", "loop[2]/x", "b", "side",
)  # fmt: skip


@pytest.fixture
def plan():
    """start → a → loop(x → y → z) → b, and start → side."""
    return plan_of(*BOXES, edges=EDGES)


def chosen(rerun):
    return {path for path in PATHS if path in rerun}


def test_a_step_and_all_that_follows_it_with_bodies(plan):
    rerun = Rerun(plan)
    rerun.step("a")
    assert chosen(rerun) == set(PATHS) - {"start", "side"}


def test_what_follows_without_the_step_itself(plan):
    rerun = Rerun(plan)
    rerun.follows("loop")
    assert chosen(rerun) == {"b"}


def test_in_a_loop_whose_turns_are_apart_only_this_turn_and_what_is_around(plan):
    rerun = Rerun(plan)
    rerun.step("loop[1]/y")
    assert chosen(rerun) == {"loop", "loop[1]/y", "loop[1]/z", "loop[1.2]/x", "b"}


def test_in_a_loop_whose_turns_build_on_each_other_later_turns_too(plan, monkeypatch):
    monkeypatch.setitem(vars(plan.nodes["loop"].type), "iterations_apart", False)
    rerun = Rerun(plan)
    rerun.step("loop[0]/z")
    assert chosen(rerun) == {path for path in PATHS if path.startswith("loop[1")} | {
        "loop", "loop[0]/z", "loop[2]/x", "b",
    }  # fmt: skip


def test_a_new_node_makes_what_follows_it_anew(plan):
    before = plan_of(
        *(one for one in BOXES if one["id"] != "y"), edges="start>a a>loop loop.results>b"
    )
    rerun = Rerun(plan)
    rerun.changed_since(before)
    assert chosen(rerun) == {"loop", "loop[0]/y", "loop[0]/z", "loop[1]/y", "loop[1]/z", "b"}


def test_a_node_of_another_kind_is_new(plan):
    before = plan_of(
        *(box("a", "flaky") if one["id"] == "a" else one for one in BOXES), edges=EDGES
    )
    rerun = Rerun(plan)
    rerun.changed_since(before)
    assert chosen(rerun) == set(PATHS) - {"start", "side"}


def test_nothing_is_anew_when_nothing_changed(plan):
    rerun = Rerun(plan)
    rerun.changed_since(plan_of(*BOXES, edges=EDGES))
    assert chosen(rerun) == set()


@pytest.mark.parametrize("path", ["", "loop[x]/y", "a/b[", "loop[1/y", "[1]/x"])
def test_what_is_no_path_has_no_places_and_no_node(plan, path):
    assert places(path) == ()
    assert node_at(plan, path) is None


def test_a_node_is_found_through_its_containers(plan):
    found = node_at(plan, "loop[7.2]/y")
    assert found is not None
    assert found.id == "y"
    assert node_at(plan, "loop/y") is None
    assert node_at(plan, "loop[1]/a") is None


def test_in_a_circle_later_turns_and_what_follows_it_are_anew():
    circle = plan_of(
        box("start", "start"), box("head"), box("ask", "fork"), box("end"),
        edges="start>head head>ask ask.yes>head ask.no>end",
    )  # fmt: skip
    rerun = Rerun(circle)
    rerun.step("loop_head[1]/ask")
    paths = [
        "start",
        "loop_head",
        "loop_head[0]/ask",
        "loop_head[1]/head",
        "loop_head[2]/head",
        "end",
    ]
    assert [path for path in paths if path in rerun] == ["loop_head", "loop_head[2]/head", "end"]
    assert node_at(circle, "loop_head[1]/ask") is not None
