"""Which address a request comes from."""

from starlette.datastructures import Headers
from starlette.types import Scope

from app.services.identity.address import behind_proxies


def client_address(scope: Scope) -> str:
    """Return the address of whoever asks: the nearest one that is no proxy of ours."""
    client = scope.get("client")
    return behind_proxies(
        client[0] if client else "", Headers(scope=scope).getlist("x-forwarded-for")
    )
