"""Sign in and out, and find out who is asking."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from app.adapters.sql.database import Database, UnitOfWork
from app.kernel.clock import now
from app.kernel.errors import InvalidInput, NotFound, Unauthenticated
from app.kernel.ids import new_id
from app.models import Member, Session, User
from app.services import audit, throttle
from app.services.access import Actor, Role, person
from app.services.identity import passwords, tokens
from app.services.identity.queries import actor_of, session_user
from app.services.identity.views import SignedIn, UserView
from app.services.throttle import Throttle

SESSION_LIFE = timedelta(days=14)
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)+")
_NO_EMAIL = "This is not an e-mail address. It looks like ada@example.com."
_WRONG = "The e-mail address or the password is wrong."


def _folded(email: str) -> str:
    return unicodedata.normalize("NFKC", email).strip().lower()


def normal_email(email: str) -> str:
    """Return the canonical form in which an address is stored and compared.

    Raises:
        InvalidInput: It is not an e-mail address.
    """
    normal = _folded(email)
    if len(normal) > 254 or not _EMAIL.fullmatch(normal):
        raise InvalidInput(_NO_EMAIL, field="email")
    return normal


@dataclass(frozen=True)
class KnownPerson:
    """Somebody who has proved that they know their password.

    Args:
        renewed: A new hash, when the stored one is of an old kind.
    """

    user_id: str
    renewed: str | None = None


async def check_password(
    database: Database, guard: Throttle, email: str, password: str, client_ip: str
) -> KnownPerson:
    """Find the person who has this password. No transaction is open while it is hashed.

    Raises:
        Unauthenticated: Unknown, disabled or mistyped: the answer and its delay are the same.
        RateLimited: Too many attempts for the account or from the address.
    """
    address, account = throttle.address_of(client_ip), _folded(email)
    await guard.hit(throttle.SIGN_IN_ADDRESS, address)
    await guard.hit(throttle.SIGN_IN_PAIR, account, address)
    await guard.hit(throttle.SIGN_IN_ACCOUNT, account)
    async with database.read() as uow:
        query = select(User).where(col(User.email) == account)
        user = (await uow.session.execute(query)).scalar_one_or_none()
    fits, renewed = await passwords.verify(password, user.password_hash if user else None)
    if user is None or not fits or user.disabled_at is not None:
        raise Unauthenticated(_WRONG)
    await guard.forget(throttle.SIGN_IN_PAIR, account, address)
    await guard.forget(throttle.SIGN_IN_ACCOUNT, account)
    return KnownPerson(user.id, renewed)


async def login(uow: UnitOfWork, known: KnownPerson, user_agent: str = "") -> SignedIn:
    """Open a session for a person whose password `check_password` has checked.

    Raises:
        Unauthenticated: The account was disabled or deleted since.
    """
    user = await uow.session.get(User, known.user_id)
    if user is None or user.disabled_at is not None:
        raise Unauthenticated(_WRONG)
    if known.renewed:
        user.password_hash = known.renewed
    actor = await _actor(uow, user, None)
    audit.record(uow, actor, "user.login", user.id)
    return await open_session(uow, user, actor, user_agent)


async def logout(uow: UnitOfWork, session_id: str) -> None:
    """End a session everywhere at once. Ending it twice is fine."""
    session = await uow.session.get(Session, session_id)
    if session is None or session.revoked_at is not None:
        return
    session.revoked_at = now()
    audit.record(uow, person(session.user_id, "", "viewer"), "user.logout", session.user_id)


async def authenticate(uow: UnitOfWork, token: str, workspace_id: str | None = None) -> Actor:
    """Find out who is asking, from the token of a bearer header or of the session cookie.

    Args:
        workspace_id: The workspace to act in; None: the one they joined first.

    Raises:
        Unauthenticated: The token is not ours, or its session has ended.
        NotFound: They do not belong to that workspace.
    """
    claims = tokens.read(token)
    found = await session_user(uow, claims.session_id, claims.user_id)
    if found is None:
        raise Unauthenticated(tokens.SESSION_ENDED)
    return await _actor(uow, found, workspace_id, claims.session_id)


async def actor_of_token(database: Database, token: str, workspace_id: str | None = None) -> Actor:
    """Find out who is asking, as `authenticate`, with a single database query."""
    claims = tokens.read(token)
    actor = await actor_of(database, claims.user_id, claims.session_id, workspace_id)
    if actor is not None:
        return actor
    async with database.read() as uow:
        return await authenticate(uow, token, workspace_id)  # it says what is wrong


async def actor_in(uow: UnitOfWork, actor: Actor, workspace_id: str | None) -> Actor:
    """Return the same person in another of their workspaces.

    Raises:
        NotFound: They do not belong to it.
    """
    if workspace_id is None or workspace_id == actor.workspace_id:
        return actor
    user = await uow.session.get_one(User, actor.user_id)
    return await _actor(uow, user, workspace_id, actor.session_id)


async def _actor(
    uow: UnitOfWork, user: User, workspace_id: str | None, session_id: str = ""
) -> Actor:
    joined = col(Member.created_at), col(Member.id)
    query = select(Member).where(col(Member.user_id) == user.id).order_by(*joined)
    if workspace_id is not None:
        query = query.where(col(Member.workspace_id) == workspace_id)
    member = (await uow.session.execute(query.limit(1))).scalar_one_or_none()
    if member is None:
        raise NotFound("There is no such workspace.")
    role: Role = member.role  # type: ignore[assignment]  # require() refuses a role it does not know
    return person(
        user.id,
        member.workspace_id,
        role,
        user.name,
        session_id=session_id,
        is_installation_admin=user.is_installation_admin,
    )


async def open_session(uow: UnitOfWork, user: User, actor: Actor, user_agent: str) -> SignedIn:
    """Open a session of a person who has shown who they are."""
    moment = now()
    session = Session(
        id=new_id("session"), user_id=user.id, created_at=moment, expires_at=moment + SESSION_LIFE,
        user_agent=user_agent[:300],
    )  # fmt: skip
    uow.session.add(session)
    await uow.session.flush()
    return SignedIn(
        user=UserView(id=user.id, name=user.name, email=user.email, created_at=user.created_at),
        workspace_id=actor.workspace_id,
        session_id=session.id,
        access_token=tokens.issue(user.id, session.id, session.expires_at),
        csrf_token=tokens.csrf_token(session.id),
        expires_at=session.expires_at,
    )
