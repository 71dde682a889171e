"""The product under test as real processes: web, workers, Redis, database, and the outside world."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import redis as redis_client

from app.adapters.sql.migrations import upgrade
from app.cli.serve import web_environment
from app.kernel.settings import Settings
from tests.chaos.clock import Clock
from tests.conftest import PG_BIN, free_port

ROOT = Path(__file__).resolve().parents[2]


def until(is_true, seconds: float, what: str) -> None:
    """Poll until something is true."""
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


class Child:
    """A process with a process group of its own, that may be killed, frozen and started again."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.env, self.log = name, command, dict(env), log
        self.process: subprocess.Popen | None = None
        self.wanted = False
        self.frozen = False
        self._log_began = 0

    def start(self) -> "Child":
        """Start it; what it says is appended to its log."""
        self.wanted, self.frozen = True, False
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        """Its process id, also after it died."""
        return self.process.pid if self.process else 0

    @property
    def alive(self) -> bool:
        """Whether it runs (a frozen one does)."""
        return self.process is not None and self.process.poll() is None

    def says(self, words: str) -> bool:
        """Whether its log has these words since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            return self.alive and words.encode() in log.read()

    def send(self, number: int) -> None:
        """Send a signal to the whole group."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """kill -9, and wait for the body."""
        self.send(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, seconds: float = 30) -> None:
        """SIGTERM, then kill -9."""
        self.wanted = False
        if self.frozen:
            self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        if self.process:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()


class Postgres:
    """A cluster of its own that forgets nothing of what it confirmed when it is killed."""

    def __init__(self) -> None:
        # beside the product's directory, which is nobody else's
        self.home, self.port = Path(tempfile.mkdtemp(prefix="agentloom-pg-")), free_port()
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/chaos"
        self._env: dict[str, str] = dict(os.environ)
        self._bin = PG_BIN if PG_BIN.exists() else Path(shutil.which("initdb") or "").parent

    def make(self, env: Mapping[str, str]) -> None:
        """Initialise, start with more in its environment, and create the database."""
        if os.geteuid() == 0:
            shutil.chown(self.home, "postgres")
        self._run(
            "initdb", "-D", self.home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self._env |= env
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "chaos")

    def start(self) -> None:
        """Start, and wait until it answers."""
        # the machine never loses power here, so fsync is not what keeps a confirmed commit
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.home} -c fsync=off "
            "-c shared_buffers=64MB -c max_connections=200"
        )
        self._run("pg_ctl", "-D", self.home / "data", "-w", "-l", self.home / "log", "-o", options, "start")  # fmt: skip

    def stop(self, mode: str = "immediate") -> None:
        """Stop: `immediate` is a crash, `fast` cuts connections off and is orderly."""
        self._run("pg_ctl", "-D", self.home / "data", "-m", mode, "-w", "stop", check=False)

    def _run(self, program: str, *words: object, check: bool = True) -> None:
        command = [str(self._bin / program), *map(str, words)]
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=check, capture_output=True, cwd="/", env=self._env)


class Redis:
    """A Redis server with a snapshot on demand."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start with the snapshot that lies there, if any."""
        self.home.mkdir(parents=True, exist_ok=True)
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        if binary is None:
            raise RuntimeError("Redis is not installed")
        words = ["--bind", "127.0.0.1", "--dir", str(self.home), "--save", "", "--appendonly", "no"]
        with (self.home / "log").open("a") as log:
            self._process = subprocess.Popen(
                [binary, "--port", str(self.port), *words], stdout=log, stderr=log
            )
        until(self.answers, 10, "Redis")

    def kill(self) -> None:
        """What it held since its snapshot is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def freeze(self, *, on: bool) -> None:
        """Let it hang, or wake it."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def client(self) -> redis_client.Redis:
        """A client of the harness's own."""
        return redis_client.Redis(port=self.port, socket_timeout=5)

    def answers(self) -> bool:
        """Whether it answers now."""
        with contextlib.suppress(redis_client.RedisError), self.client() as client:
            return bool(client.ping())
        return False


