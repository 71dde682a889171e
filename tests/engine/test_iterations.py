"""Containers: while, items tried again, long loops in little memory."""

import asyncio

import pytest

from app.engine.graph.paths import iteration_prefix, parse_path
from app.engine.host import Limits, StepRecord
from app.engine.runtime.recorder import Recorder
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, go_on, plan_of, run, statuses


def while_plan(*body, edges="", **config):
    return plan_of(
        box("begin", "start"),
        box("again", "logic.while", **config),
        *body,
        edges=f"begin>again {edges}",
    )


ADD = box("add", value="{{ last + index + 1 }}", parent="again")


async def test_while_gives_what_the_last_turn_gave():
    host = FakeHost()
    assert (await run(while_plan(ADD, condition="last < 10"), host, 0)).output == {
        "value": 10,
        "turns": 4,
    }
    assert [p for p in await executed(host) if "/" in p] == [f"again[{i}]/add" for i in range(4)]


async def test_what_a_turn_is_given_arrives_at_nodes_that_nothing_is_wired_to():
    host = FakeHost()
    body = box("add", value="{{ input + 1 }}", parent="again")
    assert (await run(while_plan(body, condition="index < 3"), host, 5)).output["value"] == 8


async def test_a_while_that_does_not_end_fails_with_what_it_had():
    host = FakeHost()
    plan = while_plan(ADD, condition="true", max_iterations=3)
    outcome = await run(plan, host, 0)
    assert (outcome.status, outcome.error["code"]) == ("failed", "max_iterations")
    assert outcome.error["partial"] == 6
    plan = plan_of(
        box("begin", "start"),
        box("again", "logic.while", condition="true", max_iterations=3,
            settings={"on_error": "error_port"}),
        ADD,
        box("after", value="{{ input.partial }}"),
        edges="begin>again again.error>after",
    )  # fmt: skip
    assert (await run(plan, FakeHost(), 0)).output == 6


async def test_a_while_goes_on_where_it_stopped():
    first, second = FakeHost(), FakeHost()
    body = [ADD, box("good", "ask", parent="again"), box("out", value="{{ nodes.add.value }}",
            parent="again")]  # fmt: skip
    plan = while_plan(*body, edges="add>good good>out", condition="last < 3")
    assert (await run(plan, first, 0)).status == "waiting"
    one = {"again[0]/good": Answer(choice="approve")}
    assert (await go_on(plan, first, second, 0, answers=one)).status == "waiting"
    assert await executed(second) == [
        "again[0]/good", "again[0]/out", "again[1]/add", "again[1]/good"
    ]  # fmt: skip


def rows(*body, edges="", **config):
    config = {"item_retry_delay_s": 0, **config}
    return plan_of(
        box("begin", "start"),
        box("rows", "logic.for_each", **config),
        *body,
        edges=f"begin>rows {edges}",
    )


SHAKY = [
    box("first", parent="rows"),
    box("note", "meet", parent="rows"),
    box("good", "fork", when="item < 9 or nodes.first.value.x", parent="rows"),
]


async def test_an_item_is_tried_again_as_new_steps():
    host = FakeHost()
    plan = rows(box("bad", "flaky", how="refused", parent="rows"), item_retries=2)
    outcome = await run(plan, host, [1])
    assert (outcome.status, outcome.error["code"]) == ("failed", "upstream_refused")
    assert [p for p in await executed(host) if "/" in p] == [
        "rows[0]/bad",
        "rows[0.2]/bad",
        "rows[0.3]/bad",
    ]
    assert statuses(host)["rows[0.2]/bad"] == "failed"


@pytest.mark.parametrize(
    ("on_item_error", "results"), [("skip", [1, 3]), ("collect", [1, None, 3])]
)
async def test_tries_and_what_becomes_of_failed_items_work_together(on_item_error, results):
    host = FakeHost()
    body = [
        box("way", "fork", when="item == 2", parent="rows"),
        box("bad", "flaky", how="refused", parent="rows"),
        box("ok", parent="rows"),
    ]
    plan = rows(*body, edges="way.yes>bad way.no>ok", item_retries=1, on_item_error=on_item_error)
    outcome = await run(plan, host, [1, 2, 3])
    assert outcome.output["results"] == results
    assert [f["index"] for f in outcome.output["failed"]] == [1]
    assert (await executed(host)).count("rows[1.2]/bad") == 1


