"""What a merge waits for: every branch, all of them alive, or the first; also in a later life."""

import asyncio

import pytest

from app.engine.testing import FakeHost
from tests.engine.test_execution import until
from tests.engine.tiny import box, executed, go_on, plan_of, run, statuses

TWO = [
    box("begin", "start"),
    box("way", "fork"),
    box("a", value="A"),
    box("b", value="B"),
    box("end"),
]
TWO_EDGES = "begin>way way.yes>a begin>b a>both b>both both>end"


def joined(join, mode="list"):
    return plan_of(*TWO, box("both", "logic.merge", join=join, mode=mode), edges=TWO_EDGES)


@pytest.mark.parametrize(
    ("join", "given", "output", "status"),
    [
        ("decided", 1, ["A", "B"], "succeeded"),
        ("decided", 0, ["B"], "succeeded"),
        ("all", 1, ["A", "B"], "succeeded"),
        ("all", 0, None, "skipped"),
    ],
)
async def test_every_branch(join, given, output, status):
    host = FakeHost()
    outcome = await run(joined(join), host, given)
    assert (outcome.output, statuses(host)["both"]) == (output, status)


def racing(join, slow="meet"):
    return plan_of(
        box("begin", "start"),
        box("quick", value="Q"),
        box("slow", slow, others=["end"]),
        box("later"),
        box("both", "logic.merge", join=join, mode="first"),
        box("end", "meet"),
        edges="begin>quick begin>slow slow>later quick>both later>both both>end",
    )


async def test_any_goes_on_with_the_first_and_lets_the_others_end():
    host = FakeHost()
    assert (await run(racing("any"), host)).status == "succeeded"
    assert statuses(host)["later"] == "succeeded"
    assert (await executed(host)).count("end") == 1


async def test_first_stops_what_leads_only_here():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("quick", value="Q"),
        box("slow", "meet", others=["nobody"]),
        box("later"),
        box("both", "logic.merge", join="first", mode="first"),
        box("seen"),
        edges="begin>quick begin>slow slow>later quick>both later>both both>seen",
    )
    outcome = await run(plan, host)
    assert (outcome.status, outcome.output) == ("succeeded", "Q")
    assert statuses(host)["slow"] == "canceled"
    assert "later" not in statuses(host)


async def test_first_lets_alone_what_leads_elsewhere_too():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("quick", value="Q"),
        box("slow", "meet", others=["both_done"]),
        box("aside"),
        box("both", "logic.merge", join="first", mode="first"),
        box("both_done", "meet"),
        edges="begin>quick begin>slow slow>aside slow>both quick>both both>both_done",
    )
    assert (await run(plan, host)).output == {"aside": "slow", "both_done": "both_done"}


async def test_first_withdraws_a_question_that_nobody_needs_any_more():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("slow", "meet", others=["met"]),
        box("met", "meet"),
        box("good", "ask"),
        box("both", "logic.merge", join="first", mode="first"),
        edges="begin>slow begin>met begin>good slow>both good>both",
    )
    outcome = await run(plan, host, "x")
    assert outcome.status == "succeeded"
    assert statuses(host)["good"] == "canceled"


@pytest.mark.parametrize("join", ["any", "first"])
async def test_all_branches_dead_skips(join):
    host = FakeHost()
    nodes = [box("begin", "start"), box("way", "fork"), box("a"), box("b")]
    plan = plan_of(
        *nodes,
        box("both", "logic.merge", join=join),
        edges="begin>way way.yes>a way.yes>b a>both b>both",
    )
    await run(plan, host, False)
    assert statuses(host)["both"] == "skipped"


async def test_first_is_not_undone_by_a_later_life():
    first, second = FakeHost(), FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("slow", "meet", others=["never"]),
        box("quick", value="Q"),
        box("both", "logic.merge", join="first", mode="first"),
        box("held", "meet", others=["go"]),
        box("out"),
        edges="begin>slow begin>quick slow>both quick>both both>held held>out",
    )
    running = asyncio.create_task(run(plan, first))
    await until(lambda: statuses(first).get("held") == "running")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await second.memory.put("met", "go", True)
    outcome = await go_on(plan, first, second)
    assert (outcome.status, outcome.output) == ("succeeded", "held")
    assert await executed(second) == ["held", "out"]


async def test_a_join_of_all_at_the_head_of_a_loop_counts_the_edges_of_its_turn():
    host = FakeHost()
    plan = plan_of(
        box("begin", "start"),
        box("one", value=1),
        box("two", value=2),
        box("head", "logic.merge", join="all"),
        box("add", value="{{ [sum(input)] }}"),
        box("on", "fork", when="input[0] < 5"),
        box("twice", value="{{ input[0] * 2 }}"),
        edges="begin>one begin>two one>head two>head head>add add>on on.yes>twice twice>head",
    )
    outcome = await run(plan, host)
    assert outcome.output == [6]
