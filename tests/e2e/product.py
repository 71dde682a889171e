"""The whole product as a person starts it: `serve` in a process of its own, with its own data."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Product:
    """Starts and stops the product on a free port."""

    def __init__(self, data: Path, port: int, env: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.port = port
        self.url = f"http://localhost:{port}"
        self._env = {
            **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")},
            "AGENTLOOM_DATA": str(data), "PORT": str(port), "AGENTLOOM_MODEL_THREADS": "1",
            "OLLAMA_HOST": "http://127.0.0.1:9", **(env or {}),
        }  # fmt: skip
        self._process: subprocess.Popen[str] | None = None
        self.log = data / "serve.log"

    def start(self, timeout_s: float = 60) -> float:
        """Start, wait until it is ready, and return how many seconds that took."""
        self.data.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with self.log.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve", "--no-build"],
                cwd=ROOT,
                env=self._env,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        while time.monotonic() - started < timeout_s:
            assert self._process.poll() is None, f"serve ended:\n{self.output()}"
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}/readyz", timeout=1
                ) as reply:
                    if reply.status == 200:
                        return time.monotonic() - started
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not ready after {timeout_s} s:\n{self.output()}")

    def stop(self) -> None:
        """Press Ctrl-C and wait until all is over."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(45)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
            raise
        finally:
            self._process = None

    def change(self, *statements: str) -> None:
        """Change rows behind the product's back."""
        if url := self._env.get("DATABASE_URL"):
            commands = [part for statement in statements for part in ("-c", statement)]
            subprocess.run(["psql", url, "-q", *commands], check=True, capture_output=True)
            return
        with closing(sqlite3.connect(self.data / "agentloom.db", timeout=20)) as database, database:
            for statement in statements:
                database.execute(statement)

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        assert self._process is not None
        return self._process.pid

    def children(self) -> dict[int, str]:
        """Process ids and command lines of everything below the supervisor."""
        found: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in (self.pid, *found):
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def output(self) -> str:
        """What it printed, and the end of the children's logs."""
        logs = sorted((self.data / "logs").glob("*.log"))
        tails = [f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs]
        return self.log.read_text(errors="replace")[-3000:] + "\n".join(tails)
