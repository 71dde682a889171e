"""The address a client comes from, also behind proxies."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from app.kernel.settings import networks, settings


def behind_proxies(peer: str, forwarded: Iterable[str]) -> str:
    """Return the client's address: the nearest one that is not a proxy of ours.

    Args:
        peer: The peer of the connection.
        forwarded: The `X-Forwarded-For` headers. They are trusted only as far as trusted proxies wrote them: anybody
            else could claim any address.
    """
    here = peer
    for named in reversed([part.strip() for part in ",".join(forwarded).split(",")]):
        if not is_trusted(here) or not _is_address(named):
            break
        here = named
    return here


def is_trusted(address: str) -> bool:
    """Whether this address is a proxy of ours."""
    listed = settings().trusted_proxies
    return bool(listed) and _is_within(address, listed)


@lru_cache(maxsize=1_000)
def _is_within(address: str, listed: str) -> bool:
    if not _is_address(address):
        return False
    found = ip_address(address)
    return any(found in network for network in networks(listed))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
