"""Whose turn it is: fairness between workspaces, priority within one, limits."""

from datetime import UTC, datetime, timedelta

from app.services.runs.claiming.fairness import Candidate, Load, choose

START = datetime(2030, 1, 1, tzinfo=UTC)


def pending(
    name, workspace="w", *, after=0.0, priority=1, key=None, max_concurrent=None, workflow="f"
):
    return Candidate(
        id=name,
        workspace_id=workspace,
        group=(workflow, key),
        priority=priority,
        queued_at=START + timedelta(seconds=after),
        max_concurrent=max_concurrent,
    )


def names(candidates, free, load=None):
    return [one.id for one in choose(candidates, load or Load(), free)]


def test_the_first_to_come_goes_first():
    assert names([pending("b", after=2), pending("a", after=1), pending("c", after=3)], 2) == [
        "a",
        "b",
    ]


def test_urgent_runs_overtake_and_low_ones_let_pass():
    line = [
        pending("low", priority=2),
        pending("normal", after=1),
        pending("high", after=2, priority=0),
    ]
    assert names(line, 3) == ["high", "normal", "low"]


def test_each_level_is_worth_a_minute_so_that_nobody_starves():
    line = [
        pending("old and low", priority=2),
        pending("new and high", after=121, priority=0),
        pending("newer and normal", after=61, priority=1),
    ]
    assert names(line, 3) == ["old and low", "new and high", "newer and normal"]


def test_a_newcomer_does_not_wait_for_another_workspace_s_queue():
    crowd = [pending(f"crowd {at:03d}", "big", after=at / 100) for at in range(500)]
    newcomer = [pending(f"new {at}", "small", after=60 + at) for at in range(5)]
    order = names([*crowd, *newcomer], 20)
    assert [at for at, name in enumerate(order) if name.startswith("new")] == [1, 3, 5, 7, 9]


def test_the_workspace_with_the_fewest_runs_at_work_is_next():
    load = Load(workspaces={"busy": 2, "calm": 1})
    line = [pending(f"busy {at}", "busy", after=at) for at in range(3)]
    line += [pending(f"calm {at}", "calm", after=10 + at) for at in range(3)]
    assert names(line, 4, load) == ["calm 0", "busy 0", "calm 1", "busy 1"]


def test_even_workspaces_go_by_priority_then_time():
    line = [pending("a", "one", after=1), pending("b", "two", after=30, priority=0)]
    assert names(line, 1) == ["b"]


def test_a_workspace_at_its_limit_waits():
    load = Load(workspaces={"full": 2, "almost": 1}, most={"full": 2, "almost": 2})
    line = [pending("x", "full"), pending("y", "almost"), pending("z", "almost", after=1)]
    assert names(line, 9, load) == ["y"]
    assert load.workspaces == {"full": 2, "almost": 2}


def test_runs_that_share_a_key_go_one_after_the_other_and_others_pass_them():
    line = [
        pending("a1", key="a", max_concurrent=1),
        pending("a2", after=1, key="a", max_concurrent=1),
        pending("b1", after=2, key="b", max_concurrent=1),
        pending("free", after=3),
    ]
    assert names(line, 9) == ["a1", "b1", "free"]
    assert names(line, 9, Load(groups={("f", "a"): 1})) == ["b1", "free"]


def test_the_same_key_of_another_workflow_is_another_group():
    line = [
        pending("a", key="k", max_concurrent=1, workflow="f"),
        pending("b", after=1, key="k", max_concurrent=1, workflow="g"),
    ]
    assert names(line, 9) == ["a", "b"]
