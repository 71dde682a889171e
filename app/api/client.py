"""Which address a request comes from."""

from fastapi import Request

from app.services.identity.address import behind_proxies


def client_address(request: Request) -> str:
    """Return the address of whoever asks: the nearest one that is no proxy of ours."""
    peer = request.client.host if request.client else ""
    return behind_proxies(peer, request.headers.getlist("x-forwarded-for"))
