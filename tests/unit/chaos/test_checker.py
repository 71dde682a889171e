"""The judge of the fault tests is not blind: each broken promise is named, and a sound run is not."""

from copy import deepcopy

import pytest

from tests.chaos.checker import check, late_echoes, takeovers
from tests.chaos.evidence import Death, Evidence, Told


def change(at, what, was, now, path=None, epoch=1, worker="host-7"):
    return {"at": at, "what": what, "run_id": "r", "path": path, "was": was, "is_now": now, "epoch": epoch, "worker": worker}  # fmt: skip


def effect(at, path="pay", pid=7, nonce="n1", **more):
    return {"what": "effect", "at": at, "run_id": "r", "path": path, "key": f"r:{path}", "pid": pid, "nonce": nonce, "version": "a", **more}  # fmt: skip


SOUND = Evidence(
    told=Told(acknowledged={"k": "r"}, followed={"r": [1, 2]}),
    runs=[{"id": "r", "version_id": "v", "status": "succeeded", "idempotency_key": "k", "tokens": 18, "epoch": 1}],
    steps=[{"run_id": "r", "path": "pay", "node_id": "pay", "kind": "tool.http", "status": "succeeded", "tokens": 18,
            "output": {"body": {"nonce": "n1"}}}],
    events=[{"run_id": "r", "seq": 1, "type": "run.started", "path": None},
            {"run_id": "r", "seq": 2, "type": "run.completed", "path": None}],
    calls=[{"run_id": "r", "step_path": "pay", "input_tokens": 11, "output_tokens": 7}],
    approvals=[],
    history=[change(1.0, "run", "pending", "running"), change(2.0, "step", None, "running", "pay"),
             change(3.0, "step", "running", "succeeded", "pay"), change(4.0, "run", "running", "succeeded", worker=None)],
    versions=[],
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
        ("I1", lambda seen: seen.steps[0].update(status="running")),
        ("I2", lambda seen: (seen.told.acknowledged.clear(), seen.told.refused.add("k"))),
        ("I2", lambda seen: seen.told.acknowledged.clear()),
        ("I2", lambda seen: seen.told.twice.append("k")),
        ("I2", lambda seen: seen.effects.append(effect(2.0, run_id="nobody"))),
        ("I3", lambda seen: seen.effects.append(effect(3.5))),
        ("I3", lambda seen: seen.history.append(change(3.5, "rewritten", "succeeded", "succeeded", "pay"))),
        ("I3", lambda seen: seen.steps[0].update(output={"body": {"nonce": "other"}})),
        ("I4", lambda seen: seen.effects.append(effect(2.0, nonce="n0"))),
        ("I4", lambda seen: seen.effects.append(effect(2.0, path="safe", key="another"))or seen.effects.append(effect(2.1, path="safe"))),
        ("I5", lambda seen: seen.history.append(change(5.0, "run", "succeeded", "running"))),
        ("I5", lambda seen: seen.history.append(change(5.0, "step", "succeeded", "failed", "pay"))),
        ("I5", lambda seen: seen.history.insert(1, change(1.5, "run", "running", "running", epoch=3))),
        ("I5", lambda seen: seen.effects[0].update(pid=8)),
        ("I6", lambda seen: (seen.deaths.append(Death(1.5, 7, "kill")), seen.history.__setitem__(3, change(90.0, "run", "running", "failed", worker=None)))),
        ("I7", lambda seen: seen.steps[0].update(tokens=0)),
        ("I7", lambda seen: seen.calls.clear()),
        ("I8", lambda seen: seen.events[1].update(seq=3)),
        ("I8", lambda seen: seen.events[1].update(type="run.progress")),
        ("I8", lambda seen: seen.told.followed.update(r=[1, 2, 2])),
        ("I9", lambda seen: seen.history.append(change(5.0, "repinned", "v", "w"))),
        ("I9", lambda seen: seen.effects.append(effect(2.0, path="e", version="b"))),
    ],
)  # fmt: skip
def test_a_broken_promise_is_named(promise, change_it):
    assert promise in broken(change_it)


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
