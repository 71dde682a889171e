"""Which address a request comes from, also behind proxies."""

from ipaddress import ip_address

from fastapi import Request

from app.kernel.settings import settings


def client_address(request: Request) -> str:
    """Return the address of whoever asks: the nearest one that is no proxy of ours.

    `X-Forwarded-For` counts only as far as trusted proxies wrote it: anybody else could claim any address.
    """
    here = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for named in reversed([part.strip() for part in forwarded]):
        if not _is_trusted(here) or not _is_address(named):
            break
        here = named
    return here


def _is_trusted(address: str) -> bool:
    if not _is_address(address):
        return False
    found = ip_address(address)
    return any(found in network for network in settings().proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
