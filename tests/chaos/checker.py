"""The promises, as pure functions over evidence. Each returns what breaks it; nothing is the proof.

I1 no lost run, I2 no phantom run, I3 a finished step is never executed again, I4 effects that are not
safe to repeat happen at most once unless a person chose so, I5 one writer and terminal states stay, I6
dead processes are noticed in time, I7 sums agree, I8 events are gap-free and each is seen once, I9 a
run stays with its version.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.evidence import Death, Evidence, Row
from tests.chaos.graphs import WORK

PROMISES = 9
RUN_FINAL = frozenset({"succeeded", "failed", "canceled"})
STEP_FINAL = frozenset({"succeeded", "failed", "canceled", "skipped"})
RESTING = frozenset({"waiting", "paused"})
NOTICED_S = 30.0
FREED_S = 60.0
UNSAFE = frozenset({"pay"})
"""Nodes whose service does not know idempotency keys."""
FAILS_WITH = frozenset({"interrupted", "child_failed", "worker_lost"})
"""How a run may fail though nothing is wrong with it: a person stopped it or a run that it called, or its processes
died again and again."""
AT_REST_S = 1.0
"""So late the witness may read what was sent before a run came to rest."""


@dataclass(frozen=True)
class Violation:
    """A promise that was not kept."""

    promise: str
    run_id: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise} {self.run_id}: {self.what}"


def check(evidence: Evidence) -> list[Violation]:
    """All violations."""
    return [found for look in LOOKS for found in look(evidence)]


def no_lost_run(seen: Evidence) -> Iterator[Violation]:
    """I1: every acknowledged run is there, and over or openly waiting."""
    status = {run["id"]: run["status"] for run in seen.runs}
    asked = {a["run_id"] for a in seen.approvals if a["status"] == "open"}
    for key, run_id in seen.told.acknowledged.items():
        now = status.get(run_id, "gone")
        if now not in RUN_FINAL and not (now in RESTING and run_id in asked):
            yield Violation("I1", run_id, f"acknowledged under {key}, but {now}")
    asked |= {
        w["run_id"] for w in seen.waits if w["status"] == "open" and w["kind"] in ("signal", "run")
    }
    for run_id, now in status.items():
        if now not in RUN_FINAL and run_id not in asked:
            yield Violation("I1", run_id, f"{now}, and waits for nobody")
    for run_id in seen.told.canceled:
        if status.get(run_id) not in RUN_FINAL:
            yield Violation("I1", run_id, f"cancelled, but {status.get(run_id)}")
    left = {s["run_id"]: "a step" for s in seen.steps if s["status"] not in STEP_FINAL}
    left |= {w["run_id"]: "a wait" for w in seen.waits if w["status"] == "open"}
    left |= {a["run_id"]: "a question" for a in seen.approvals if a["status"] == "open"}
    left |= {
        r["parent_run_id"]: "a run it called" for r in seen.runs if r["status"] not in RUN_FINAL
    }
    for run_id, what in left.items():
        if status.get(run_id) in RUN_FINAL:
            yield Violation("I1", run_id, f"{status[run_id]}, but {what} is still open")


def all_work_done(seen: Evidence) -> Iterator[Violation]:
    """I1 and I2: a run that succeeded did what its shape says, and none does more; none fails by itself."""
    sent: dict[str, set[str]] = defaultdict(set)
    for effect in _effects(seen):
        sent[effect["run_id"]].add(effect["path"])
    passed: dict[str, set[str]] = defaultdict(set)
    for step in seen.steps:
        if step["status"] == "skipped" or step["origin"] == "copied":
            passed[step["run_id"]].add(step["path"])
    for run in seen.runs:
        run_id, code = run["id"], (run["error"] or {}).get("code")
        work = WORK.get(seen.told.workflows.get(run["workflow_id"], ""))
        if work is None:
            continue
        if run["status"] == "failed" and code not in FAILS_WITH:
            yield Violation("I1", run_id, f"failed with {code}, though nobody wanted that")
        missing = work - sent[run_id] - passed[run_id]
        if run["status"] == "succeeded" and missing:
            yield Violation("I1", run_id, f"succeeded without {sorted(missing)}")
        if more := sent[run_id] - work:
            yield Violation("I2", run_id, f"did what it was not to do: {sorted(more)}")


def no_phantom_run(seen: Evidence) -> Iterator[Violation]:
    """I2: nothing runs that was not acknowledged or whose start was answered with an error."""
    told = seen.told
    known = {run["idempotency_key"]: run["id"] for run in seen.runs if run["idempotency_key"]}
    for key, run_id in known.items():
        if key in told.refused:
            yield Violation("I2", run_id, f"{key} was answered with an error, but it runs")
        elif key not in told.acknowledged and key not in told.unclear:
            yield Violation("I2", run_id, f"{key} was never acknowledged")
    for key in told.twice:
        yield Violation("I2", told.acknowledged.get(key, ""), f"{key} gave two runs")
    ids = {run["id"] for run in seen.runs}
    for effect in _effects(seen):
        if effect["run_id"] not in ids:
            yield Violation("I2", effect["run_id"], f"an effect of no run: {effect['path']}")
    calls = Counter((run["parent_run_id"], run["parent_path"]) for run in seen.runs)
    for (run_id, path), count in calls.items():
        if run_id and count > 1:  # no shape calls again after a failure
            yield Violation("I2", run_id, f"{path} called {count} runs")


def no_repeated_step(seen: Evidence) -> Iterator[Violation]:
    """I3: nothing of a step is sent after its result was committed.

    A process that was frozen in the middle of sending it cannot know; the outside sees the same key
    again. It is told apart (`late_echoes`), because no program can prevent it.
    """
    frozen = _frozen(seen)
    for effect, committed in _after_commit(seen):
        if not _was_frozen(effect, frozen):
            late = effect["at"] - committed
            what = f"{effect['path']} was sent {late:.2f} s after its result was stored"
            yield Violation("I3", effect["run_id"], what)
    for row in seen.history:
        if row["what"] == "rewritten":
            yield Violation("I3", row["run_id"], f"the result of {row['path']} was replaced")


def results_are_real(seen: Evidence) -> Iterator[Violation]:
    """I3: a stored result is what the outside gave, or a copy of another run's."""
    nonces = defaultdict(set)
    for effect in _effects(seen):
        nonces[(effect["run_id"], effect["path"])].add(effect["nonce"])
    outputs = {(step["run_id"], step["path"]): step["output"] for step in seen.steps}
    source = {run["id"]: run["forked_from"] for run in seen.runs}
    for step in seen.steps:
        if step["origin"] == "copied":
            if step["output"] != outputs.get((source[step["run_id"]], step["path"])):
                yield Violation("I3", step["run_id"], f"{step['path']} is no copy of what it was")
        elif step["kind"] == "tool.http" and step["status"] == "succeeded":
            body = (step["output"] or {}).get("body")
            nonce = body.get("nonce") if isinstance(body, dict) else None
            if nonce not in nonces[(step["run_id"], step["path"])]:
                yield Violation("I3", step["run_id"], f"{step['path']} has a result nobody gave")


