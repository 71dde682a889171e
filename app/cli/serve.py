"""Start everything: embedded Redis, workers, the model server when wanted, and the web app."""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app.adapters.redis.ladder import EmbeddedRedis, embedded, wait_until_up
from app.adapters.sql.revisions import newest, of_sqlite
from app.cli import data_lock
from app.cli.build import ROOT, ensure_built, web_dir
from app.cli.disk_watch import DiskWatch
from app.cli.first_model import FirstModel
from app.cli.model_watch import ModelWatch
from app.cli.private import tighten
from app.cli.supervisor import Child, Supervisor
from app.kernel.errors import QueueDown, Unavailable
from app.kernel.settings import NO_REDIS, Settings, settings

_READY_WITHIN_S = 60.0
_LOOK_S = 0.5
"""How often it looks whether a model is wanted, the disk is full, …"""

_MEND_S = 0.05
"""How often while a child is down; that one has ended is told by a signal."""

_DRAIN_S = 3
"""How long Ctrl-C waits for runs in flight; they are kept and go on at the next start."""


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `serve`."""
    parser.add_argument(
        "--no-build", action="store_true", help="do not look whether the web pages changed"
    )
    parser.add_argument(
        "--watch", action="store_true", help="build and start again when a source file changes"
    )


def require_free_port(host: str, port: int) -> None:
    """Refuse to start where something listens already.

    Raises:
        Unavailable: The port is taken; the message says how to choose another.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"Port {port} is taken. Stop what listens there, or choose another: PORT={port + 1} make run"
            ) from error


def require_data_dir(path: Path) -> None:
    """See that the data directory can be written.

    Raises:
        Unavailable: It cannot; the message has the system's reason.
    """
    try:
        probe = path / ".writable"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        raise Unavailable(
            f"The data directory {path} cannot be written: {error.strerror}. "
            "Free some space, or set AGENTLOOM_DATA to another directory."
        ) from error


def require_redis(url: str) -> None:
    """Ask the server of REDIS_URL for a sign of life.

    Raises:
        QueueDown: It gives none; the message says what to do.
    """
    # here: most have the embedded one, and a supervisor keeps for good what it imports
    from redis import Redis, RedisError  # noqa: PLC0415

    try:
        with Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        raise QueueDown(
            f"The Redis server of REDIS_URL does not answer ({error}). Start it, mend the address, "
            "or unset REDIS_URL: then an embedded one is used."
        ) from error


def child_environment(config: Settings, redis_url: str) -> dict[str, str]:
    """What every child gets: one place for data, database and Redis."""
    return {
        **os.environ,
        "AGENTLOOM_DATA": str(config.data),
        "DATABASE_URL": config.database_url or f"sqlite:///{config.data / 'agentloom.db'}",
        "REDIS_URL": redis_url,
        "AGENTLOOM_SUPERVISED": "1",
        "ANONYMIZED_TELEMETRY": "False",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }


def choose_redis(config: Settings) -> tuple[str, EmbeddedRedis | None]:
    """Where Redis is, or `none`; with the embedded one, unless the settings name another."""
    if not config.without_redis and config.redis_url:
        require_redis(config.redis_url)
        say("Redis         the server of REDIS_URL")
        return config.redis_url, None
    server = None if config.without_redis else embedded(config.data)
    if server is None:
        say("Redis         no Redis here: runs execute inside the web process; one process only")
        return NO_REDIS, None
    say(f"Redis         embedded ({server.kind})")
    return server.url, server


def migrate(config: Settings, env: Mapping[str, str]) -> None:
    """Bring the database to this version, in a process of its own so that its memory is given back. An SQLite file
    that is there already needs none.

    Raises:
        Unavailable: It could not; the message is the command's.
    """
    scheme, _, path = config.database.partition(":///")
    if scheme.startswith("sqlite") and of_sqlite(Path(path.partition("?")[0])) == newest():
        return
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "migrate"],
        cwd=ROOT,
        env=dict(env),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Unavailable(
            f"The database is not ready. {(done.stderr or done.stdout).strip().removeprefix('agentloom: ')}"
        )


def web_environment(config: Settings, env: Mapping[str, str]) -> dict[str, str]:
    """What Reflex needs to serve a bundle that was built before."""
    return {
        **env,
        "PORT": str(config.port),
        "REFLEX_ENV_MODE": "prod",
        "__REFLEX_SKIP_COMPILE": "1",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "1",
        "REFLEX_STATES_WORKDIR": str(config.data / "states"),
        "REFLEX_WEB_WORKDIR": str(web_dir()),
    }


def start_redis(supervisor: Supervisor, server: EmbeddedRedis) -> Child:
    """Start the embedded Redis; it is not up yet."""
    return supervisor.start(Child("redis", server.command(), os.environ, serves_others=True))


def start_web(supervisor: Supervisor, config: Settings, env: Mapping[str, str]) -> Child:
    """Start the web app. It waits by itself until the database is migrated."""
    command = [
        sys.executable, "-m", "app.cli", "web", "--host", config.host, "--port", str(config.port),
    ]  # fmt: skip
    return supervisor.start(Child("web", command, web_environment(config, env), grace_s=10))


