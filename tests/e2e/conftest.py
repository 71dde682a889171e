"""A browser, and the product on SQLite with its embedded Redis and on PostgreSQL with a Redis server."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import _sql, free_port
from tests.e2e.product import ROOT, Product
from tests.fakes.local_model import give_weights
from tests.second_try import failures

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic",
            "--no-first-run", "--disable-component-update", "--disable-sync"]  # fmt: skip
WIDE = {"width": 1440, "height": 900}
RESULTS = ROOT / "test-results"


@pytest.fixture(
    scope="package"
)  # not for the session: its running loop would block other tests' loops
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    path = shutil.which("chromium")
    assert path, "chromium is missing: sh scripts/system-packages.sh"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield opened
        opened.close()


class Outside:
    """A service that runs may call: it counts its calls by address and refuses the first one under `/second`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        outside = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.calls[self.path] += 1
                refused = self.path.startswith("/second") and outside.calls[self.path] == 1
                self.send_response(422 if refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="package")
def outside() -> Iterator[Outside]:
    """A web service that the product may reach."""
    opened = Outside()
    Thread(target=opened.server.serve_forever, daemon=True).start()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def product(
    request: pytest.FixtureRequest, smollm2_weights: Path, outside: Outside
) -> Iterator[Product]:
    """The running product of all journeys, once per database; each journey has people of its own."""
    env = {"AGENTLOOM_EGRESS_ALLOW": outside.url.removeprefix("http://")}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        name = f"e2e_{free_port()}"
        _sql(server, f"CREATE DATABASE {name}")
        env |= {
            "DATABASE_URL": server.rsplit("/", 1)[0].replace("+asyncpg", "") + f"/{name}",
            "REDIS_URL": request.getfixturevalue("redis_url"),
        }
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    give_weights(smollm2_weights, data)
    started = Product(data, free_port(), env)
    started.start()
    failed = failures(request.session)
    yield started
    if failures(request.session) > failed:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"product-{request.param}.log").write_text(started.output())
    started.stop()
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile."""
    opened = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab; when the test fails, its picture and console are kept in test-results."""
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: said.append(f"error: {error}"))
    failed = failures(request.session)
    yield tab
    if failures(request.session) > failed:
        RESULTS.mkdir(exist_ok=True)
        name = request.node.name.replace("/", "-")
        tab.screenshot(path=RESULTS / f"{name}.png")
        (RESULTS / f"{name}.log").write_text("\n".join(said))
