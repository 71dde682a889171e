"""A process dies, or stands still and wakes again, at each place of a step's life: the run goes on, and
what has finished is not repeated."""

import asyncio

import pytest

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

PLACES = (
    "claim.inside", "claim.after", "effect.before:e1", "effect.after:e1", "write.inside:step.started",
    *(f"write.{when}:step.completed:e1" for when in ("before", "inside", "committed", "published")),
    "write.inside:run.completed", "write.committed:run.completed",
)  # fmt: skip
AT_ONCE = 3
"""Every death takes the runs beside it along; a run may lose five processes."""


def missed(seen) -> list[str]:
    """Places that no process has died at yet."""
    died = [death.place for death in seen.deaths]
    return [place for place in PLACES if not any(one.startswith(place) for one in died)]


HELD = ("effect.before:e1", "effect.after:e1", "write.committed:step.completed:e1")


async def test_a_worker_may_be_killed_at_any_place_of_a_step(site):
    runs, seen = set(), await site.evidence()
    for _ in range(4):  # a death beside it may carry a run past its place
        left = missed(seen)
        for first in range(0, len(left), AT_ONCE):
            for place in left[first : first + AT_ONCE]:
                runs.add(await site.begin("chain", [place, "kill", 1], count=3))
            await site.settle()
        seen = await site.evidence()
    assert missed(seen) == []
    assert {run["status"] for run in seen.runs if run["id"] in runs} == {"succeeded"}
    sent = {(effect["run_id"], effect["path"]) for effect in seen.effects}
    assert {(run, path) for run in runs for path in ("e0", "e1", "e2")} <= sent


@pytest.mark.parametrize(
    "place", ["effect.before:e1", "effect.after:e1", "write.before:step.completed:e1"]
)
async def test_a_worker_frozen_at_a_place_finds_itself_replaced(site, place):
    await site.until_all_work()
    run_id = await site.begin("chain", [place, "stop", 1], count=3)
    await site.settle()
    run = await site.row(run_id)
    assert run["status"] == "succeeded"
    # frozen in the middle of a write it holds SQLite's only lock, and nobody can take over before it wakes
    assert run["epoch"] > 1 or site.product.kind == "sqlite"


async def test_callers_that_wait_are_answered_though_processes_die_that_help_the_web_process(site):
    """Of nine runs at once the web process gives some away to the workers; three kill whoever has them."""
    await site.until_all_work()
    plans = [[[place, "kill", 1]] for place in HELD] + [[]] * 6
    before = len(site.faults.deaths)
    runs = await asyncio.gather(*(site.begin("chain", *plan, wait=10, count=3) for plan in plans))
    await site.settle()
    evidence = await site.evidence()
    assert len(set(runs)) == len(plans)
    assert {run["status"] for run in evidence.runs if run["id"] in runs} == {"succeeded"}
    assert {death.place for death in site.faults.deaths[before:]} & set(HELD)


@pytest.mark.parametrize("place", ["start.before", "start.committed", "start.queued"])
async def test_a_web_process_killed_while_it_starts_a_run_gives_the_same_run_at_the_next_try(
    site, place
):
    run_id = await site.begin("chain", [place, "kill", 1], count=2)
    await site.settle()
    assert (await site.row(run_id))["status"] == "succeeded"
    assert any(death.place == place for death in site.faults.deaths)


async def test_an_effect_that_was_cut_off_is_not_repeated_before_a_person_says_so(site):
    run_id = await site.begin("payment", ["effect.after:pay", "kill", 1])

    async def sent() -> int:
        return sum(
            e.get("run_id") == run_id and e["path"] == "pay"
            for e in (await site.evidence()).effects
        )

    question = await site.question(run_id)
    assert (await sent(), question["question"]["recovery"]) == (1, True)
    await site.clients.answer(question["id"], question["step_id"], ("skip",))
    await site.settle()
    assert await sent() == 1
    assert (await site.row(run_id))["status"] == "succeeded"


async def test_a_run_that_kills_every_worker_is_given_up_and_the_others_go_on(site):
    poison = await site.begin("chain", ["claim.after", "kill", 99], count=2)
    others = [await site.begin("chain", count=2) for _ in range(3)]
    await site.settle()
    run = await site.row(poison)
    assert (run["status"], run["error"]["code"]) == ("failed", "worker_lost")
    deaths = [d for d in site.faults.deaths if d.place == "claim.after"]
    assert 5 <= len(deaths) <= 8
    assert {(await site.row(run_id))["status"] for run_id in others} == {"succeeded"}


@pytest.mark.parametrize("place", ["write.before", "write.committed"])
async def test_what_a_model_call_cost_is_stored_with_its_step(site, place):
    run_id = await site.begin("model", [f"{place}:step.completed:ask", "kill", 1])
    await site.settle()
    seen = await site.evidence()
    calls = [call for call in seen.calls if call["run_id"] == run_id]
    assert len(calls) == 2, (
        "of a call that was cut off nothing is known, a stored one is not repeated"
    )
    assert sum(s["tokens"] for s in seen.steps if s["run_id"] == run_id) == 2 * 18
