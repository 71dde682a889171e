"""The judge of the fault tests is not blind: each broken promise is named, and a sound run is not."""

from copy import deepcopy

import pytest

from tests.chaos.checker import check, late_echoes, takeovers
from tests.chaos.evidence import Death, Evidence, Told
from tests.chaos.graphs import WORK
from tests.chaos.storm import SHAPES


def change(at, what, was, now, path=None, epoch=1, worker="host-7"):
    return {"at": at, "what": what, "run_id": "r", "path": path, "was": was, "is_now": now, "epoch": epoch, "worker": worker}  # fmt: skip


def effect(at, path="pay", pid=7, nonce="n1", **more):
    return {"what": "effect", "at": at, "run_id": "r", "path": path, "key": f"r:{path}", "pid": pid, "nonce": nonce, "version": "a", **more}  # fmt: skip


def run(run_id, **more):
    return {"id": run_id, "workflow_id": "w", "version_id": "v", "status": "succeeded", "idempotency_key": None, "tokens": 0,
            "epoch": 1, "error": None, "forked_from": None, "parent_run_id": None, "parent_path": None, **more}  # fmt: skip


def step(path, run_id="r", **more):
    return {"run_id": run_id, "path": path, "node_id": path, "kind": "tool.http", "status": "succeeded", "origin": None, "tokens": 0,
            "output": None, **more}  # fmt: skip


def called(seen, run_id="c", status="succeeded", path="call"):
    seen.runs.append(run(run_id, status=status, parent_run_id="r", parent_path=path))
    if status == "succeeded":
        seen.events.append({"run_id": run_id, "seq": 1, "type": "run.completed", "path": None})


def forked(seen, version="v", nonce="n1"):
    """Another run goes on from it and takes its step over."""
    seen.runs.append(run("f", version_id=version, forked_from="r"))
    seen.steps.append(step("pay", "f", origin="copied", output={"body": {"nonce": nonce}}))
    seen.events.append({"run_id": "f", "seq": 1, "type": "run.completed", "path": None})
    seen.history.append(
        {**change(6.0, "step", None, "succeeded", "pay", worker=None), "run_id": "f"}
    )


def of_shape(seen, shape, paths=("before", "after"), status="succeeded", error=None):
    """It is a run of a shape, and did this."""
    seen.told.workflows["w"] = shape
    seen.runs[0].update(status=status, error=error)
    seen.effects[:] = [effect(2.5, path=path, nonce=path) for path in paths]
    seen.steps[:] = [
        step(path, tokens=18 * (not n), output={"body": {"nonce": path}})
        for n, path in enumerate(paths)
    ]
    if status == "failed":
        seen.events[-1].update(type="run.failed")


def paused(seen, until, at):
    """It was paused from 2.6 on; an effect was sent."""
    seen.history[2:2] = [
        change(2.6, "run", "running", "paused"),
        change(until, "run", "paused", "running"),
    ]
    seen.effects[0].update(at=at)
    seen.history[4:] = [
        change(90.0, "step", "running", "succeeded", "pay"),
        change(91.0, "run", "running", "succeeded", worker=None),
    ]


SOUND = Evidence(
    told=Told(acknowledged={"k": "r"}, followed={"r": [1, 2]}),
    runs=[run("r", idempotency_key="k", tokens=18)],
    steps=[step("pay", tokens=18, output={"body": {"nonce": "n1"}})],
    events=[{"run_id": "r", "seq": 1, "type": "run.started", "path": None},
            {"run_id": "r", "seq": 2, "type": "run.completed", "path": None}],
    calls=[{"run_id": "r", "step_path": "pay", "input_tokens": 11, "output_tokens": 7}],
    approvals=[],
    history=[change(1.0, "run", "pending", "running"), change(2.0, "step", None, "running", "pay"),
             change(3.0, "step", "running", "succeeded", "pay"), change(4.0, "run", "running", "succeeded", worker=None)],
    waits=[],
    effects=[effect(2.5)],
    deaths=[],
)  # fmt: skip


def retried(seen):
    seen.approvals.append({"run_id": "r", "step_path": "pay", "status": "answered", "question": {"recovery": True}, "answer": {"choice": "retry"}})  # fmt: skip


def broken(change_it) -> set[str]:
    seen = deepcopy(SOUND)
    change_it(seen)
    return {one.promise for one in check(seen)}


def test_a_sound_run_breaks_nothing():
    assert check(SOUND) == []


