"""Requests of workflows reach public addresses only, whatever the name, form or detour."""

import asyncio
import gzip
import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.adapters.http.egress import EgressClient, why_denied
from app.engine.sdk.context import HttpReply, HttpRequest
from app.kernel.errors import UpstreamFailed, UpstreamRefused
from tests.fakes.web import Asked, FakeWeb, Page

DENIED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.0.1",
    "198.20.0.1",
    "2606:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", DENIED)
def test_special_addresses_are_denied(address: str) -> None:
    assert why_denied(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str) -> None:
    assert why_denied(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://LOCALHOST./",
])  # fmt: skip
async def test_this_machine_is_refused_in_every_spelling(url: str) -> None:
    with pytest.raises((UpstreamRefused, UpstreamFailed)) as caught:
        await EgressClient().send(HttpRequest(url=url))
    # A spelling that cannot be read at all is as good as a refusal.
    assert any(
        words in caught.value.message
        for words in ("may not reach", "cannot be resolved", "not a web address")
    )


@pytest.mark.parametrize("url", [
    "file:///etc/passwd", "ftp://example.com/x", "gopher://example.com/", "//example.com", "example.com", "http://",
    "http://user:pass@example.com/", "http://exa mple.com/", "http://[::1/",
])  # fmt: skip
async def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(UpstreamRefused):
        await EgressClient(resolver=_public).send(HttpRequest(url=url))


async def test_one_private_answer_among_public_ones_refuses_the_name() -> None:
    async def mixed(_host: str, _port: int) -> Sequence[str]:
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(UpstreamRefused, match="not public") as caught:
        await EgressClient(resolver=mixed).send(HttpRequest(url="http://two-faced.test/"))
    assert (
        "10.0.0" not in caught.value.message
    )  # which address a name leads to is nobody's business


@pytest.mark.parametrize("port", [22, 25, 3306, 5432, 6379, 9200, 11211, 27017])
async def test_ports_of_databases_and_mail_are_refused(port: int) -> None:
    with pytest.raises(UpstreamRefused, match=f"port {port}"):
        await EgressClient(resolver=_public).send(HttpRequest(url=f"http://db.test:{port}/"))


async def test_the_connection_goes_to_the_checked_address_with_the_original_host() -> None:
    asked = []

    async def once(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with FakeWeb(lambda _: Page(body=b"here")) as web:
        client = EgressClient(f"peer.test:{web.port}", resolver=once)
        reply = await client.send(
            HttpRequest(url=f"http://peer.test:{web.port}/a", query={"q": "x y"})
        )
    assert (reply.status, reply.text, reply.url) == (
        200,
        "here",
        f"http://peer.test:{web.port}/a?q=x+y",
    )
    assert web.asked[0].headers["host"] == f"peer.test:{web.port}"
    assert asked == ["peer.test"]


async def test_the_allow_list_is_about_one_host_and_port() -> None:
    async with FakeWeb(lambda _: Page()) as web:
        client = EgressClient(f"localhost:{web.port}")
        assert (await client.send(HttpRequest(url=f"http://localhost:{web.port}/"))).status == 200
        with pytest.raises(UpstreamRefused):
            await client.send(HttpRequest(url=f"http://127.0.0.1:{web.port}/"))
        with pytest.raises(UpstreamRefused):
            await client.send(HttpRequest(url=f"http://localhost:{web.port + 1}/"))
    assert len(web.asked) == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await _get(lambda _: Page())).status == 200


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    with pytest.raises(UpstreamRefused, match=r"169\.254\.169\.254"):
        await _get(
            lambda _: Page(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})
        )


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "gopher://x/", "http://user:p@127.0.0.1/"]
)
async def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    with pytest.raises(UpstreamRefused):
        await _get(lambda _: Page(302, headers={"Location": location}))


async def test_after_five_redirects_it_gives_up() -> None:
    seen: list[str] = []

    def around(asked: Asked) -> Page:
        seen.append(asked.target)
        return Page(302, headers={"Location": f"/{len(seen)}"})

    with pytest.raises(UpstreamFailed, match="redirects"):
        await _get(around)
    assert len(seen) == 6


async def test_credentials_stay_behind_when_a_redirect_leaves_the_origin() -> None:
    headers = {
        "Authorization": "Bearer secret",
        "Cookie": "a=b",
        "X-Api-Key": "secret",
        "Accept": "text/plain",
    }
    async with FakeWeb(lambda _: Page(body=b"other")) as other:
        away = f"http://127.0.0.1:{other.port}/"
        first = FakeWeb(
            lambda asked: Page(302, headers={"Location": "/b" if asked.target == "/" else away})
        )
        async with first:
            client = EgressClient(f"127.0.0.1:{first.port},127.0.0.1:{other.port}")
            reply = await client.send(
                HttpRequest(url=f"http://127.0.0.1:{first.port}/", headers=headers)
            )
    assert reply.text == "other"
    assert [asked.headers.get("authorization") for asked in first.asked] == ["Bearer secret"] * 2
    assert not {"authorization", "cookie", "x-api-key"} & set(other.asked[0].headers)
    assert other.asked[0].headers["accept"] == "text/plain"


