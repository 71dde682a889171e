"""Signed tokens: proof of a session, and proof that a request comes from our own page."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jose import JWTError, jwt

from app.adapters.files.secrets import derive
from app.kernel.clock import now
from app.kernel.errors import Unauthenticated

_ALGORITHM = "HS256"
_ISSUER = "agentloom"
_AUDIENCE = "agentloom-api"
_SET_BACK_S = 7_200
"""A token is also good when it was issued by a clock that was put back since, by so much. Its end counts exactly."""
_CLAIMS = ("aud", "iss", "exp", "nbf", "iat", "sub", "jti")

SESSION_ENDED = "You are not signed in, or your session has ended. Sign in again."


@dataclass(frozen=True)
class Claims:
    """What a valid token says. It counts only while the session's row is alive."""

    user_id: str
    session_id: str
    expires_at: int


def issue(user_id: str, session_id: str, expires_at: datetime) -> str:
    """Return the signed token of a session."""
    issued = int(now().timestamp())
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": user_id,
        "jti": session_id,
        "iat": issued,
        "nbf": issued,
        "exp": int(expires_at.timestamp()),
    }
    token: str = jwt.encode(claims, derive("session token"), algorithm=_ALGORITHM)
    return token


def read(token: str) -> Claims:
    """Check signature, algorithm, issuer, audience and times of a token.

    Raises:
        Unauthenticated: One of them is wrong; the error does not say which.
    """
    claims = _verified(token, derive("session token"))
    if claims.expires_at <= now().timestamp():
        raise Unauthenticated(SESSION_ENDED)
    return claims


@lru_cache(maxsize=4_096)
def _verified(token: str, key: bytes) -> Claims:
    """Check a token; the parts that cannot change are checked once."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={f"require_{claim}": True for claim in _CLAIMS} | {"leeway": _SET_BACK_S},
        )
    except JWTError as error:
        raise Unauthenticated(SESSION_ENDED) from error
    return Claims(str(claims["sub"]), str(claims["jti"]), int(claims["exp"]))


def csrf_token(session_id: str) -> str:
    """Return what our pages send in `X-CSRF-Token`; it is useless for another session."""
    return hmac.new(derive("csrf"), session_id.encode(), "sha256").hexdigest()


def csrf_fits(session_id: str, given: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(csrf_token(session_id).encode(), given.encode())
