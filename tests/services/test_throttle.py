"""Attempts are counted before they are made, in Redis or in this process."""

import asyncio

import pytest
from redis.asyncio import Redis

from app.kernel.errors import RateLimited
from app.services.throttle import Budgets, Limit, Rate, Throttle, address_of

THREE = Limit("test", 3, 60)


@pytest.fixture(params=["memory", "redis", "redis is away"])
async def throttle(request):
    if request.param == "memory":
        yield Throttle()
    elif request.param == "redis is away":
        away = Redis.from_url("redis://127.0.0.1:1")
        yield Throttle(away)
        await away.aclose()
    else:
        redis = Redis.from_url(request.getfixturevalue("redis_url"))
        yield Throttle(redis)
        await redis.flushdb()
        await redis.aclose()


async def test_attempt_over_the_limit_is_refused_and_says_when_to_come_back(throttle):
    for _ in range(3):
        await throttle.hit(THREE, "ada")
    with pytest.raises(RateLimited, match="Try again in 1 minute") as refused:
        await throttle.hit(THREE, "ada")
    assert 0 < refused.value.context["retry_after_s"] <= 61


async def test_others_are_not_slowed_down(throttle):
    for _ in range(3):
        await throttle.hit(THREE, "ada")
    await throttle.hit(THREE, "bob")
    await throttle.hit(THREE, "ada", "10.0.0.1")


async def test_success_starts_counting_anew(throttle):
    for _ in range(3):
        await throttle.hit(THREE, "ada")
    await throttle.forget(THREE, "ada")
    await throttle.hit(THREE, "ada")


async def test_many_at_once_do_not_slip_through(throttle):
    tried = await asyncio.gather(
        *(throttle.hit(THREE, "ada") for _ in range(20)), return_exceptions=True
    )
    assert sum(1 for result in tried if result is None) == 3


async def test_window_ends():
    throttle = Throttle()
    short = Limit("short", 1, 0)
    await throttle.hit(short, "ada")
    await throttle.hit(short, "ada")


def test_an_ipv6_network_is_one_address():
    assert address_of("2001:db8:1:2:3:4:5:6") == address_of("2001:db8:1:2:ffff::1")
    assert address_of("2001:db8:1:2::1") != address_of("2001:db8:1:3::1")
    assert address_of("192.0.2.1") != address_of("192.0.2.2")
    assert address_of("testclient") == "testclient"


def test_a_budget_comes_back_by_and_by(monkeypatch):
    now = 1_000.0
    monkeypatch.setattr("app.services.throttle.time.monotonic", lambda: now)
    budgets, rate = Budgets(), Rate(burst=2, per_s=0.5)
    assert [budgets.spend("ada", rate) for _ in range(3)] == [0, 0, 2.0]
    assert budgets.spend("bob", rate) == 0
    now += 2
    assert [budgets.spend("ada", rate) for _ in range(2)] == [0, 2.0]
    now += 1_000
    assert [budgets.spend("ada", rate) for _ in range(3)] == [0, 0, 2.0]
    assert budgets.spend("ada", rate, units=3) > 0  # more than there ever are


def test_budgets_are_kept_for_so_many_at_most(monkeypatch):
    monkeypatch.setattr("app.services.throttle._MAX_KEYS", 3)
    budgets = Budgets()
    for name in "abcde":
        budgets.spend(name, Rate(burst=2, per_s=1))
    assert list(budgets._left) == ["c", "d", "e"]
