"""Register, sign in, sign out, and who is asking."""

import asyncio
from datetime import timedelta

import pytest
from passlib.hash import bcrypt_sha256
from sqlalchemy import func, select, update
from sqlmodel import col

from app.kernel.clock import now
from app.kernel.errors import Conflict, InvalidInput, NotFound, RateLimited, Unauthenticated
from app.models import AuditEntry, Member, Project, Session, User, Workspace
from app.services import throttle
from app.services.identity import passwords
from app.services.identity.commands import (
    KnownPerson,
    authenticate,
    check_password,
    login,
    logout,
    normal_email,
)
from app.services.identity.queries import me
from app.services.identity.views import RegisterRequest
from tests.services.people import sign_up

PASSWORD = "copper kettle 9"
IP = "192.0.2.7"


def wish(**changes):
    given = {"name": "Ada Lovelace", "email": "ada@example.com", "password": PASSWORD, **changes}
    return RegisterRequest(**given)


async def joined(database, **changes):
    return await sign_up(database, wish(**changes), IP, "a browser")


async def signed_in(database, email="ada@example.com", password=PASSWORD, client_ip=IP, guard=None):
    known = await check_password(database, guard or throttle.Throttle(), email, password, client_ip)
    async with database.work() as uow:
        return await login(uow, known)


async def count(database, table):
    async with database.read() as uow:
        return await uow.session.scalar(select(func.count()).select_from(table))


async def test_registering_makes_person_workspace_membership_and_project(database):
    signed = await joined(database)
    async with database.read() as uow:
        actor = await authenticate(uow, signed.access_token)
        mine = await me(uow, actor)
        project = await uow.session.scalar(select(Project))
    assert (mine.name, mine.email, mine.role) == ("Ada Lovelace", "ada@example.com", "owner")
    assert mine.workspace_name == "Ada's workspace"
    assert project.name == "My project"
    assert project.workspace_id == actor.workspace_id == signed.workspace_id


async def test_password_is_stored_only_as_a_hash(database):
    await joined(database)
    async with database.read() as uow:
        user = await uow.session.scalar(select(User))
    assert PASSWORD not in user.password_hash
    assert user.password_hash.startswith("$argon2id$")


async def test_email_is_one_account_however_it_is_written(database):
    await joined(database)
    with pytest.raises(Conflict) as refused:
        await joined(database, email="  ADA@Example.COM ")
    assert refused.value.context["field"] == "email"
    assert await signed_in(database, " Ada@EXAMPLE.com")


async def test_refused_registration_leaves_nothing(database):
    await joined(database)
    for changes in ({}, {"email": "b@example.com", "password": "short"}):
        with pytest.raises((Conflict, InvalidInput)):
            await joined(database, **changes)
    assert [await count(database, t) for t in (User, Workspace, Member, Project)] == [1, 1, 1, 1]


async def test_two_registrations_at_once_make_one_account(database):
    results = await asyncio.gather(*(joined(database) for _ in range(4)), return_exceptions=True)
    assert sum(1 for result in results if isinstance(result, Conflict)) == 3
    assert await count(database, User) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a@@example.com"}, "email"),
        ({"email": "a@example..com"}, "email"),
        ({"email": "a\x00@example.com"}, "email"),
        ({"email": f"{'x' * 250}@example.com"}, "email"),
        ({"password": "short"}, "password"),
    ],
)
async def test_bad_field_is_named(database, changes, field):
    with pytest.raises(InvalidInput) as refused:
        await joined(database, **changes)
    assert refused.value.context["field"] == field


def test_full_width_address_is_the_same_address():
    assert normal_email("\uff21da@example.com") == "ada@example.com"