def late_echoes(seen: Evidence) -> int:
    """Effects that a process, frozen in the middle of sending, sent after another had finished it."""
    frozen = _frozen(seen)
    return sum(_was_frozen(effect, frozen) for effect, _ in _after_commit(seen))


def at_most_once(seen: Evidence) -> Iterator[Violation]:
    """I4: an unsafe effect happens once, and once more for each time a person chose retry; a safe one
    carries the same key each time.
    """
    retries = Counter(
        (a["run_id"], a["step_path"])
        for a in seen.approvals
        if a["question"].get("recovery") and (a["answer"] or {}).get("choice") == "retry"
    )
    frozen = _frozen(seen)
    sent = Counter(
        (effect["run_id"], effect["path"])
        for effect in _effects(seen)
        if not _was_frozen(effect, frozen)
    )
    for step, times in sent.items():
        if _node(step[1]) in UNSAFE and times > 1 + retries[step]:
            what = f"{step[1]} took effect {times} times, {retries[step]} retries were chosen"
            yield Violation("I4", step[0], what)
    keys = defaultdict(set)
    for effect in _effects(seen):
        keys[(effect["run_id"], effect["path"])].add(effect["key"])
    for (run_id, path), used in keys.items():
        if len(used) > 1 or not all(used):
            yield Violation("I4", run_id, f"{path} was sent with the keys {sorted(used)}")


