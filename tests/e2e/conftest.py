"""A browser, and the product on SQLite with its embedded Redis and on PostgreSQL with a Redis server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import _sql, free_port
from tests.e2e.product import ROOT, Product
from tests.fakes.local_model import give_weights

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic",
            "--no-first-run", "--disable-component-update", "--disable-sync"]  # fmt: skip
WIDE = {"width": 1440, "height": 900}
RESULTS = ROOT / "test-results"


@pytest.fixture(
    scope="module"
)  # not for the session: its running loop would block other tests' loops
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    path = shutil.which("chromium")
    assert path, "chromium is missing: sh scripts/system-packages.sh"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def product(request: pytest.FixtureRequest, smollm2_weights: Path) -> Iterator[Product]:
    """The running product; each module that uses it runs once per database."""
    env = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        name = f"e2e_{free_port()}"
        _sql(server, f"CREATE DATABASE {name}")
        env = {
            "DATABASE_URL": server.rsplit("/", 1)[0].replace("+asyncpg", "") + f"/{name}",
            "REDIS_URL": request.getfixturevalue("redis_url"),
        }
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    give_weights(smollm2_weights, data)
    started = Product(data, free_port(), env)
    started.start()
    failed = request.session.testsfailed
    yield started
    if request.session.testsfailed > failed:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{request.module.__name__}-{request.param}.log").write_text(started.output())
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
    failed = request.session.testsfailed
    yield tab
    if request.session.testsfailed > failed:
        RESULTS.mkdir(exist_ok=True)
        name = request.node.name.replace("/", "-")
        tab.screenshot(path=RESULTS / f"{name}.png")
        (RESULTS / f"{name}.log").write_text("\n".join(said))
