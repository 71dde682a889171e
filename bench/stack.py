"""The parts of a measurement: the product, a PostgreSQL, the mock model server, and their processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from tests.conftest import PG_BIN, free_port
from tests.e2e.product import Product

ROOT = Path(__file__).resolve().parents[1]


def _as_postgres(*command: str | Path) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        words = ["runuser", "-u", "postgres", "--", *words]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")


@contextlib.contextmanager
def postgres() -> Iterator[tuple[str, int]]:
    """A PostgreSQL of its own with its default settings (every commit reaches the disk); URL and process id."""
    home = Path(tempfile.mkdtemp(prefix="agentloom-bench-pg-"))
    port = free_port()
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    data = home / "data"
    try:
        _as_postgres(
            PG_BIN / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -c shared_buffers=256MB"
        _as_postgres(
            PG_BIN / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start"
        )
        pid = int((data / "postmaster.pid").read_text().split()[0])
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres", pid
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            _as_postgres(PG_BIN / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def mock_model(delay_ms: float = 50) -> Iterator[tuple[str, int]]:
    """The mock model server in a process of its own; URL and process id."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bench/mock_model.py"), str(port), str(delay_ms)]
    )
    try:
        until = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError):
                import socket  # noqa: PLC0415

                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            if time.monotonic() > until:
                raise RuntimeError("the mock model server did not start")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/v1", process.pid
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def product(data: Path, model_url: str, database_url: str = "", **env: str) -> Product:
    """The product with the mock as its only model, not yet started."""
    more: Mapping[str, str] = {
        "AGENTLOOM_COMPATIBLE_URL": model_url, "AGENTLOOM_COMPATIBLE_MODELS": "mock",
        **({"DATABASE_URL": database_url} if database_url else {}), **env,
    }  # fmt: skip
    return Product(data, free_port(), more)


def _name(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    known = {
        "app.cli web": "web", "app.cli worker": "worker", "valkey": "valkey", "redis-server": "valkey",
        "mock_model": "mock", "app.cli serve": "supervisor", "postgres": "postgres",
    }  # fmt: skip
    return next((name for word, name in known.items() if word in command), command[:20] or "?")


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def cpu_seconds(pids: list[int]) -> dict[str, float]:
    """CPU time used so far by these process trees, by kind of process; the caller is `client`."""
    found: dict[str, float] = {}
    own = psutil.Process().cpu_times()
    found["client"] = own.user + own.system
    for pid in pids:
        for process in tree(pid):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                name = _name(process)
                found[name] = found.get(name, 0.0) + times.user + times.system
    return found


def memory_mb(pid: int) -> dict[str, float]:
    """Memory of a process tree by kind (proportional set size: shared pages count once), in MB."""
    sizes: dict[str, float] = {}
    for process in tree(pid):
        with contextlib.suppress(psutil.Error):
            size = process.memory_full_info().pss / 1e6
            name = _name(process)
            sizes[name] = sizes.get(name, 0.0) + size
    return sizes