class Product:
    """All processes of one installation, in a directory of its own.

    Args:
        redis: False: none, the web process executes all runs.
        workers: Worker processes; they are started again when they die, like the web process.
        movable: Let their clock, and PostgreSQL's, be moved: see clock.py. It makes them slower.
    """

    def __init__(
        self,
        home: Path,
        database: str,
        *,
        redis: bool = True,
        workers: int = 2,
        movable: bool = False,
    ) -> None:
        self.home, self.kind = home, database
        (home / "deeds").mkdir(parents=True, exist_ok=True)
        self.port, self.outside_port = free_port(), free_port()
        self.effects = home / "effects.jsonl"
        self.postgres = Postgres() if database == "postgresql" else None
        self.sqlite = home / "agentloom.db"
        self.redis = Redis(home / "redis") if redis else None
        self.url = f"http://127.0.0.1:{self.port}"
        at = self.postgres.home if self.postgres else home
        self.clock = Clock(at / "clock", movable=movable)
        env = self._environment()
        outside = [
            sys.executable, "-m", "tests.chaos.outside", str(self.outside_port), str(self.effects),
        ]  # fmt: skip
        self.outside = Child("outside", outside, env, home / "outside.log")
        env |= self.clock.environment
        config = Settings(port=self.port, data_dir=home / "data")
        self.web = self._child(
            "web", ["web", "--port", str(self.port)], web_environment(config, env)
        )
        command = ["worker", "--concurrency", "20", "--drain", "2"]
        self.workers = [
            self._child(f"worker-{n}", command, env) for n in range(workers if redis else 0)
        ]

    @property
    def database_url(self) -> str:
        """Where its database is, with an async driver."""
        return self.postgres.url if self.postgres else f"sqlite+aiosqlite:///{self.sqlite}"

    def start(self) -> None:
        """Start all, and wait until the web process answers."""
        if self.postgres:
            self.postgres.make(self.clock.environment)
        if self.redis:
            self.redis.start()
        upgrade(self.database_url)
        self.outside.start()
        for child in (self.web, *self.workers):
            child.start()
        until(self._answers, 40, f"the web process (see {self.web.log})")

    def mend(self) -> list[str]:
        """Start again what died, as `serve` does; say what."""
        dead = [c for c in (self.web, *self.workers) if c.wanted and not c.alive]
        for child in dead:
            child.start()
        return [child.name for child in dead]

    @property
    def all_work(self) -> bool:
        """Whether every worker takes runs."""
        return all(worker.says("the worker is ready") for worker in self.workers)

    def close(self) -> None:
        """End everything."""
        for child in (self.web, *self.workers, self.outside):
            child.wanted = False
            child.kill()
        if self.redis:
            self.redis.kill()
        if self.postgres:
            self.postgres.stop()
            shutil.rmtree(self.postgres.home, ignore_errors=True)
        self.clock.forget()

    def lock_sqlite(self, seconds: float) -> None:
        """Hold the writer's lock of SQLite for so long. Blocks."""
        with contextlib.closing(sqlite3.connect(self.sqlite, timeout=30)) as held:
            held.isolation_level = None
            held.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            held.execute("ROLLBACK")

    def _child(self, name: str, words: list[str], env: Mapping[str, str]) -> Child:
        command = [sys.executable, "-m", "tests.chaos.child", *words]
        return Child(name, command, env, self.home / f"{name}.log")

    def _environment(self) -> dict[str, str]:
        outside = f"127.0.0.1:{self.outside_port}"
        return {
            **os.environ,
            "AGENTLOOM_DATA": str(self.home / "data"),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis.url if self.redis else "none",
            "AGENTLOOM_EGRESS_ALLOW": outside,
            "AGENTLOOM_COMPATIBLE_URL": f"http://{outside}/v1",
            "AGENTLOOM_COMPATIBLE_MODELS": "sea",
            "AGENTLOOM_MODEL": "compatible/sea",
            "AGENTLOOM_FIRST_MODEL": "none",
            "AGENTLOOM_LOG_LEVEL": "INFO",
            "OLLAMA_HOST": "http://127.0.0.1:9",
            "CHAOS_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def _answers(self) -> bool:
        import urllib.request

        assert self.web.alive, f"the web process ended:\n{self.web.log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as reply:
                return reply.status == 200
        except OSError:
            return False
