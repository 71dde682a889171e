"""Tokens are taken only as we issue them."""

import base64
import json
from datetime import timedelta

import pytest
from jose import jwt

from app.adapters.files.secrets import derive
from app.kernel.clock import now
from app.kernel.errors import Unauthenticated
from app.services.identity import tokens


def _claims(**changes):
    moment = int(now().timestamp())
    claims = {
        "iss": "agentloom", "aud": "agentloom-api", "sub": "usr_1", "jti": "ses_1",
        "iat": moment, "nbf": moment, "exp": moment + 60,
    }  # fmt: skip
    claims.update(changes)
    return {key: value for key, value in claims.items() if value is not None}


def _signed(claims, key=None, algorithm="HS256"):
    return jwt.encode(claims, key or derive("session token"), algorithm=algorithm)


def test_own_token_is_read_back():
    ends = now() + timedelta(days=1)
    token = tokens.issue("usr_1", "ses_1", ends)
    for _ in range(2):  # the second time it is known
        assert tokens.read(token) == tokens.Claims("usr_1", "ses_1", int(ends.timestamp()))


def test_the_same_claims_by_hand_are_taken():
    assert tokens.read(_signed(_claims())).session_id == "ses_1"


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"])
def test_missing_claim_is_refused(claim):
    with pytest.raises(Unauthenticated):
        tokens.read(_signed(_claims(**{claim: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"exp": int(now().timestamp()) - 10},
        {"nbf": int(now().timestamp()) + 86_400},
    ],
)
def test_wrong_claim_is_refused(changes):
    with pytest.raises(Unauthenticated):
        tokens.read(_signed(_claims(**changes)))


def test_a_token_from_before_the_clock_was_put_back_is_good():
    ahead = int(now().timestamp()) + 3_600
    token = _signed(_claims(iat=ahead, nbf=ahead, exp=ahead + 60))
    assert tokens.read(token).expires_at == ahead + 60


def test_another_key_or_algorithm_is_refused():
    for token in (_signed(_claims(), b"k" * 32), _signed(_claims(), algorithm="HS512")):
        with pytest.raises(Unauthenticated):
            tokens.read(token)


def test_unsigned_token_is_refused():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    with pytest.raises(Unauthenticated):
        tokens.read(f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(_claims())}.")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 20, "Bearer x", "." * 50])
def test_garbage_is_refused(token):
    with pytest.raises(Unauthenticated):
        tokens.read(token)


def test_csrf_token_belongs_to_one_session():
    mine = tokens.csrf_token("ses_1")
    assert tokens.csrf_fits("ses_1", mine)
    assert not tokens.csrf_fits("ses_2", mine)
    assert not tokens.csrf_fits("ses_1", "")
    assert not tokens.csrf_fits("ses_1", mine + "é")
