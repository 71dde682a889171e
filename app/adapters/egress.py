"""The one way out: every request of a workflow passes here and may only reach public addresses.

A name is resolved, all its addresses are checked, and the connection goes to a checked address, so
that a second look-up cannot answer differently. The same happens for every redirect.
"""

import asyncio
import ipaddress
import re
import socket
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from app.adapters import fair
from app.engine.sdk.context import HttpReply, HttpRequest
from app.kernel.errors import StepError, UpstreamFailed, UpstreamRefused

if TYPE_CHECKING:  # only a process that calls out pays for the import
    import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_MAX_REDIRECTS = 5
_CONNECT_S = 10.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_DENIED_PORTS = frozenset({
    21, 22, 23, 25, 465, 587,                      # file transfer, shells, mail
    111, 135, 139, 389, 445, 636, 2049,            # directories and file shares
    1433, 1521, 3306, 5432, 5433, 6432,            # SQL databases
    6379, 6380, 16379, 26379, 11211,               # Redis, Valkey, memcached
    5984, 7000, 7687, 8529, 9042, 27017, 27018, 27019,
    2375, 2376, 2379, 2380, 10250,                 # docker, etcd, kubelet
    4369, 5672, 9092, 9200, 9300,                  # queues, search
})  # fmt: skip
_DENIED_V4 = tuple(map(ipaddress.IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_DENIED_V6 = tuple(map(ipaddress.IPv6Network, (
    "2001::/23",       # special purposes, among them Teredo and benchmarks
    "2001:db8::/32", "3fff::/20",  # documentation
    "2002::/16",       # 6to4
)))  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?")
_KEPT_ACROSS_ORIGINS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_OURS = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer",
    "proxy-authorization", "proxy-connection", "keep-alive", "accept-encoding",
})  # fmt: skip