def one_writer(seen: Evidence) -> Iterator[Violation]:
    """I5: epochs only grow, terminal states never change, a result is its writer's own, and nothing is
    sent for a run that is paused, waits, or is over.
    """
    epochs: dict[str, int] = {}
    for row in seen.history:
        run_id, final = row["run_id"], RUN_FINAL if row["what"] == "run" else STEP_FINAL
        if row["epoch"] is not None:
            if row["epoch"] < epochs.get(run_id, 0):
                yield Violation("I5", run_id, f"epoch {epochs[run_id]} became {row['epoch']}")
            epochs[run_id] = row["epoch"]
        if row["what"] in ("run", "step") and row["was"] in final and row["is_now"] != row["was"]:
            name = row["path"] or "the run"
            yield Violation("I5", run_id, f"{name}: {row['was']} became {row['is_now']}")
    frozen = _frozen(seen)
    rests = _rests(seen)
    for effect in _effects(seen):
        for began, ended, status in rests[effect["run_id"]]:
            if began + AT_REST_S < effect["at"] < ended and not _was_frozen(effect, frozen):
                what = f"{effect['path']} was sent while the run was {status}"
                yield Violation("I5", effect["run_id"], what)
    by_nonce = {effect["nonce"]: effect for effect in _effects(seen)}
    writers = {
        (row["run_id"], row["path"]): _pid(row["worker"])
        for row in seen.history
        if row["what"] == "step" and row["is_now"] == "succeeded" and row["worker"]
    }
    for step in seen.steps:
        body = (step["output"] or {}).get("body") if step["status"] == "succeeded" else None
        effect = by_nonce.get(body.get("nonce")) if isinstance(body, dict) else None
        writer = writers.get((step["run_id"], step["path"]))
        if effect and writer and effect["pid"] != writer:
            what = f"{step['path']} was done by process {effect['pid']}, recorded under {writer}"
            yield Violation("I5", step["run_id"], what)


def noticed_in_time(seen: Evidence) -> Iterator[Violation]:
    """I6: what a dead process held goes on elsewhere within a minute."""
    for run_id, seconds in takeovers(seen):
        if seconds > FREED_S:
            yield Violation("I6", run_id, f"taken over {seconds:.1f} s after its process died")


def takeovers(seen: Evidence) -> list[tuple[str, float]]:
    """For each run that a process held when it died: seconds until somebody else did something with
    it. Times in which the database or Redis was away do not count.
    """
    changes: dict[str, list[Row]] = defaultdict(list)
    for row in seen.history:
        if row["what"] == "run":
            changes[row["run_id"]].append(row)
    kills = {death.pid: death.at for death in seen.deaths if death.deed == "kill"}
    found = []
    for run_id, rows in changes.items():
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            died = kills.get(_pid(row["worker"])) if row["is_now"] == "running" else None
            if died is None or died < row["at"]:
                continue
            if after is None:
                found.append((run_id, float("inf")))
            elif after["at"] > died:
                found.append((run_id, _without_outages(died, after["at"], seen.outages)))
    return found


def sums_agree(seen: Evidence) -> Iterator[Violation]:
    """I7: tokens over steps = tokens of the run = tokens in the ledger."""
    ledger: Counter[str] = Counter()
    of_steps: Counter[str] = Counter()
    for call in seen.calls:
        ledger[call["run_id"]] += call["input_tokens"] + call["output_tokens"]
    for step in seen.steps:
        of_steps[step["run_id"]] += step["tokens"]
    for run in seen.runs:
        sums = (of_steps[run["id"]], run["tokens"], ledger[run["id"]])
        if len(set(sums)) > 1:
            yield Violation("I7", run["id"], f"steps, run, ledger: {sums}")