async def test_wrong_password_unknown_and_disabled_account_answer_alike(database):
    await joined(database)
    await joined(database, email="gone@example.com")
    async with database.work() as uow:
        gone = update(User).where(col(User.email) == "gone@example.com").values(disabled_at=now())
        await uow.session.execute(gone)
    said = set()
    for email, password in (
        ("ada@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("no address at all", PASSWORD),
    ):
        with pytest.raises(Unauthenticated) as refused:
            await signed_in(database, email, password)
        said.add((refused.value.message, refused.value.code, str(refused.value.context)))
    assert len(said) == 1


async def test_each_sign_in_is_a_session_of_its_own(database):
    first = await joined(database)
    second = await signed_in(database)
    assert first.session_id != second.session_id
    async with database.work() as uow:
        await logout(uow, first.session_id)
    async with database.read() as uow:
        with pytest.raises(Unauthenticated):
            await authenticate(uow, first.access_token)
        assert await authenticate(uow, second.access_token)


async def test_signing_out_twice_is_fine(database):
    signed = await joined(database)
    for session_id in (signed.session_id, signed.session_id, "ses_none"):
        async with database.work() as uow:
            await logout(uow, session_id)
    async with database.read() as uow:
        left = select(func.count()).where(col(AuditEntry.action) == "user.logout")
        assert await uow.session.scalar(left) == 1


async def test_expired_session_is_over_even_with_a_fresh_token(database):
    signed = await joined(database)
    async with database.work() as uow:
        await uow.session.execute(update(Session).values(expires_at=now() - timedelta(seconds=1)))
    async with database.read() as uow:
        with pytest.raises(Unauthenticated):
            await authenticate(uow, signed.access_token)


async def test_disabled_person_is_out_at_once(database):
    signed = await joined(database)
    async with database.work() as uow:
        await uow.session.execute(update(User).values(disabled_at=now()))
    async with database.read() as uow:
        with pytest.raises(Unauthenticated):
            await authenticate(uow, signed.access_token)


async def test_workspace_of_others_is_not_found(database):
    ada = await joined(database)
    bob = await joined(database, email="bob@example.com", name="Bob")
    async with database.read() as uow:
        assert (await authenticate(uow, ada.access_token, ada.workspace_id)).role == "owner"
        for workspace_id in (bob.workspace_id, "wsp_none"):
            with pytest.raises(NotFound):
                await authenticate(uow, ada.access_token, workspace_id)


async def test_guessing_is_slowed_down_per_account_and_address(database):
    await joined(database)
    guard = throttle.Throttle()
    for _ in range(throttle.SIGN_IN_PAIR.count):
        with pytest.raises(Unauthenticated):
            await signed_in(database, password="wrong password", guard=guard)
    with pytest.raises(RateLimited):
        await signed_in(database, guard=guard)
    assert await signed_in(database, client_ip="192.0.2.8", guard=guard)


async def test_old_hash_is_replaced_when_its_owner_signs_in(database):
    await joined(database)
    async with database.work() as uow:
        old = bcrypt_sha256.using(rounds=4).hash(PASSWORD)
        await uow.session.execute(update(User).values(password_hash=old))
    await signed_in(database)
    async with database.read() as uow:
        assert (await uow.session.scalar(select(User.password_hash))).startswith("$argon2id$")


async def test_sign_ups_and_sign_ins_are_on_record(database):
    signed = await joined(database)
    await signed_in(database)
    async with database.work() as uow:
        await logout(uow, signed.session_id)
    async with database.read() as uow:
        rows = (await uow.session.scalars(select(AuditEntry).order_by(AuditEntry.at))).all()
    assert [row.action for row in rows] == ["user.register", "user.login", "user.logout"]
    assert {row.actor_id for row in rows} == {signed.user.id}


@pytest.mark.parametrize("wanted", ["register", "login"])
async def test_others_can_write_while_a_password_is_hashed(database, monkeypatch, wanted):
    await joined(database)
    written = []

    async def write_meanwhile():
        async with database.work() as other:
            await asyncio.wait_for(other.session.execute(update(User).values(name="Meanwhile")), 2)
        written.append(True)

    async def slow(*_):
        await write_meanwhile()
        return (True, None) if wanted == "login" else "$argon2id$made-up"

    monkeypatch.setattr(passwords, "verify" if wanted == "login" else "hash_password", slow)
    if wanted == "login":
        await signed_in(database)
    else:
        await joined(database, email="bob@example.com")
    assert written


async def test_who_is_disabled_while_the_password_is_hashed_is_not_let_in(database):
    await joined(database)
    known = await check_password(database, throttle.Throttle(), "ada@example.com", PASSWORD, IP)
    async with database.work() as uow:
        await uow.session.execute(update(User).values(disabled_at=now()))
    for person in (known, KnownPerson("usr_none")):
        with pytest.raises(Unauthenticated):
            async with database.work() as uow:
                await login(uow, person)
    assert await count(database, Session) == 1, "the one of the registration"