async def test_a_try_of_an_earlier_life_is_not_repeated():
    first, second = FakeHost(), FakeHost()
    body = [
        box("bad", "flaky", how="refused", parent="rows",
            settings={"on_error": "error_port"}),
        box("hold", "meet", others=["go"], parent="rows"),
        box("worse", "flaky", how="refused", parent="rows"),
    ]  # fmt: skip
    plan = rows(*body, edges="bad.error>hold hold>worse", item_retries=1)
    running = asyncio.create_task(run(plan, first, [1]))
    await until(lambda: statuses(first).get("rows[0]/hold") == "running")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await second.memory.put("met", "go", True)
    await go_on(plan, first, second, [1])
    assert await executed(second) == [
        "rows[0]/hold", "rows[0]/worse", "rows[0.2]/bad", "rows[0.2]/hold", "rows[0.2]/worse"
    ]  # fmt: skip


async def test_a_spent_budget_is_not_passed_over():
    host = FakeHost()
    plan = rows(box("one", parent="rows"), on_item_error="skip", item_retries=3)
    outcome = await run(plan, host, list(range(50)), limits=Limits(max_steps=20))
    assert (outcome.status, outcome.error["code"]) == ("failed", "budget_exceeded")
    assert "max_steps" in outcome.error["message"]


async def test_no_items():
    assert (await run(rows(box("one", parent="rows")), FakeHost(), [])).output == {
        "results": [],
        "failed": [],
    }


async def test_finished_turns_leave_memory(monkeypatch):
    held = []
    forget = Recorder.forget

    def counted(recorder, paths):
        forget(recorder, paths)
        held.append(len(recorder.steps))

    monkeypatch.setattr(Recorder, "forget", counted)
    inner = [box("cells", "logic.for_each", parent="rows"), box("cell", parent="cells")]
    outcome = await run(rows(*inner), FakeHost(), [[1, 2, 3]] * 200)
    assert outcome.status == "succeeded"
    assert len(held) == 800
    assert max(held) < 60


async def test_turns_of_an_earlier_life_are_looked_up_when_they_come():
    first, second = FakeHost(), FakeHost()
    body = [box("one", value="{{ item * 2 }}", parent="rows"), box("gate", "meet", parent="rows")]
    hold = box("hold", "fork", when="item == 250", parent="rows")
    stay = box("stay", "meet", others=["go"], parent="rows")
    plan = rows(hold, stay, body[0], edges="hold.yes>stay hold.no>one", concurrency=3)
    running = asyncio.create_task(run(plan, first, list(range(300))))
    await until(lambda: statuses(first).get("rows[299]/one") == "succeeded")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    steps = first.journal.steps
    asked: list[list[str]] = []

    async def recall(paths) -> list[StepRecord]:
        asked.append(list(paths))
        return [steps[p] for p in paths if p in steps and steps[p].finished_at]

    await second.memory.put("met", "go", True)
    second.journal = type(second.journal)(first.journal.next_seq)
    outcome = await run(
        plan,
        second,
        list(range(300)),
        done={"begin": steps["begin"]},
        waiting={p: s for p, s in steps.items() if s.status == "running"},
        recall=recall,
        may_recall={"rows"},
        steps_before=len(steps),
        next_seq=first.journal.next_seq,
    )
    assert outcome.output["results"][249:252] == [498, "stay", 502]
    assert await executed(second) == ["rows[250]/stay"]
    assert [len(paths) for paths in asked] == [300, 300, 300]


def test_paths_are_written_and_read_in_one_place():
    for path in ("a", "rows[3]/mail", "rows[3.2]/mail", "loop_ask[4]/rows[0]/mail_2"):
        assert str(parse_path(path)) == path
    found = parse_path("loop_ask[4]/rows[0.3]/mail")
    assert [(t.container, t.index, t.attempt) for t in found.iterations] == [
        ("loop_ask", 4, 1),
        ("rows", 0, 3),
    ]
    assert found.node_id == "mail"
    assert found.around == "loop_ask[4]/rows"
    assert iteration_prefix("rows", 3) + "mail" == "rows[3]/mail"
    assert iteration_prefix("rows", 3, 2) + "mail" == "rows[3.2]/mail"
    for wrong in ("", "A", "rows[3]", "rows[03]/a", "rows[1.1]/a", "rows[-1]/a", "a//b", "a/b"):
        with pytest.raises(ValueError, match="is no path"):
            parse_path(wrong)