def start_workers(supervisor: Supervisor, config: Settings, env: Mapping[str, str]) -> None:
    """Start as many workers as the settings say. They come after the web app: importing beside it, they would make
    people wait for both.
    """
    command = [
        sys.executable, "-m", "app.cli", "worker", "--concurrency", str(config.concurrency), "--drain", str(_DRAIN_S),
    ]  # fmt: skip
    for number in range(1, config.workers + 1):
        supervisor.start(Child(f"worker {number}", command, env, grace_s=25))


def wait_until_ready(config: Settings, supervisor: Supervisor, stop: threading.Event) -> None:
    """Wait for /readyz.

    Raises:
        Unavailable: The web app did not become ready; the message names its log.
    """
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host  # noqa: S104 - compared, not bound
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and not stop.is_set():
        supervisor.mend()
        if _is_ready(host, config.port):
            return
        time.sleep(0.05)
    if not stop.is_set():
        raise Unavailable(f"The web app did not become ready. See {supervisor.logs / 'web.log'}")


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (http.client.HTTPException, OSError):
        return False
    finally:
        connection.close()


@dataclass
class Wishes:
    """What signals tell: to stop, or only that a child has ended and is to be looked after."""

    stopping: threading.Event = field(default_factory=threading.Event)
    called: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Hear signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.stopping.set()
        self.called.set()

    def wait(self, seconds: float) -> None:
        """Wait for a signal, but no longer than so."""
        self.called.wait(seconds)
        self.called.clear()


def main(options: argparse.Namespace) -> int:
    """Start everything, say where it is, and stop everything on Ctrl-C."""
    config, wishes = settings(), Wishes()
    wishes.listen()
    with data_lock.held(config.data, "serve", config.origin):
        require_free_port(config.host, config.port)
        require_data_dir(config.data)
        tighten(config)
        _serve(options, config, wishes)
    say("Stopped. Everything is kept in the data directory.")
    return 0


def _serve(options: argparse.Namespace, config: Settings, wishes: Wishes) -> None:
    started = time.monotonic()
    supervisor = Supervisor(say, config.data / "logs")
    first_model: FirstModel | None = None
    say(f"AgentLoom     data in {config.data}")
    try:
        if not options.no_build:
            _build()
        redis_url, server = choose_redis(config)
        env = child_environment(config, redis_url)
        redis = start_redis(supervisor, server) if server else None
        web = start_web(supervisor, config, env)
        if server and redis and redis.process:
            wait_until_up(server, redis.process, lambda: supervisor.last_words(redis))
        migrate(config, env)
        kind = "PostgreSQL" if config.database.startswith("postgresql") else "SQLite"
        say(f"Database      {kind}, up to date")
        models = ModelWatch(config.data, env, supervisor)
        wait_until_ready(config, supervisor, wishes.stopping)
        if redis_url != NO_REDIS and not wishes.stopping.is_set():
            start_workers(supervisor, config, env)
        if not wishes.stopping.is_set() and web.is_alive:
            say(
                f"Ready         {config.origin}   ({time.monotonic() - started:.1f} s; Ctrl-C stops everything)"
            )
        first_model = FirstModel(config, env, say)
        disk = DiskWatch(config.data, say)
        changed = SourceWatch() if options.watch else None
        while not wishes.stopping.is_set():
            wishes.wait(_LOOK_S if supervisor.all_up else _MEND_S)
            supervisor.mend()
            models.look()
            first_model.look()
            disk.look()
            if changed and changed.look():
                _restart(supervisor)
    finally:
        if supervisor.children:
            say("Stopping …")
        supervisor.stop_all()
        if first_model is not None:
            first_model.stop()


class SourceWatch:
    """Notices that a source file changed, by looking once a second."""

    def __init__(self) -> None:
        self._seen = self._newest()
        self._next_look = 0.0

    @staticmethod
    def _newest() -> float:
        files = (*(ROOT / "app").rglob("*.*"), *(ROOT / "assets").glob("*.*"))
        return max(
            f.stat().st_mtime for f in files if f.suffix in (".py", ".jsx", ".js", ".css", ".json")
        )

    def look(self) -> bool:
        """Say whether something changed since the last look."""
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + 1
        before, self._seen = self._seen, self._newest()
        return self._seen != before


def _restart(supervisor: Supervisor) -> None:
    say("Changed       building and starting again …")
    try:
        _build()
    except Unavailable as error:
        say(error.message)
        return
    for child in [c for c in supervisor.children if c.name == "web" or c.name.startswith("worker")]:
        supervisor.stop(child)
        supervisor.start(child)


def _build() -> None:
    say("Web pages     checking …")
    started = time.monotonic()
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(10):
            say(
                f"              still building ({time.monotonic() - started:.0f} s; log: build/frontend.log)"
            )

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        built = ensure_built()
    finally:
        stop.set()
        ticker.join()
    say(
        f"Web pages     {'built in %.0f s' % (time.monotonic() - started) if built else 'up to date'}"
    )
