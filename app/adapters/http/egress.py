"""The one way out: every request of a workflow passes here and may only reach public addresses.

A name is resolved, all its addresses are checked, and the connection goes to a checked address, so
that a second look-up cannot answer differently. The same happens for every redirect.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app.adapters.http.answers import headers_of, read_body, text_of
from app.adapters.process import fair
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
_MOVED = frozenset({301, 302})
_SEE_OTHER = 303
_PARTIAL = 206
_OF_BODY = frozenset({"content-type", "content-encoding", "content-language", "idempotency-key"})
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff\ufffd]")
_ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"
)
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
        except (httpx2.LocalProtocolError, UnicodeError):
            # what it says may hold a value of a header: not even its cause is kept
            raise UpstreamRefused(
                f"The request to {_shown(request.url)} cannot be sent: it is not HTTP."
            ) from None
        except httpx2.HTTPError as error:
            raise UpstreamFailed(
                f"{_shown(request.url)} could not be read: {_reason(error, request.url)}",
                passing=_may_pass(error),
            ) from error

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()

    async def _follow(self, request: HttpRequest) -> HttpReply:
        import httpx2  # noqa: PLC0415 - see above

        url = httpx2.URL(request.url)
        if request.query:  # by hand: nothing of the address may be lost or written anew
            parts = [*filter(None, (url.query,)), urlencode(request.query, doseq=True).encode()]
            url = url.copy_with(query=b"&".join(parts))
        hop = _Hop(request.method, url, _headers(request.headers), request.body)
        for _ in range(_MAX_REDIRECTS + 1):
            response, body = await self._exchange(hop, request.max_bytes)
            if not response.has_redirect_location:
                return _reply(response, body, hop)
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
                headers=[
                    *((name.encode(), text.encode()) for name, text in hop.headers.items()),
                    (b"Host", hop.url.netloc),
                    (b"Accept-Encoding", b"gzip"),
                ],
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
                return response, await read_body(response, max_bytes)
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
                f"The name '{host}' cannot be resolved: {error.strerror}.",
                passing=error.errno == socket.EAI_AGAIN,
            ) from error
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
        denied = next((one for one in addresses if why_denied(one)), None)
        if denied is not None and not is_allowed:
            is_written = str(denied) == host.strip("[]")
            reason = (
                why_denied(denied) if is_written else "it leads to an address that is not public"
            )
            raise _denied(host, port, str(reason))
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
        self.remarks: dict[str, str] = {}

    def redirected(self, response: "httpx2.Response") -> "_Hop":
        """The next request, as RFC 9110 has it: only a POST may become a GET, or anything by 303.

        Across origins only harmless headers go along, never a credential.

        Raises:
            UpstreamRefused: It would carry a change to another origin.
        """
        url = self.url.join(response.headers["location"])
        status, method, headers, body = response.status_code, self.method, self.headers, self.body
        remarks = dict(self.remarks)
        if (status == _SEE_OTHER and method != "HEAD") or (status in _MOVED and method == "POST"):
            if status in _MOVED:
                remarks["method_changed"] = (
                    f"The service moved the address ({status}), so POST became GET, without its body, as in "
                    "a browser. If the change did not happen, write the new address into the node."
                )
            method, body = "GET", b""
            headers = {name: text for name, text in headers.items() if name.lower() not in _OF_BODY}
        if not _is_same_origin(self.url, url):
            if method not in ("GET", "HEAD"):
                raise UpstreamRefused(
                    f"{_origin(self.url)} redirects this {method} to {_origin(url)} ({status}). What it carries "
                    "is not sent to another origin: write the new address into the node if you trust it."
                )
            headers = {
                name: text for name, text in headers.items() if name.lower() in _KEPT_ACROSS_ORIGINS
            }
        hop = _Hop(method, url, headers, body)
        hop.remarks = remarks
        return hop


def _origin(url: "httpx2.URL") -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii').rpartition('@')[2].lower()}"


def _is_same_origin(old: "httpx2.URL", new: "httpx2.URL") -> bool:
    """Whether nothing changes, or only that the same host is called by https now."""
    if old.host.lower() != new.host.lower():
        return False
    ports = [url.port or _DEFAULT_PORTS.get(url.scheme) for url in (old, new)]
    is_upgrade = (old.scheme, new.scheme, *ports) == ("http", "https", 80, 443)
    return is_upgrade or (old.scheme == new.scheme and ports[0] == ports[1])


def _may_pass(error: Exception) -> bool:
    """Whether the connection failed in a way that another try may find over."""
    import httpx2  # noqa: PLC0415 - see above

    if "certificate" in str(error).lower():
        return False
    return isinstance(error, (httpx2.NetworkError, httpx2.RemoteProtocolError))


def _reply(response: "httpx2.Response", body: bytes, hop: _Hop) -> HttpReply:
    """Make the reply of an answer that was read to its end.

    Raises:
        UpstreamFailed: It is only a part of what was asked for.
    """
    asked_for_part = any(name.lower() == "range" for name in hop.headers)
    if response.status_code == _PARTIAL and not asked_for_part:
        raise UpstreamFailed(
            f"{_shown(str(hop.url))} sent only a part (206), which was not asked for."
        )
    kind = response.headers.get("content-type", "")
    text, is_whole = text_of(body, kind)
    remarks = dict(hop.remarks)
    if not is_whole:
        remarks["not_text"] = (
            f"The answer ({kind.partition(';')[0].strip() or 'of no declared type'}) is not all text: what "
            "could not be read stands in it as \ufffd."
        )
    return HttpReply(
        status=response.status_code,
        headers=headers_of(response.headers.multi_items()),
        text=text,
        url=str(hop.url),
        remarks=remarks,
    )


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request without blanks and line ends around them.

    Raises:
        UpstreamRefused: One cannot be sent; its value is not told, it may be a secret.
    """
    headers = {}
    for key, value in given.items():
        name, text = key.strip(), value.strip(" \t\r\n")
        if not _TOKEN.fullmatch(name):
            shown = re.split(r"[:=]", name, maxsplit=1)[0][:60]
            raise UpstreamRefused(f"'{shown}' cannot be the name of a header.")
        if _CONTROL.search(text):
            raise UpstreamRefused(
                f"The header '{name[:60]}' cannot be sent: its value has a line break or another control "
                "character in it."
            )
        if name.lower() not in _OURS:
            headers[name] = text
    return headers


def _reason(error: Exception, url: str) -> str:
    """What went wrong, without the addresses behind the name."""
    told = str(error) or type(error).__name__
    return _ADDRESS.sub(lambda found: found[0] if found[0] in url else "its address", told)


def _denied(host: str, port: int, reason: str) -> StepError:
    return UpstreamRefused(
        f"Workflows may not reach {host}:{port}: {reason}. "
        f"An administrator can allow it with AGENTLOOM_EGRESS_ALLOW={host}:{port}"
    )


def _shown(url: str) -> str:
    """The address without what may be secret in it: user, password, query and fragment."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])[:200]
