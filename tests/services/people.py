"""People and graphs for tests."""

from app.adapters.sql.database import Database
from app.services.access import Actor
from app.services.identity.commands import authenticate
from app.services.identity.registration import register
from app.services.identity.views import RegisterRequest


async def person(database: Database, name: str = "Ada") -> Actor:
    """Register somebody and return them as the actor of their workspace."""
    request = RegisterRequest(
        name=name, email=f"{name.lower()}@example.com", password="copper kettle 9"
    )
    async with database.work() as uow:
        signed = await register(uow, request, "192.0.2.1")
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
