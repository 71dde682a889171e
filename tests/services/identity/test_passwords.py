"""Password rules, hashes, and the work an unknown account costs."""

import logging

import pytest
from passlib.hash import bcrypt_sha256

from app.kernel.errors import InvalidInput
from app.services.identity import passwords

ADA = {"email": "ada.lovelace@example.com", "name": "Ada Lovelace"}


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "too short"),
        ("ninechars", "too short"),
        ("x" * 257, "too long"),
        ("ada.lovelace@example.com", "your name or e-mail"),
        ("Ada.Lovelace", "your name or e-mail"),
        ("ada lovelace", "your name or e-mail"),
        ("AdaLovelace", "your name or e-mail"),
        ("password123", "first that others would try"),
        ("Password123", "first that others would try"),
        ("QWERTYUIOP", "first that others would try"),
        ("aaaaaaaaaaaa", "first that others would try"),
        ("abababababab", "first that others would try"),
        ("Password2031!", "first that others would try"),
        ("P@ssw0rd!!2031", "first that others would try"),
        ("123qwerty456", "first that others would try"),
        ("!!!Summer2026", "first that others would try"),
        ("shadow007007", "first that others would try"),
        ("dragondragon1", "first that others would try"),
        ("AgentLoom2026", "first that others would try"),
        ("\uff50assword99", "first that others would try"),
        ("Ada.Lovelace1815", "your name or e-mail"),
        ("Ada L0vel4ce!!", "your name or e-mail"),
    ],
)
def test_weak_password_is_refused_with_a_sentence(password, why):
    with pytest.raises(InvalidInput, match=why) as refused:
        passwords.require_strong(password, **ADA)
    assert refused.value.context["field"] == "password"


@pytest.mark.parametrize(
    "password",
    [
        "tencharsss",
        "copper kettle 9",
        "x1y2" * 64,
        "пароль-ёлка-42",
        "summer kettle 26",
        "8205743196",
        "passwordless kettle",
        "dragonfly lantern",
    ],
)
def test_ordinary_password_is_taken(password):
    passwords.require_strong(password, **ADA)


async def test_hash_is_argon2id_and_fits_only_its_password():
    hashed = await passwords.hash_password("copper kettle 9")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify("copper kettle 9", hashed) == (True, None)
    assert (await passwords.verify("copper kettle 8", hashed))[0] is False


async def test_old_bcrypt_hash_fits_and_is_renewed():
    old = bcrypt_sha256.using(rounds=4).hash("copper kettle 9")
    fits, renewed = await passwords.verify("copper kettle 9", old)
    assert fits
    assert renewed is not None
    assert renewed.startswith("$argon2id$")


async def test_bytes_after_the_72nd_count():
    long = "k" * 90
    hashed = bcrypt_sha256.using(rounds=4).hash(long + "a")
    assert (await passwords.verify(long + "b", hashed))[0] is False


async def test_composed_and_decomposed_characters_are_one_password():
    hashed = await passwords.hash_password("cafe\u0301 au lait")
    assert (await passwords.verify("caf\u00e9 au lait", hashed))[0] is True


async def test_unknown_account_never_fits():
    assert await passwords.verify("copper kettle 9", None) == (False, None)


async def test_enormous_password_is_refused_before_any_hashing():
    hashed = await passwords.hash_password("copper kettle 9")
    assert await passwords.verify("x" * 10_000, hashed) == (False, None)


def test_bcrypt_version_noise_is_silenced():
    assert logging.getLogger("passlib.handlers.bcrypt").level == logging.ERROR
