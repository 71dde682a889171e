"""Cancel, wait, resume, lose the lease: what stays and what runs again."""

import asyncio

import pytest

from app.engine.host import Limits
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from app.kernel.errors import Fenced, StorageDown
from tests.engine.tiny import box, executed, go_on, output, plan_of, run, statuses


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


STUCK = [box("begin", "start"), box("stuck", "meet", others=["nobody"]), box("after")]


async def test_cancel_stops_a_node_in_the_middle():
    host, cancelled = FakeHost(), asyncio.Event()
    running = asyncio.create_task(
        run(plan_of(*STUCK, edges="begin>stuck stuck>after"), host, cancelled=cancelled)
    )
    await until(lambda: "stuck" in statuses(host))
    cancelled.set()
    outcome = await asyncio.wait_for(running, 2)
    assert outcome.status == "canceled"
    assert statuses(host) == {"begin": "succeeded", "stuck": "canceled"}
    assert [e.type for e in host.journal.events][-2:] == ["step.canceled", "run.canceled"]
    assert host.journal.patches[-1].status == "canceled"


async def test_a_run_canceled_before_it_starts_runs_nothing():
    host, cancelled = FakeHost(), asyncio.Event()
    cancelled.set()
    outcome = await run(plan_of(*STUCK, edges="begin>stuck"), host, cancelled=cancelled)
    assert outcome.status == "canceled"
    assert await executed(host) == []


async def test_shutting_down_writes_nothing_more_and_the_run_goes_on_elsewhere():
    first, nodes = FakeHost(), [*STUCK]
    plan = plan_of(*nodes, edges="begin>stuck stuck>after")
    running = asyncio.create_task(run(plan, first, 1))
    await until(lambda: "stuck" in statuses(first))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert statuses(first)["stuck"] == "running"
    second = FakeHost()
    await second.memory.put("met", "nobody", True)
    outcome = await go_on(plan, first, second, 1)
    assert (outcome.status, outcome.output) == ("succeeded", "stuck")
    assert await executed(second) == ["stuck", "after"]


async def test_a_fenced_run_stops_everything_and_writes_no_more():
    host = FakeHost()
    host.journal.fenced_at = 1
    nodes = [
        box("begin", "start"),
        box("a", "meet", others=["stuck"]),
        box("stuck", "meet", others=["nobody"]),
    ]
    with pytest.raises(Fenced):
        await asyncio.wait_for(run(plan_of(*nodes, edges="begin>a begin>stuck"), host), 2)
    assert statuses(host) == {"begin": "succeeded", "a": "running", "stuck": "running"}
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("parent", [None, "rows"])
async def test_a_database_that_is_away_fails_no_step(parent):
    async def away(request):
        raise StorageDown("The database does not answer.")

    first, second = FakeHost(), FakeHost()
    first.http = away
    settings = {"on_error": "continue", "retries": 2, "retry_delay_s": 0}
    rows = [box("rows", "logic.for_each", on_item_error="skip")] if parent else []
    fetch = box("a", "fetch", value="https://a.example", parent=parent, settings=settings)
    plan = plan_of(box("begin", "start"), *rows, fetch, edges=f"begin>{parent or 'a'}")
    with pytest.raises(StorageDown):
        await run(plan, first, [1])
    assert "failed" not in statuses(first).values()
    assert [patch.status for patch in first.journal.patches] == ["running"]
    assert (await go_on(plan, first, second, [1])).status == "succeeded"


async def test_a_run_of_quick_steps_is_committed_once():
    host = FakeHost()
    await run(plan_of(box("begin", "start"), box("a"), box("b"), edges="begin>a a>b"), host)
    assert host.journal.commits == 1


async def test_a_step_that_is_not_quick_is_on_its_way_before_what_follows_begins():
    host = FakeHost()
    nodes = [box("begin", "start"), box("slow", "meet"), box("next", "meet")]
    seen = []
    post = host.journal.post

    def watched(*facts):
        seen.append({path: status for path, status in statuses(host).items() if path == "next"})
        return post(*facts)

    host.journal.post = watched
    await run(plan_of(*nodes, edges="begin>slow slow>next"), host)
    assert seen == [{}, {"next": "running"}, {"next": "succeeded"}]


async def test_a_step_that_could_not_be_committed_ends_the_run_although_nobody_waited():
    host = FakeHost()
    nodes = [box("begin", "start"), box("slow", "meet"), box("stuck", "meet", others=["nobody"])]
    done, post = asyncio.get_running_loop().create_future(), host.journal.post

    def watched(*facts):
        post(*facts)
        return done

    host.journal.post = watched
    going = asyncio.ensure_future(run(plan_of(*nodes, edges="begin>slow slow>stuck"), host))
    while statuses(host).get("stuck") != "running":
        await asyncio.sleep(0)
    done.set_exception(StorageDown("The database does not answer."))
    with pytest.raises(StorageDown):
        await asyncio.wait_for(going, 2)


async def test_before_an_effect_it_is_durable_that_the_step_began():
    host = FakeHost()
    nodes = [box("begin", "start"), box("sends", "effect")]
    began = []
    record = host.journal.record

    async def watched(*facts):
        began.append(await executed(host))
        await record(*facts)

    host.journal.record = watched
    await run(plan_of(*nodes, edges="begin>sends"), host)
    assert began[0] == ["begin"]


ASKED = [
    box("begin", "start"),
    box("good", "ask", value="{{ input }}"),
    box("beside"),
    box("more"),
    box("after"),
]
ASKED_EDGES = "begin>good begin>beside beside>more good>after"