def ordered_events(seen: Evidence) -> Iterator[Violation]:
    """I8: events count from 1 without gaps, the last one is the end, and followers saw each once."""
    numbers: dict[str, list[int]] = defaultdict(list)
    last: dict[str, str] = {}
    ends: Counter[str] = Counter()
    for event in seen.events:
        numbers[event["run_id"]].append(event["seq"])
        last[event["run_id"]] = event["type"]
        ends[event["run_id"]] += event["type"] in _ENDS.values()
    for run in seen.runs:
        stored = numbers[run["id"]]
        if stored != list(range(1, len(stored) + 1)):
            yield Violation("I8", run["id"], f"event numbers {stored}")
        end = _ENDS.get(run["status"])
        if end and (last.get(run["id"]) != end or ends[run["id"]] != 1):
            what = f"{run['status']}, but its last event is {last.get(run['id'])}"
            yield Violation("I8", run["id"], what)
    for run_id, got in seen.told.followed.items():
        if got != numbers[run_id]:
            yield Violation("I8", run_id, f"a follower got {got} of {len(numbers[run_id])} events")


_ENDS = {"succeeded": "run.completed", "failed": "run.failed", "canceled": "run.canceled"}


def pinned_version(seen: Evidence) -> Iterator[Violation]:
    """I9: a run's version never changes, also when another one goes on from it, and what it sends is
    what that version says.
    """
    for row in seen.history:
        if row["what"] == "repinned":
            yield Violation("I9", row["run_id"], f"version {row['was']} became {row['is_now']}")
    of_run = {run["id"]: run["version_id"] for run in seen.runs}
    for run in seen.runs:
        if run["forked_from"] and run["version_id"] != of_run.get(run["forked_from"]):
            yield Violation(
                "I9", run["id"], f"goes on from {run['forked_from']} in another version"
            )
    texts: dict[str, set[str]] = defaultdict(set)
    for effect in _effects(seen):
        if effect.get("version") is not None and effect["run_id"] in of_run:
            texts[of_run[effect["run_id"]]].add(str(effect["version"]))
    for version, sent in texts.items():
        if len(sent) > 1:
            yield Violation("I9", version, f"runs of one version sent {sorted(sent)}")


LOOKS: tuple[Callable[[Evidence], Iterator[Violation]], ...] = (
    no_lost_run, all_work_done, no_phantom_run, no_repeated_step, results_are_real, at_most_once, one_writer, noticed_in_time,
    sums_agree, ordered_events, pinned_version,
)  # fmt: skip


def _effects(seen: Evidence) -> Iterator[Row]:
    return (effect for effect in seen.effects if effect["what"] == "effect")


def _rests(seen: Evidence) -> dict[str, list[tuple[float, float, str]]]:
    """When each run was at rest or over: from, to, and how."""
    changes: dict[str, list[Row]] = defaultdict(list)
    for row in seen.history:
        if row["what"] == "run":
            changes[row["run_id"]].append(row)
    found: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for run_id, rows in changes.items():
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            if row["is_now"] in RESTING | RUN_FINAL:
                end = after["at"] if after else float("inf")
                found[run_id].append((row["at"], end, row["is_now"]))
    return found


def _after_commit(seen: Evidence) -> Iterator[tuple[Row, float]]:
    stored = {
        (row["run_id"], row["path"]): row["at"]
        for row in seen.history
        if row["what"] == "step" and row["is_now"] == "succeeded"
    }
    for effect in _effects(seen):
        at = stored.get((effect["run_id"], effect["path"]))
        if at is not None and effect["at"] > at + 0.05:
            yield effect, at


def _frozen(seen: Evidence) -> dict[int, list[Death]]:
    frozen = defaultdict(list)
    for death in seen.deaths:
        if death.deed == "stop":
            frozen[death.pid].append(death)
    return frozen


def _was_frozen(effect: Row, frozen: dict[int, list[Death]]) -> bool:
    """Whether its sender had just been woken: half a second is what it takes to notice."""
    return any(
        death.at <= effect["at"] <= (death.until or float("inf")) + 1.0
        for death in frozen.get(effect["pid"], ())
    )


def _without_outages(start: float, end: float, outages: list[tuple[float, float]]) -> float:
    """Seconds between two moments in which nothing was away."""
    total, reached = end - start, start
    for began, ended in sorted(outages):
        low, high = max(began, reached), min(ended, end)
        if high > low:
            total, reached = total - (high - low), high
    return total


def _node(path: str) -> str:
    return path.rpartition("/")[2]


def _pid(worker: str | None) -> int:
    return int(worker.rpartition("-")[2]) if worker else 0