def why_denied(address: Address) -> str | None:
    """Say why a workflow may not connect to this address; None when it may.

    Everything special is denied: loopback, private, link-local and cloud metadata, shared (CGNAT),
    multicast, reserved, benchmark and documentation nets, and IPv6 forms that carry such an IPv4.
    """
    if isinstance(address, ipaddress.IPv4Address):
        net = next((net for net in _DENIED_V4 if address in net), None)
        return f"{address} is in {net}, which is not public" if net else None
    inner = address.ipv4_mapped
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return why_denied(inner)
    if address not in _PUBLIC_V6:
        return f"{address} is not a public address"
    denied = next((net for net in _DENIED_V6 if address in net), None)
    return f"{address} is in {denied}, which is not public" if denied else None


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for all addresses of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class EgressClient:
    """Sends requests of workflows to the outside.

    Args:
        allowed: `host:port`, separated by commas, that may be reached although denied otherwise;
            as written in the address, not as resolved.
    """

    def __init__(self, allowed: str = "", *, resolver: Resolver = resolve) -> None:
        self._allowed = frozenset(
            entry.strip().lower() for entry in allowed.split(",") if entry.strip()
        )
        self._resolve = resolver
        self._client: httpx2.AsyncClient | None = None

    async def send(self, request: HttpRequest) -> HttpReply:
        """Send the request, follow at most five redirects, and return the answer.

        Raises:
            UpstreamRefused: The address is not allowed or cannot be one.
            UpstreamFailed: No answer in time, or one that is too large or broken.
        """
        import httpx2  # noqa: PLC0415 - see above

        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._follow(request)
        except TimeoutError as error:
            raise UpstreamFailed(
                f"{_shown(request.url)} did not answer within {request.timeout_s:g} s."
            ) from error
        except httpx2.InvalidURL as error:
            raise UpstreamRefused(f"This is not a web address: {_shown(request.url)}") from error
        except (httpx2.LocalProtocolError, UnicodeError) as error:
            raise UpstreamRefused(f"The request cannot be sent: {error}") from error
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise UpstreamFailed(f"{_shown(request.url)} could not be read: {reason}") from error

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()

    async def _follow(self, request: HttpRequest) -> HttpReply:
        import httpx2  # noqa: PLC0415 - see above

        url = httpx2.URL(request.url)
        if request.query:
            url = url.copy_merge_params(dict(request.query))
        headers = {
            name: text for name, text in request.headers.items() if name.lower() not in _OURS
        }
        hop = _Hop(request.method, url, headers, request.body)
        for _ in range(_MAX_REDIRECTS + 1):
            response, body = await self._exchange(hop, request.max_bytes)
            if not response.has_redirect_location:
                return _reply(response, body, hop.url)
            hop = hop.redirected(response)
        raise UpstreamFailed(f"{_shown(request.url)} redirects more than {_MAX_REDIRECTS} times.")

    async def _exchange(self, hop: "_Hop", max_bytes: int) -> tuple["httpx2.Response", bytes]:
        """Send to the first checked address that takes the connection."""
        import httpx2  # noqa: PLC0415 - see above

        addresses = await self._check(hop.url)
        client = self._opened()
        for place, address in enumerate(addresses):
            outgoing = client.build_request(
                hop.method,
                hop.url.copy_with(host=address, userinfo=b""),
                headers={
                    **hop.headers,
                    "Host": hop.url.netloc.decode("ascii"),
                    "Accept-Encoding": "gzip",
                },
                content=hop.body or None,
                extensions={"sni_hostname": hop.url.raw_host.decode("ascii").strip("[]")},
            )
            try:
                response = await client.send(outgoing, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if place + 1 == len(addresses):
                    raise
                continue
            try:
                return response, await _read(response, max_bytes)
            finally:
                await response.aclose()
        raise UpstreamFailed(f"{hop.url.host} has no address.")

    async def _check(self, url: "httpx2.URL") -> list[str]:
        """Return the addresses to connect to, all of them checked."""
        if url.scheme not in _DEFAULT_PORTS:
            raise UpstreamRefused(
                f"Only http and https are allowed, not '{url.scheme or 'nothing'}'."
            )
        if not _HOST.fullmatch(url.raw_host.decode("ascii")):
            raise UpstreamRefused(f"'{url.host}' is not the name of a host.")
        if url.userinfo:
            raise UpstreamRefused(
                "A web address must not hold a user name or password; use a header."
            )
        host, port = url.host.lower().rstrip("."), url.port or _DEFAULT_PORTS[url.scheme]
        is_allowed = f"{host}:{port}" in self._allowed
        if not is_allowed and port in _DENIED_PORTS:
            raise _denied(host, port, f"port {port} belongs to a service that is not a web server")
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise UpstreamFailed(
                f"The name '{host}' cannot be resolved: {error.strerror}."
            ) from error
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
        reason = next(filter(None, map(why_denied, addresses)), None)
        if reason and not is_allowed:
            raise _denied(host, port, reason)
        return [str(address) for address in addresses]

    def _opened(self) -> "httpx2.AsyncClient":
        """The client, made on the first call.

        It keeps no cookies, which would travel between workspaces, and no connections: the next
        host on the same address must prove its own name.
        """
        import httpx2  # noqa: PLC0415 - see above

        if self._client is None:
            self._client = httpx2.AsyncClient(
                headers={"User-Agent": "AgentLoom"},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                follow_redirects=False,
                trust_env=False,
                timeout=httpx2.Timeout(None, connect=_CONNECT_S),
                limits=httpx2.Limits(
                    max_connections=fair.most("http"), max_keepalive_connections=0
                ),
            )
        return self._client


class _Hop:
    """One request on the way through redirects."""

    def __init__(
        self, method: str, url: "httpx2.URL", headers: Mapping[str, str], body: bytes
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body

    def redirected(self, response: "httpx2.Response") -> "_Hop":
        """The next request; across origins only harmless headers go along, never a credential."""
        url = self.url.join(response.headers["location"])
        headers = dict(self.headers)
        if _origin(url) != _origin(self.url):
            headers = {
                name: text for name, text in headers.items() if name.lower() in _KEPT_ACROSS_ORIGINS
            }
        if response.status_code in (307, 308) or self.method in ("GET", "HEAD"):
            return _Hop(self.method, url, headers, self.body)
        headers = {name: text for name, text in headers.items() if name.lower() != "content-type"}
        return _Hop("GET", url, headers, b"")


def _origin(url: "httpx2.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host.lower(), url.port or _DEFAULT_PORTS.get(url.scheme)


async def _read(response: "httpx2.Response", max_bytes: int) -> bytes:
    """Read the body, bounded as sent and as unpacked: a small gzip can hold a very large text."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise UpstreamFailed(f"The answer is packed as '{encoding}', which was not asked for.")
    unpack = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            body += unpack.decompress(chunk, max_bytes + 1 - len(body)) if unpack else chunk
        except zlib.error as error:
            raise UpstreamFailed("The answer's packing is broken.") from error
        if len(body) > max_bytes:
            raise UpstreamFailed(f"The answer is larger than the {max_bytes:,} bytes allowed here.")
    return bytes(body)


def _reply(response: "httpx2.Response", body: bytes, url: "httpx2.URL") -> HttpReply:
    charset = response.charset_encoding or "utf-8"
    try:
        text = body.decode(charset, errors="replace")
    except LookupError:
        text = body.decode("utf-8", errors="replace")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpReply(status=response.status_code, headers=headers, text=text, url=str(url))


def _denied(host: str, port: int, reason: str) -> StepError:
    return UpstreamRefused(
        f"Workflows may not reach {host}:{port}: {reason}. "
        f"An administrator can allow it with AGENTLOOM_EGRESS_ALLOW={host}:{port}"
    )


def _shown(url: str) -> str:
    """The address without what may be secret in it: user, password, query and fragment."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])[:200]
