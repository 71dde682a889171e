"""Which hosts are known, which headers answers carry, and where they lead."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from app.api.app import front
from app.api.http.policy import Policies, inline_scripts, is_known, is_own_origin
from app.kernel.settings import settings

PROXY, STRANGER = "10.0.0.5", "192.0.2.7"


@pytest.fixture(autouse=True)
def configured(monkeypatch):
    monkeypatch.setenv("AGENTLOOM_PUBLIC_URL", "https://loom.example.com")
    monkeypatch.setenv("AGENTLOOM_TRUSTED_PROXIES", PROXY)
    settings.cache_clear()
    yield
    settings.cache_clear()


def scope(peer, *headers):
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {"type": "http", "client": (peer, 1), "headers": pairs}


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("loom.example.com", True),
        ("LOOM.example.com:8443", True),
        ("loom.example.com.", True),
        ("localhost:3000", True),
        ("127.0.0.1:3000", True),
        ("127.8.8.8", True),
        ("[::1]:3000", True),
        ("evil.example", False),
        ("loom.example.com.evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example:3000", False),
        ("192.168.1.5:3000", False),
        ("0.0.0.0:3000", False),
        ("evil.example@localhost", False),
        ("localhost:80:80", False),
        ("localhost, evil.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_host_is_the_public_one_or_this_machine(host, known):
    assert is_known(scope(STRANGER, ("host", host))) == known


def test_two_hosts_or_none_are_no_host():
    assert not is_known(scope(STRANGER))
    assert not is_known(scope(STRANGER, ("host", "localhost"), ("host", "evil.example")))


def test_the_address_listened_on_is_known_unless_it_is_all_of_them(monkeypatch):
    for bound, known in (("192.168.1.5", True), ("0.0.0.0", False), ("::", False)):
        monkeypatch.setenv("HOST", bound)
        settings.cache_clear()
        host = f"[{bound}]" if ":" in bound else bound
        assert is_known(scope(STRANGER, ("host", f"{host}:3000"))) == known


def test_only_a_trusted_proxy_passes_a_host_on():
    forwarded = (("host", "upstream"), ("x-forwarded-host", "tools.example.com"))
    assert is_known(scope(PROXY, *forwarded))
    assert not is_known(scope(STRANGER, *forwarded))
    assert not is_known(scope(PROXY, ("host", "upstream")))
    assert not is_known(scope(PROXY, ("host", "upstream"), ("x-forwarded-host", "a b")))


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("https://loom.example.com", "loom.example.com", True),
        ("http://loom.example.com", "loom.example.com", False),
        ("https://loom.example.com.evil.example", "loom.example.com", False),
        ("http://localhost:3000", "localhost:3000", True),
        ("http://localhost:4000", "localhost:3000", False),
        ("null", "localhost:3000", False),
        ("", "", False),
    ],
)
def test_an_origin_is_the_public_one_or_where_the_request_was_sent_to(origin, host, own):
    assert is_own_origin(origin, host) == own


@pytest.fixture
async def browser(tmp_path):
    """A web app as Reflex makes one, behind what stands before everything."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "index.html").write_text("<script>go()</script>")

    async def away(request):
        return RedirectResponse(request.query_params["to"])

    async def ready(_):
        return PlainTextResponse("ok")

    whole = Starlette(routes=[Route("/away", away), Route("/readyz", ready)])
    whole.mount("/", StaticFiles(directory=tmp_path, html=True))
    served = front(whole, Policies(inline_scripts(tmp_path)))
    transport = httpx.ASGITransport(served, client=(STRANGER, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_an_unknown_host_gets_a_sentence_and_nothing_else(browser):
    for path in ("/runs/", "/away?to=/x", "/api/me", "/_event/"):
        answer = await browser.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")
        assert "AGENTLOOM_PUBLIC_URL" in answer.json()["detail"]
        assert "evil" not in answer.text
    assert (await browser.get("/runs/")).status_code == 200


async def test_a_probe_knows_only_an_address(browser):
    assert (await browser.get("/readyz", headers={"Host": "10.1.2.3:3000"})).text == "ok"


async def test_scripts_of_the_built_pages_run_and_no_others(browser):
    policy = (await browser.get("/runs/")).headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    # echo -n 'go()' | openssl dgst -sha256 -binary | base64
    own = "'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='"
    assert scripts == f"script-src 'self' 'unsafe-eval' {own}"
    for part in ("object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy


async def test_data_may_load_nothing_and_is_not_kept(browser):
    answer = await browser.get("/api/nothing")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert "cache-control" not in (await browser.get("/runs/")).headers


@pytest.mark.parametrize(
    ("to", "leads"),
    [
        ("/runs?a=1#b", "/runs?a=1#b"),
        ("http://localhost/runs/", "/runs/"),
        ("http://evil.example/runs?next=http://a", "/runs?next=http://a"),
        ("//evil.example/x", "/x"),
        ("http://localhost//evil.example/", "/evil.example/"),
        ("/\\evil.example/", "/%5Cevil.example/"),
    ],
)
async def test_no_answer_leads_to_another_site(browser, to, leads):
    answer = await browser.get("/away", params={"to": to}, follow_redirects=False)
    assert answer.headers["location"] == leads


async def test_a_page_asked_for_without_its_slash_leads_to_itself(browser):
    answer = await browser.get("/runs", headers={"Host": "loom.example.com"})
    assert answer.headers["location"] == "/runs/"
