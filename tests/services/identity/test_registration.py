"""Who may create an account, and who administers the installation."""

import asyncio

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.adapters.sql.database import Database
from app.kernel.errors import ConfigInvalid, Denied
from app.kernel.settings import settings
from app.models import User
from app.services.access import Permission, require
from app.services.identity.commands import actor_of_token, authenticate
from app.services.identity.local import local_actor
from app.services.identity.registration import why_not
from app.services.identity.views import RegisterRequest
from tests.services.people import sign_up


@pytest.fixture
def rule(monkeypatch):
    """Set the rule of registration, and its domains."""

    def use(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield use
    settings.cache_clear()


async def joined(database, email):
    request = RegisterRequest(name="Ada", email=email, password="copper kettle 9")
    return await sign_up(database, request, "192.0.2.7")


async def people(database):
    async with database.read() as uow:
        return await uow.session.scalar(select(func.count(col(User.id))))


@pytest.mark.parametrize(
    ("variables", "allowed"),
    [
        ({}, True),
        ({"AGENTLOOM_PUBLIC_URL": "http://localhost:3000"}, True),
        ({"HOST": "0.0.0.0"}, False),
        ({"AGENTLOOM_PUBLIC_URL": "https://loom.example.com"}, False),
        ({"HOST": "0.0.0.0", "AGENTLOOM_REGISTRATION": "open"}, True),
        ({"AGENTLOOM_REGISTRATION": "closed"}, False),
        ({"AGENTLOOM_REGISTRATION": "invited"}, False),
        (
            {
                "AGENTLOOM_REGISTRATION": "domains",
                "AGENTLOOM_REGISTRATION_DOMAINS": "a.example, @Example.org",
            },
            True,
        ),
        (
            {
                "AGENTLOOM_REGISTRATION": "domains",
                "AGENTLOOM_REGISTRATION_DOMAINS": "ample.org",
            },
            False,
        ),
    ],
)
async def test_the_first_account_always_others_by_rule(database, rule, variables, allowed):
    rule(**variables)
    first = await joined(database, "ada@elsewhere.example")
    assert (await actor_of_token(database, first.access_token)).is_installation_admin
    if not allowed:
        with pytest.raises(Denied) as refused:
            await joined(database, "bob@example.org")
        assert refused.value.message.endswith(".")
        assert await people(database) == 1
        return
    second = await joined(database, "bob@example.org")
    assert not (await actor_of_token(database, second.access_token)).is_installation_admin


async def test_a_closed_installation_does_not_tell_who_has_an_account(database, rule):
    await joined(database, "ada@example.com")
    rule(AGENTLOOM_REGISTRATION="closed")
    reasons = set()
    for email in ("ada@example.com", "bob@example.com"):
        with pytest.raises(Denied) as refused:
            await joined(database, email)
        reasons.add(refused.value.message)
    assert len(reasons) == 1


async def test_of_many_first_accounts_at_once_one_is_the_first(database, database_url, rule):
    rule(AGENTLOOM_REGISTRATION="closed")
    other = Database(database_url)  # as another process would
    made = await asyncio.gather(
        *(joined((database, other)[n % 2], f"person{n}@example.com") for n in range(6)),
        return_exceptions=True,
    )
    await other.close()
    assert [type(one) for one in made].count(Denied) == 5
    async with database.read() as uow:
        rows = (await uow.session.execute(select(User))).scalars().all()
    assert [row.is_installation_admin for row in rows] == [True]


async def test_an_open_installation_has_one_first_account_too(database):
    await asyncio.gather(*(joined(database, f"person{n}@example.com") for n in range(5)))
    async with database.read() as uow:
        rows = (await uow.session.execute(select(User))).scalars().all()
    assert sorted(row.is_installation_admin for row in rows) == [False] * 4 + [True]


async def test_the_command_line_administers_and_is_not_the_first(database, rule):
    rule(AGENTLOOM_REGISTRATION="closed")
    async with database.work() as uow:
        alone = await local_actor(uow)
    require(alone, Permission.MODEL_MANAGE)
    async with database.read() as uow:
        assert await why_not(uow) == ""
    signed = await joined(database, "ada@example.com")
    async with database.read() as uow:
        ada = await authenticate(uow, signed.access_token)
        require(ada, Permission.MODEL_MANAGE)
        require(await local_actor(uow), Permission.MODEL_MANAGE)
        assert "closed" in await why_not(uow)


async def test_an_owner_of_a_workspace_does_not_administer_the_installation(database):
    await joined(database, "ada@example.com")
    bob = await actor_of_token(database, (await joined(database, "bob@example.com")).access_token)
    assert bob.role == "owner"
    with pytest.raises(Denied, match="whole installation"):
        require(bob, Permission.MODEL_MANAGE)


@pytest.mark.parametrize("listed", ["", " , "])
def test_domains_without_any_is_named_at_the_start(rule, listed):
    with pytest.raises(ConfigInvalid, match="AGENTLOOM_REGISTRATION_DOMAINS"):
        rule(AGENTLOOM_REGISTRATION="domains", AGENTLOOM_REGISTRATION_DOMAINS=listed)
        settings()


def test_an_unknown_rule_is_named_at_the_start(rule):
    rule(AGENTLOOM_REGISTRATION="friends")
    with pytest.raises(ConfigInvalid, match="AGENTLOOM_REGISTRATION"):
        settings()
