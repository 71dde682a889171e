"""Which address a request comes from."""

from starlette.datastructures import Headers
from starlette.types import Scope

from app.services.identity.address import behind_proxies, is_trusted


def client_address(scope: Scope) -> str:
    """Return the client's address: the nearest one that is not a proxy of ours."""
    client = scope.get("client")
    peer: str = client[0] if client else ""
    if not is_trusted(peer):  # most have no proxy before them
        return peer
    return behind_proxies(peer, Headers(scope=scope).getlist("x-forwarded-for"))