async def test_other_branches_end_before_the_run_waits():
    host = FakeHost()
    outcome = await run(plan_of(*ASKED, edges=ASKED_EDGES), host, "x")
    assert outcome.status == "waiting"
    assert statuses(host) == {
        "begin": "succeeded",
        "good": "waiting_human",
        "beside": "succeeded",
        "more": "succeeded",
    }
    told = next(e for e in host.journal.events if e.type == "step.waiting_human")
    assert told.payload["question"]["title"] == "Good?"
    assert told.payload["approval_id"] == host.journal.approvals["good"].id
    assert host.journal.events[-1].type == "run.waiting"
    assert host.journal.patches[-1].finished_at is None


async def test_the_answer_resumes_the_run_and_nothing_finished_runs_again():
    first, second = FakeHost(), FakeHost()
    plan = plan_of(*ASKED, edges=ASKED_EDGES)
    await run(plan, first, "x")
    outcome = await go_on(plan, first, second, "x", answers={"good": Answer(choice="approve")})
    assert outcome.status == "succeeded"
    assert outcome.output == {"more": "x", "after": "x: approve"}
    assert await executed(second) == ["good", "after"]
    assert second.journal.events[0].seq == first.journal.next_seq
    assert second.journal.steps["good"].id == first.journal.steps["good"].id


async def test_of_two_questions_the_open_one_is_not_asked_again():
    first, second = FakeHost(), FakeHost()
    nodes = [box("begin", "start"), box("one", "ask"), box("two", "ask")]
    plan = plan_of(*nodes, edges="begin>one begin>two")
    await run(plan, first, "x")
    outcome = await go_on(plan, first, second, "x", answers={"two": Answer(choice="reject")})
    assert outcome.status == "waiting"
    assert await executed(second) == ["two"]
    assert second.journal.approvals == {}


async def test_a_failure_beside_a_question_fails_the_run_and_closes_the_question():
    host = FakeHost()
    nodes = [box("begin", "start"), box("good", "ask"), box("bad", "flaky", how="refused")]
    outcome = await run(plan_of(*nodes, edges="begin>good good>bad begin>bad"), host)
    assert outcome.status == "waiting"
    host = FakeHost()
    outcome = await run(plan_of(*nodes, edges="begin>good begin>bad"), host)
    assert outcome.status == "failed"
    assert statuses(host)["good"] == "canceled"


async def test_resume_takes_the_branch_that_was_taken():
    first, second = FakeHost(), FakeHost()
    nodes = [
        box("begin", "start"),
        box("way", "fork"),
        box("a", "ask"),
        box("b"),
        box("end", "join"),
    ]
    plan = plan_of(*nodes, edges="begin>way way.yes>a way.no>b a>end b>end")
    await run(plan, first, True)
    outcome = await go_on(plan, first, second, True, answers={"a": Answer(choice="approve")})
    assert outcome.output == ["True: approve"]
    assert await executed(second) == ["a", "end"]


async def test_a_recorded_failure_is_final_on_resume():
    first, second = FakeHost(), FakeHost()
    nodes = [box("begin", "start"), box("bad", "flaky", how="refused")]
    plan = plan_of(*nodes, edges="begin>bad")
    await run(plan, first)
    outcome = await go_on(plan, first, second)
    assert (outcome.status, outcome.error["code"]) == ("failed", "upstream_refused")
    assert await executed(second) == []


async def test_a_run_whose_end_was_cut_off_only_ends():
    """The failed step was recorded, but the process died before the run's own end was."""
    first, second = FakeHost(), FakeHost()
    nodes = [
        box("begin", "start"),
        box("stuck", "meet", others=["nobody"]),
        box("bad", "flaky", how="refused"),
    ]
    plan = plan_of(*nodes, edges="begin>stuck begin>bad")
    await run(plan, first)
    first.journal.facts = [f for f in first.journal.facts if getattr(f, "status", "") != "canceled"]
    outcome = await go_on(plan, first, second)
    assert outcome.status == "failed"
    assert await executed(second) == []


async def test_a_run_over_its_time_fails_in_the_middle_of_a_step():
    host = FakeHost()
    outcome = await run(plan_of(*STUCK, edges="begin>stuck"), host, limits=Limits(timeout_s=0.05))
    assert outcome.error["code"] == "budget_exceeded"
    assert "0.05 seconds" in outcome.error["message"]


async def test_time_used_by_earlier_lives_counts():
    host = FakeHost()
    outcome = await run(
        plan_of(box("begin", "start")), host, limits=Limits(timeout_s=10), elapsed_s=10
    )
    assert outcome.error["code"] == "budget_exceeded"


async def test_a_run_over_its_steps_fails_and_continue_does_not_hide_it():
    host = FakeHost()
    nodes = [box("begin", "start"), box("a"), box("b", settings={"on_error": "continue"}), box("c")]
    outcome = await run(plan_of(*nodes, edges="begin>a a>b b>c"), host, limits=Limits(max_steps=2))
    assert outcome.error["code"] == "budget_exceeded"
    assert statuses(host) == {"begin": "succeeded", "a": "succeeded", "b": "failed"}


async def test_the_run_starts_once_and_goes_on_later():
    first, second = FakeHost(), FakeHost()
    plan = plan_of(*ASKED, edges=ASKED_EDGES)
    await run(plan, first)
    await go_on(plan, first, second, answers={"good": Answer(choice="approve")})
    assert first.journal.events[0].type == "run.started"
    assert second.journal.events[0].type == "run.progress"
    assert output(second, "good").endswith("approve")