@pytest.mark.parametrize(
    ("status", "method", "body"), [(303, "GET", b""), (302, "GET", b""), (307, "POST", b"data")]
)
async def test_a_redirected_post_keeps_its_body_only_when_told_to(
    status: int, method: str, body: bytes
) -> None:
    def handler(asked: Asked) -> Page:
        return Page(status, headers={"Location": "/b"}) if asked.target == "/" else Page()

    async with FakeWeb(handler) as web:
        await _client(web).send(HttpRequest(url=_url(web), method="POST", body=b"data"))
    assert (web.asked[1].method, web.asked[1].body) == (method, body)


async def test_headers_of_the_connection_are_ours() -> None:
    headers = {
        "Host": "evil.test",
        "Transfer-Encoding": "chunked",
        "Content-Length": "9",
        "X-Mine": "1",
    }
    async with FakeWeb(lambda _: Page()) as web:
        await _client(web).send(HttpRequest(url=_url(web), headers=headers))
    asked = web.asked[0].headers
    assert asked["host"] == f"127.0.0.1:{web.port}"
    assert asked["x-mine"] == "1"
    assert not {"transfer-encoding", "content-length"} & set(asked)


async def test_a_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(UpstreamRefused):
        await _get(lambda _: Page(), headers={"X-Mine": "1\r\nX-Other: 2"})


async def test_cookies_do_not_travel_to_the_next_request() -> None:
    async with FakeWeb(lambda _: Page(headers={"Set-Cookie": "session=1; Path=/"})) as web:
        client = _client(web)
        for _ in range(2):
            await client.send(HttpRequest(url=_url(web)))
    assert "cookie" not in web.asked[1].headers


@pytest.mark.parametrize("page", [
    Page(body=b"x" * 5000),
    Page(body=b"x" * 1000, endless=True),
    Page(body=gzip.compress(b"x" * 10_000_000), headers={"Content-Encoding": "gzip"}),
])  # fmt: skip
async def test_an_answer_over_its_limit_fails(page: Page) -> None:
    with pytest.raises(UpstreamFailed, match="larger"):
        await _get(lambda _: page, max_bytes=4000)


@pytest.mark.parametrize("page", [
    Page(headers={"Content-Encoding": "br"}),
    Page(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
])  # fmt: skip
async def test_an_answer_that_cannot_be_unpacked_fails(page: Page) -> None:
    with pytest.raises(UpstreamFailed):
        await _get(lambda _: page)


async def test_a_packed_answer_is_unpacked_and_decoded_by_its_charset() -> None:
    page = Page(
        body=gzip.compress("süß".encode("latin-1")),
        headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=iso-8859-1"},
    )
    assert (await _get(lambda _: page)).text == "süß"


async def test_a_slow_answer_ends_at_its_time_limit() -> None:
    async def slow(_: Asked) -> Page:
        await asyncio.sleep(5)
        return Page()

    with pytest.raises(UpstreamFailed, match=r"0\.2 s"):
        await _get(slow, timeout_s=0.2)


async def test_statuses_come_back_as_they_are() -> None:
    assert (await _get(lambda _: Page(404, b"none"))).status == 404
    assert (await _get(lambda _: Page(204, b""), method="HEAD")).status == 204


async def test_a_message_never_holds_the_query() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await EgressClient("127.0.0.1:9").send(HttpRequest(url="http://127.0.0.1:9/a?key=secret"))
    assert "secret" not in caught.value.message


async def test_tls_asks_for_the_original_name_and_checks_the_certificate(tmp_path: Path) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path, "peer.test"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    async with FakeWeb(lambda _: Page(), context) as web:
        client = EgressClient(f"peer.test:{web.port}", resolver=_loopback)
        with pytest.raises(UpstreamFailed, match="(?i)certificate"):
            await client.send(HttpRequest(url=f"https://peer.test:{web.port}/"))
    assert names == ["peer.test"]
    assert web.asked == []


async def _public(_host: str, _port: int) -> Sequence[str]:
    return ["93.184.215.14"]


async def _loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def _url(web: FakeWeb) -> str:
    return f"http://127.0.0.1:{web.port}/"


def _client(web: FakeWeb) -> EgressClient:
    return EgressClient(f"127.0.0.1:{web.port}")


async def _get(handler, **fields) -> HttpReply:
    async with FakeWeb(handler) as web:
        client = _client(web)
        try:
            return await client.send(HttpRequest(url=_url(web), **fields))
        finally:
            await client.close()


def _self_signed(directory: Path, name: str) -> Path:
    """A file with a key and a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    moment = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(moment - timedelta(days=1)).not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = directory / "peer.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
