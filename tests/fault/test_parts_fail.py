"""Redis, the database and the model provider fail under load; clients race. No promise is
broken, and every run ends."""

import asyncio

import pytest

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


async def load(site, count: int = 6, shape: str = "chain", **wish) -> list[str]:
    """Begin some runs and let them come to work."""
    runs = [await site.begin(shape, **wish) for _ in range(count)]
    await asyncio.sleep(0.3)
    return runs


async def all_succeed(site, runs: list[str]) -> None:
    await site.settle()
    status = {run["id"]: run["status"] for run in (await site.evidence()).runs}
    assert {run: status[run] for run in runs if status[run] != "succeeded"} == {}


@pytest.mark.parametrize(
    "fault",
    [
        "Redis restarted", "Redis emptied", "Redis gone back in time", "Redis hangs", "Redis slow",
        "Redis full", "jobs again, in another order", "worker told to stop",
    ],
)  # fmt: skip
async def test_runs_outlive(site, fault):
    runs = await load(site, count=4, delay=200)
    more = [asyncio.create_task(site.begin("chain")) for _ in range(3)]
    await site.faults.do(fault)
    runs += [await one for one in more]
    runs.append(await site.begin("chain"))
    await all_succeed(site, runs)


async def test_runs_outlive_a_database_that_is_away_again_and_again(site):
    runs = await load(site, count=4, delay=300)
    names = ["database locked"] if site.product.kind == "sqlite" else [
        "database crashes", "database restarts", "database connections cut",
    ]  # fmt: skip
    for name in names:
        more = [asyncio.create_task(site.begin("chain")) for _ in range(2)]
        await site.faults.do(name)
        runs += [await one for one in more]
    await all_succeed(site, runs)


async def test_a_database_that_is_long_away_again_and_again_kills_nobody(site):
    await site.until_all_work()
    runs = await load(site, count=3, shape="payment", delay=14_000)
    for _ in range(3):
        await site.faults.keep_database_away(3)
        await asyncio.sleep(0.8)
    await all_succeed(site, runs)
    rows = (await site.evidence()).runs
    assert {(r["epoch"], r["attempts"]) for r in rows if r["id"] in runs} == {(1, 0)}


async def test_a_provider_that_fails_in_every_way_is_asked_again(site):
    wish = "[limited:1] [broken:1] [cut:1] [malformed:1] [slow:100]"
    run = await site.begin("model", faults=wish)
    await all_succeed(site, [run])
    seen = await site.evidence()
    ways = [e["way"] for e in seen.effects if e["what"] == "model" and wish in e["prompt"]]
    assert set(ways) == {"limited", "broken", "cut", "malformed", "well"}


async def test_of_two_answers_at_once_exactly_one_counts(site):
    for _ in range(3):
        run = await site.begin("approval")
        question = await site.question(run)
        await site.clients.answer(question["id"], question["step_id"], ("approve", "reject"))
        [won] = site.clients.told.answered[question["id"]]
        await site.settle()
        approvals = (await site.evidence()).approvals
        [answer] = [row["answer"] for row in approvals if row["id"] == question["id"]]
        assert answer["choice"] == won


async def test_cancels_race_with_answers_and_ends(site):
    asked = [await site.begin("approval") for _ in range(3)]
    at_work = await load(site, count=3, delay=3_000)
    questions = [await site.question(run) for run in asked]
    await asyncio.gather(
        *(site.clients.cancel(run) for run in (*asked, *at_work)),
        *(site.clients.answer(q["id"], q["step_id"], ("approve",)) for q in questions),
    )
    await site.settle()
    seen = await site.evidence()
    assert {run["status"] for run in seen.runs if run["id"] in at_work} == {"canceled"}
    ended = {run["status"] for run in seen.runs if run["id"] in asked}
    assert ended <= {"canceled", "succeeded"}


async def test_followers_see_each_event_once_while_the_web_process_dies(site):
    runs = await load(site, count=3, delay=400)
    for run in runs:
        site.clients.follow(run)
    await asyncio.sleep(0.5)
    await site.faults.kill_web()
    await all_succeed(site, runs)
    await site.clients.close()
    followed = site.clients.told.followed
    assert {run for run in runs if run not in followed} == set()
