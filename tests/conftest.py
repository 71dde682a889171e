"""Real parts for tests: throw-away PostgreSQL and Redis servers, and fresh migrated databases."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
import redis as redis_client
from xdist.scheduler import LoadFileScheduling

from app.adapters.sql.database import Database
from app.adapters.sql.migrations import upgrade
from app.engine.providers.anthropic import AnthropicApi
from app.engine.providers.openai import OpenAIApi
from tests.fakes.local_model import smollm2, smollm2_weights

# The same examples on every run, so that a failure is the change's; HYPOTHESIS_PROFILE=explore looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

__all__ = ["smollm2", "smollm2_weights"]

PG_BIN = Path("/usr/lib/postgresql/15/bin")
LONGEST = ("tests/e2e/", "fault/test_places.py", "tests/fault/")


class Together(LoadFileScheduling):
    """Spreads tests over processes. Those that share something costly go to the same one: those of a file; where that is
    a running product, those of a file and a database, or all journeys on a database.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, which = super()._split_scope(nodeid), *nodeid.partition("[")[1:]
        database = next((name for name in ("sqlite", "postgresql") if name in which), "")
        if database and "tests/e2e/" in file:
            return f"journeys on {database}"
        return f"{file} on {database}" if database and "tests/fault/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> Together:
    """Begin with the first test files, not with those of most tests."""
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end."""

    def rank(item: pytest.Item) -> int:
        return next((n for n, path in enumerate(LONGEST) if path in item.nodeid), len(LONGEST))

    items.sort(key=rank)


def free_port() -> int:
    """A port of the loopback address that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true, seconds: float = 10.0, what: str = "it") -> None:
    """Poll until something is true."""
    until = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


def _as_postgres(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess:
    words = [str(word) for word in command]
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        words = ["runuser", "-u", "postgres", "--", *words]
    return subprocess.run(words, check=check, capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A cluster of its own for this test process; the URL of its administration database."""
    initdb = PG_BIN / "initdb" if PG_BIN.exists() else Path(shutil.which("initdb") or "")
    if not initdb.name:
        pytest.fail("PostgreSQL is not installed; `make test` installs it, or says how")
    binaries = initdb.parent
    home = Path(tempfile.mkdtemp(prefix="agentloom-pg-"))
    port = free_port()
    try:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
        data = home / "data"
        _as_postgres(
            initdb,
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -c fsync=off "
            "-c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB "
            "-c max_connections=200 -c wal_level=minimal -c max_wal_senders=0"
        )
        _as_postgres(
            binaries / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start"
        )
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres(
            binaries / "pg_ctl", "-D", home / "data", "-m", "immediate", "-w", "stop", check=False
        )
        shutil.rmtree(home, ignore_errors=True)


def _sql(server_url: str, statement: str) -> None:
    """Say something to the server, from a thread of its own: a browser's test has a running loop in this one."""

    async def say() -> None:
        connection = await asyncpg.connect(server_url.replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, say()).result()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database for this session."""
    name = f"empty_{uuid4().hex[:8]}"
    _sql(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.rsplit("/", 1)[0] + f"/{name}"
    _sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: str) -> str:
    _sql(postgres_server, "CREATE DATABASE template_agentloom")
    upgrade(postgres_server.rsplit("/", 1)[0] + "/template_agentloom")
    return "template_agentloom"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database; each test that uses it runs on SQLite and on
    PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "agentloom.db"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"test_{uuid4().hex[:12]}"
    _sql(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('_postgres_template')}")
    yield server.rsplit("/", 1)[0] + f"/{name}"
    _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, opened."""
    opened = Database(database_url)
    yield opened
    await opened.close()


class RedisServer:
    """A Redis of our own that a test may stop, kill and start again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start with what was kept on disk, and wait until it answers."""
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        if binary is None:
            pytest.fail("Redis is not installed; `make test` installs it, or says how")
        self._process = subprocess.Popen(
            [
                binary,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(self.directory),
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, what="Redis")

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with (
            contextlib.suppress(redis_client.RedisError),
            redis_client.Redis(port=self.port) as client,
        ):
            return bool(client.ping())
        return False


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The Redis of this session."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_url(redis_server: RedisServer) -> str:
    """Where the session's Redis is."""
    return redis_server.url


@pytest.fixture
def clean_redis(redis_url: str) -> str:
    """The session's Redis, emptied for this test."""
    with redis_client.Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for this test alone, to be stopped and started in it."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def closed_clients(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Close the connections of every model client that the test makes."""
    made: list[OpenAIApi | AnthropicApi] = []
    for api in (OpenAIApi, AnthropicApi):
        make = api.__init__

        def remember(self, *args, make=make, **settings) -> None:
            make(self, *args, **settings)
            made.append(self)

        monkeypatch.setattr(api, "__init__", remember)
    yield
    for one in made:
        await one.close()
