"""People and graphs for tests."""

from app.adapters.sql.database import Database
from app.services.access import Actor
from app.services.identity.commands import authenticate
from app.services.identity.registration import prepare_account, register
from app.services.identity.views import RegisterRequest, SignedIn
from app.services.throttle import Throttle


async def sign_up(
    database: Database, request: RegisterRequest, client_ip: str = "192.0.2.1", agent: str = ""
) -> SignedIn:
    """Register somebody, as the API does."""
    account = await prepare_account(database, Throttle(), request, client_ip)
    async with database.work() as uow:
        return await register(uow, account, agent)


async def person(database: Database, name: str = "Ada") -> Actor:
    """Register somebody and return them as the actor of their workspace."""
    request = RegisterRequest(
        name=name, email=f"{name.lower()}@example.com", password="copper kettle 9"
    )
    signed = await sign_up(database, request)
    async with database.read() as uow:
        return await authenticate(uow, signed.access_token)


def node(node_id: str, kind: str = "data.template", **more: object) -> dict[str, object]:
    """A node of a graph document."""
    return {"id": node_id, "kind": kind, **more}


def graph(
    *nodes: dict[str, object], edges: tuple[dict[str, object], ...] = ()
) -> dict[str, object]:
    """A graph document."""
    return {"schema": 1, "nodes": list(nodes), "edges": list(edges)}
