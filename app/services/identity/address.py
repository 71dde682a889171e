"""Which address somebody comes from, also behind proxies."""

from collections.abc import Iterable
from ipaddress import ip_address

from app.kernel.settings import settings


def behind_proxies(peer: str, forwarded: Iterable[str]) -> str:
    """Return the address of whoever asks: the nearest one that is no proxy of ours.

    Args:
        peer: Who holds the connection.
        forwarded: The `X-Forwarded-For` headers. They count only as far as trusted proxies wrote them: anybody else
            could claim any address.
    """
    here = peer
    for named in reversed([part.strip() for part in ",".join(forwarded).split(",")]):
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
