"""How the shown run of a page is followed: patches, small vars, turning to another run."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from app.components.canvas.protocol import Patch
from app.engine.events import Event
from app.state.runs import live
from app.state.runs.live import RunState, Summary, until
from app.state.runs.patches import patch_of
from app.state.socket.push import push_script


def event(seq, type_, path=None, **payload):
    return Event(
        seq=seq, at=datetime(2026, 1, 1, tzinfo=UTC), workspace_id="w", run_id="r", type=type_,
        node_id=path, path=path, payload=payload,
    )  # fmt: skip


def step(path, status, **more):
    return {"id": f"s_{path}", "path": path, "node_id": path, "status": status, **more}


def test_a_patch_holds_only_the_latest_state_of_each_step_and_span():
    patch = patch_of("r", 3, [
        event(4, "step.started", "a", step=step("a", "running")),
        event(5, "span.started", "a", span={"id": "x", "status": "running"}),
        event(6, "span.ended", "a", span={"id": "x", "status": "ok"}),
        event(7, "step.completed", "a", step=step("a", "succeeded")),
        event(8, "run.completed", run={"status": "succeeded", "tokens": 3}),
    ])  # fmt: skip
    assert (patch.from_, patch.seq) == (3, 8)
    assert [one["status"] for one in patch.steps] == ["succeeded"]
    assert [one["status"] for one in patch.spans] == ["ok"]
    assert patch.run == {"status": "succeeded", "tokens": 3}


def test_tokens_are_joined_and_a_whole_text_replaces_them():
    said = [event(0, "llm.token", "a", text=text) for text in ("He", "llo")]
    assert patch_of("r", 9, said).tokens == {"a": "Hello"}
    whole = event(0, "llm.token", "a", text="Hello, wor", replace=True)
    patch = patch_of("r", 9, [*said, whole, event(0, "llm.token", "a", text="ld")])
    assert (patch.texts, patch.tokens, patch.seq) == ({"a": "Hello, world"}, {}, 9)


def test_a_question_and_log_lines_go_with_their_step():
    patch = patch_of("r", 0, [
        event(1, "step.log", "a", message="Looked.", fields={"n": 1}),
        event(2, "step.waiting_human", "a", step=step("a", "waiting_human"), approval_id="apr",
              question={"title": "OK?"}),
    ])  # fmt: skip
    assert patch.logs["a"][0]["message"] == "Looked."
    asked = patch.approvals[0]
    assert (asked["step_id"], asked["path"], asked["question"]) == ("s_a", "a", {"title": "OK?"})


def test_the_pushed_script_holds_nothing_but_json_and_one_call():
    nasty = "'); alert(1); //\u2028</script>"
    script = push_script(patch_of("r", 0, [event(0, "llm.token", "a", text=nasty)]))
    head, _, tail = script.partition(".push(it) { this.queue.push(it); }}).push(")
    argument = script.rpartition(").push(")[2].removesuffix(")")
    text = json.loads(argument)
    assert isinstance(text, str)  # numbers in a script would be rounded
    assert json.loads(text)["tokens"] == {"a": nasty}
    assert script.isascii()
    assert head.startswith("(window.agentloomLive")
    assert "\n" not in tail


def test_small_vars_are_set_at_once_on_a_new_status_and_else_twice_a_second(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    summary = Summary()

    def due(**run):
        return summary.add(Patch(run_id="r", from_=0, seq=1, run=run))

    assert due(status="running", tokens=0)
    assert not due(tokens=5)
    clock[0] += 0.6
    assert due(tokens=6)
    assert not summary.add(Patch(run_id="r", from_=0, seq=1))
    assert due(status="succeeded")
    assert summary.run == {"status": "succeeded", "tokens": 6}


async def test_following_ends_when_the_page_turns_to_another_run():
    closed = asyncio.Event()

    async def endless():
        try:
            yield [event(1, "run.started")]
            await asyncio.Event().wait()
        finally:
            closed.set()

    wake, seen = asyncio.Event(), []
    async with asyncio.timeout(5):
        async for batch in until(endless(), wake):
            seen.append(batch[0].seq)
            wake.set()
    assert seen == [1]
    assert closed.is_set()


async def test_an_error_of_the_source_reaches_the_watcher():
    async def broken():
        yield [event(1, "run.started")]
        raise LookupError

    with pytest.raises(LookupError):
        async for _ in until(broken(), asyncio.Event()):
            pass


class FakeDatabase:
    def read(self):
        return aclosing(self)

    async def aclose(self):
        pass


class FakeParts:
    database = FakeDatabase()


async def test_patches_begin_where_the_trace_will_be_loaded_and_leave_no_gap(monkeypatch):
    async def last_seq(uow, acting, run_id):
        return 4

    async def follow(app, actor, run_id, after_seq):
        assert after_seq == 4
        yield [event(5, "step.started", "a", step=step("a", "running"))]
        yield []
        yield [
            event(6, "step.completed", "a", step=step("a", "succeeded")),
            event(7, "run.completed", run={}),
        ]

    monkeypatch.setattr(live, "last_seq", last_seq)
    monkeypatch.setattr(live, "follow", follow)
    found = [patch async for patch in live.patches(FakeParts(), None, "r", asyncio.Event())]
    assert [(patch.from_, patch.seq) for patch in found] == [(4, 4), (4, 5), (5, 7)]


def test_showing_another_run_wakes_the_watcher_of_this_tab_only():
    state = RunState(_reflex_internal_init=True)
    tab = state.router.session.client_token
    with live._wake_of(tab) as mine, live._wake_of("another tab") as other:
        state.show("run_2", "wfl_1")
        assert state.shown == "run_2"
        assert mine.is_set()
        assert not other.is_set()
    assert tab not in live._wakes
    state.show("run_3", "wfl_1")


def test_a_reconnected_tab_keeps_its_new_watcher_when_the_old_one_ends():
    old = live._wake_of("tab")
    old.__enter__()
    with live._wake_of("tab") as fresh:
        old.__exit__(None, None, None)
        assert live._wakes["tab"] is fresh
