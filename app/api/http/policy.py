"""What applies to a request before anything handles it: which hosts a route answers to, and which headers its responses
carry. One policy per part of the address space; a part with its own host or embedding rules gets a line here.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import Scope

from app.kernel.settings import EVERYWHERE, is_loopback, settings
from app.services.identity.address import is_trusted

_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "",  # otherwise the server writes its own name
}
_DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGES = (
    "default-src 'self'",
    # eval: decision 10. Scripts within a page run only if they are those of the built pages.
    "script-src 'self' 'unsafe-eval'{hashes}",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)
_NO_PAGES = ("/api/", "/_event/")
_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True)
class Policy:
    """What applies to one part of the address space.

    Args:
        headers: What every response carries, unless it sets them itself.
        any_host: It answers under any host name: for probes, which know only an address.
    """

    headers: Mapping[str, str]
    any_host: bool = False

    @cached_property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """The headers in the form the server takes."""
        return [(name.lower().encode(), text.encode()) for name, text in self.headers.items()]


class Policies:
    """The policy of each address.

    Args:
        scripts: Hashes of the inline scripts in the built pages, see `inline_scripts`.
    """

    def __init__(self, scripts: Iterable[str] = ()) -> None:
        hashes = "".join(f" '{digest}'" for digest in scripts)
        pages = "; ".join(_PAGES).replace("{hashes}", hashes)
        data = {**_COMMON, "Content-Security-Policy": _DATA, "Cache-Control": "no-store"}
        self._pages = Policy({**_COMMON, "Content-Security-Policy": pages})
        self._data = Policy(data)
        probes = Policy(data, any_host=True)
        health = ("/healthz", "/readyz")
        self._exact = {f"{prefix}{path}": probes for prefix in ("", "/api") for path in health}

    def of(self, path: str) -> Policy:
        """The policy of an address."""
        if path in self._exact:
            return self._exact[path]
        return self._data if f"{path}/".startswith(_NO_PAGES) else self._pages


def inline_scripts(bundle: Path) -> list[str]:
    """The hashes of all inline scripts in the built pages, as a content security policy names them."""
    found = {
        script.encode()
        for page in bundle.rglob("*.html")
        for script in _INLINE.findall(page.read_text(encoding="utf-8"))
    }
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in found)
    return sorted(f"sha256-{digest}" for digest in digests)


def host_of(scope: Scope) -> str:
    """The host and port under which a request calls this server, as reported by the nearest trusted proxy; empty when
    it names none, or more than one.
    """
    return _forwarded(scope) or _only(scope, b"host")


def is_known(scope: Scope) -> bool:
    """Whether a request calls this server by one of its names. A page of another site can point its own name here; the
    browser then takes our responses for that site's.
    """
    config = settings()
    return bool(_forwarded(scope)) or is_ours(_only(scope, b"host"), config.public_url, config.host)


def _forwarded(scope: Scope) -> str:
    """The host that a trusted proxy forwards; empty when there is none."""
    client = scope.get("client")
    if client is None or not is_trusted(client[0]):
        return ""
    host = _only(scope, b"x-forwarded-host").rpartition(",")[2].strip()
    return host if _name(host) else ""


def _only(scope: Scope, wanted: bytes) -> str:
    """The value of a header that may occur only once."""
    found: list[bytes] = [value for name, value in scope["headers"] if name == wanted]
    return found[0].decode("latin-1").strip().lower() if len(found) == 1 else ""


@lru_cache(maxsize=1_000)
def is_ours(host: str, public_url: str, bound: str) -> bool:
    """Whether a host, with or without a port, is the public one, a loopback one, or the address that is listened on."""
    name = _name(host)
    own = {_name(urlsplit(public_url).netloc.lower()), bound.lower()} - {"", *EVERYWHERE}
    return is_loopback(name) or name in own


def _name(host: str) -> str:
    """A host without its port, its final dot and an IPv6 address's brackets; empty when it is not a host."""
    found = re.fullmatch(r"(?:\[([0-9a-f:.%]+)\]|([^\s:/@\\\[\]?#]+?)\.?)(?::\d{1,5})?", host)
    return (found[1] or found[2]) if found else ""


def is_own_origin(origin: str, host: str) -> bool:
    """Whether a page of this origin is one of ours, when this server was called under that host."""
    own, found = urlsplit(settings().origin), urlsplit(origin)
    if found.netloc == own.netloc:
        return found.scheme == own.scheme
    return bool(host) and found.netloc == host and found.scheme in ("http", "https")