@pytest.mark.parametrize(
    ("promise", "change_it"),
    [
        ("I1", lambda seen: seen.runs[0].update(status="running")),
        ("I1", lambda seen: seen.told.acknowledged.update(other="gone")),
        ("I1", lambda seen: seen.runs[0].update(status="waiting")),
        ("I1", lambda seen: (seen.runs.append(run("x", status="waiting")), seen.waits.append({"run_id": "x", "status": "open", "kind": "turn"}))),
        ("I1", lambda seen: seen.steps[0].update(status="running")),
        ("I1", lambda seen: seen.waits.append({"run_id": "r", "status": "open", "kind": "time"})),
        ("I1", lambda seen: seen.approvals.append({"run_id": "r", "step_path": "a", "status": "open", "question": {}, "answer": None})),
        ("I1", lambda seen: called(seen, status="waiting")),
        ("I1", lambda seen: of_shape(seen, "wait", ["before"])),
        ("I1", lambda seen: of_shape(seen, "wait", status="failed", error={"code": "storage_down"})),
        ("I2", lambda seen: (seen.told.acknowledged.clear(), seen.told.refused.add("k"))),
        ("I2", lambda seen: seen.told.acknowledged.clear()),
        ("I2", lambda seen: seen.told.twice.append("k")),
        ("I2", lambda seen: seen.effects.append(effect(2.0, run_id="nobody"))),
        ("I2", lambda seen: (called(seen), called(seen, "d"))),
        ("I2", lambda seen: of_shape(seen, "late", ["before", "instead", "never"])),
        ("I3", lambda seen: seen.effects.append(effect(3.5))),
        ("I3", lambda seen: forked(seen, nonce="other")),
        ("I3", lambda seen: (forked(seen), seen.effects.append(effect(7.0, run_id="f", nonce="n2")))),
        ("I3", lambda seen: seen.history.append(change(3.5, "rewritten", "succeeded", "succeeded", "pay"))),
        ("I3", lambda seen: seen.steps[0].update(output={"body": {"nonce": "other"}})),
        ("I4", lambda seen: seen.effects.append(effect(2.0, nonce="n0"))),
        ("I4", lambda seen: seen.effects.append(effect(2.0, path="safe", key="another"))or seen.effects.append(effect(2.1, path="safe"))),
        ("I5", lambda seen: seen.history.append(change(5.0, "run", "succeeded", "running"))),
        ("I5", lambda seen: seen.history.append(change(5.0, "step", "succeeded", "failed", "pay"))),
        ("I5", lambda seen: seen.history.insert(1, change(1.5, "run", "running", "running", epoch=3))),
        ("I5", lambda seen: seen.effects[0].update(pid=8)),
        ("I5", lambda seen: paused(seen, until=9.0, at=5.0)),
        ("I5", lambda seen: seen.effects.append(effect(7.0, path="other", nonce="n2"))),
        ("I6", lambda seen: (seen.deaths.append(Death(1.5, 7, "kill")), seen.history.__setitem__(3, change(90.0, "run", "running", "failed", worker=None)))),
        ("I7", lambda seen: seen.steps[0].update(tokens=0)),
        ("I7", lambda seen: seen.calls.clear()),
        ("I8", lambda seen: seen.events[1].update(seq=3)),
        ("I8", lambda seen: seen.events[1].update(type="run.progress")),
        ("I8", lambda seen: seen.told.followed.update(r=[1, 2, 2])),
        ("I9", lambda seen: seen.history.append(change(5.0, "repinned", "v", "w"))),
        ("I9", lambda seen: forked(seen, version="w")),
        ("I9", lambda seen: seen.effects.append(effect(2.0, path="e", version="b"))),
    ],
)  # fmt: skip
def test_a_broken_promise_is_named(promise, change_it):
    assert promise in broken(change_it)


@pytest.mark.parametrize(
    "change_it",
    [
        forked,
        called,
        lambda seen: (called(seen), called(seen, "d", path="loop[1]/call")),
        lambda seen: of_shape(seen, "wait"),
        lambda seen: of_shape(seen, "wait", status="failed", error={"code": "interrupted"}),
        lambda seen: (of_shape(seen, "approval", ["before"]), seen.steps.append(step("after", status="skipped"))),
        lambda seen: paused(seen, until=4.0, at=5.0),
        lambda seen: seen.effects.append(effect(4.5, path="other", nonce="n2")),
    ],
)  # fmt: skip
def test_what_else_a_sound_run_may_do(change_it):
    assert broken(change_it) == set()


def test_every_shape_of_a_storm_has_its_expected_work():
    assert set(SHAPES) == set(WORK)


def test_a_person_may_choose_to_repeat_an_unsafe_effect():
    assert (
        broken(lambda seen: (retried(seen), seen.effects.append(effect(2.0, nonce="n0")))) == set()
    )


def test_an_echo_of_a_frozen_process_is_counted_apart():
    seen = deepcopy(SOUND)
    seen.effects.append(effect(3.6, pid=9, nonce="n2"))
    seen.deaths.append(Death(2.0, 9, "stop", until=3.5))
    assert (check(seen), late_echoes(seen)) == ([], 1)


def test_a_takeover_is_measured_without_the_time_in_which_the_database_was_away():
    seen = deepcopy(SOUND)
    seen.history.append(change(11.5, "run", "running", "running", epoch=2, worker="host-8"))
    seen.history[3] = change(12.0, "run", "running", "succeeded", epoch=2, worker=None)
    seen.history[3], seen.history[4] = seen.history[4], seen.history[3]
    seen.deaths.append(Death(2.5, 7, "kill"))
    seen.outages.append((3.0, 9.0))
    assert takeovers(seen) == [("r", 3.0)]
