"""Create an account, if the installation's rules allow it."""

import secrets
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.adapters.sql.database import Database, UnitOfWork
from app.kernel.clock import now
from app.kernel.errors import Conflict, Denied, InvalidInput
from app.kernel.ids import new_id
from app.kernel.settings import settings
from app.models import Member, Project, User, Workspace
from app.services import audit, throttle
from app.services.access import Actor, person
from app.services.identity import passwords
from app.services.identity.commands import normal_email, open_session
from app.services.identity.queries import has_people
from app.services.identity.views import RegisterRequest, SignedIn
from app.services.throttle import Throttle

_TAKEN = "There is an account with this e-mail address already. Sign in instead."
_CLOSED = "Registration is closed here. Ask the person who runs this installation."
_INVITED = "An account here needs an invitation. Ask the person who runs this installation."
_LOCK = 7_221_002
"""Key of PostgreSQL's advisory lock: registrations come one after the other, so that one is the first."""


async def why_not(uow: UnitOfWork, email: str = "") -> str:
    """Say why nobody, or nobody with this address, may create an account now; an empty text when they may.

    The first account may always be created: somebody has to administer the installation.
    """
    rule = settings().who_may_register
    if rule == "open" or not await has_people(uow):
        return ""
    if rule != "domains":
        return _INVITED if rule == "invited" else _CLOSED
    domains = settings().domains
    if not email or email.rpartition("@")[2] in domains:
        return ""
    return f"Only addresses of {' or '.join(domains)} may register here."


@dataclass(frozen=True)
class NewAccount:
    """An account that may be created, with the hash of its password."""

    name: str
    email: str
    password_hash: str = field(repr=False)


async def prepare_account(
    database: Database, guard: Throttle, request: RegisterRequest, client_ip: str
) -> NewAccount:
    """Check a request for an account and hash its password. No transaction is open while it is hashed.

    Raises:
        InvalidInput: Name, e-mail or password is not acceptable; `context["field"]` says which.
        Denied: The installation does not let this address register.
        RateLimited: Too many accounts from one address.
    """
    name, email = _name(request.name), normal_email(request.email)
    await guard.hit(throttle.REGISTER_ADDRESS, throttle.address_of(client_ip))
    async with database.read() as uow:
        await _require_allowed(uow, email)
    passwords.require_strong(request.password, email=email, name=name)
    return NewAccount(name, email, await passwords.hash_password(request.password))


async def register(uow: UnitOfWork, account: NewAccount, user_agent: str = "") -> SignedIn:
    """Create a person with a workspace and a first project of their own, and sign them in.

    The first one who can sign in administers the installation.

    Raises:
        Denied: The installation no longer lets this address register.
        Conflict: The e-mail address already has an account.
    """
    await _one_at_a_time(uow)
    await _require_allowed(uow, account.email)
    user = User(
        id=new_id("user"), email=account.email, name=account.name, password_hash=account.password_hash,
        created_at=now(), is_installation_admin=not await has_people(uow),
    )  # fmt: skip
    return await open_session(uow, user, await _at_home(uow, user), user_agent)


async def make_account(uow: UnitOfWork, name: str, email: str) -> Actor:
    """Create a person whose password nobody knows, whatever the registration rules."""
    hashed = await passwords.hash_password(secrets.token_urlsafe(24))
    user = User(id=new_id("user"), email=email, name=name, password_hash=hashed, created_at=now())
    return await _at_home(uow, user)


async def _require_allowed(uow: UnitOfWork, email: str) -> None:
    if reason := await why_not(uow, email):
        raise Denied(reason)


async def _one_at_a_time(uow: UnitOfWork) -> None:
    """Wait for registrations in progress. SQLite has one writer anyway."""
    if uow.session.get_bind().dialect.name == "postgresql":
        await uow.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def _at_home(uow: UnitOfWork, user: User) -> Actor:
    """Store a new person, with a workspace and a first project of their own.

    Raises:
        Conflict: The e-mail address already has an account.
    """
    taken = select(col(User.id)).where(col(User.email) == user.email)
    if (await uow.session.execute(taken)).first():
        raise Conflict(_TAKEN, field="email")
    moment = user.created_at
    workspace = Workspace(
        id=new_id("workspace"), name=f"{user.name.split()[0]}'s workspace", created_at=moment
    )
    uow.session.add_all([user, workspace])
    try:
        await uow.session.flush()
    except IntegrityError as error:  # two at once: the unique index decides
        raise Conflict(_TAKEN, field="email") from error
    member = Member(
        id=new_id("member"), workspace_id=workspace.id, user_id=user.id, role="owner",
        created_at=moment,
    )  # fmt: skip
    project = Project(
        id=new_id("project"), workspace_id=workspace.id, name="My project", created_at=moment
    )
    uow.session.add_all([member, project])
    actor = person(
        user.id, workspace.id, "owner", user.name,
        is_installation_admin=user.is_installation_admin,
    )  # fmt: skip
    audit.record(uow, actor, "user.register", user.id)
    return actor


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise InvalidInput("Enter your name.", field="name")
    if len(clean) > 100:
        raise InvalidInput("The name is too long. Use at most 100 characters.", field="name")
    return clean
