"""The local model server: one process per data directory, and how the others find it.

Files in the data directory:

- `model-server.want`: path of the weights somebody needs. Whoever supervises watches it.
- `model-server.json`: url, key, weights and pid of the running server; only its owner may read it.
- `model-server.lock`: held by the process that may start the server.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from app.adapters.process.child_log import SIZE, begin_anew
from app.kernel.errors import ModelMissing

_WAIT_S = 60.0
_END_S = 5.0
_IDLE_SLEEP_S = 600
_CONTEXT_TOKENS = 8192
Progress = Callable[[str], None]


@dataclass(frozen=True)
class RunningServer:
    """Where the local model answers. `url` ends in `/v1`."""

    url: str
    key: str = field(repr=False)
    weights: str
    pid: int


def default_threads() -> int:
    """Half the cores: llama.cpp's threads spin at barriers, and on busy cores they fell to 4 %."""
    return max(1, (os.cpu_count() or 1) // 2)


def serve(
    weights: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    key: str = "",
    threads: int = 0,
    data: Path | None = None,
    parent: int = 0,
) -> int:
    """Serve the weights over an OpenAI-compatible API until SIGTERM; return an exit code.

    Args:
        port: 0 takes a free one.
        key: What callers must send; empty: a random one.
        threads: 0: `default_threads()`.
        data: Where to announce the server in `model-server.json`.
        parent: End when this is no longer the parent process.
    """
    import xllamacpp  # noqa: PLC0415 - 100 MB of native code, for this process only

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    key = key or secrets.token_urlsafe(24)
    server = xllamacpp.Server(_parameters(xllamacpp, weights, host, port, key, threads))
    running = RunningServer(
        f"{server.listening_address.rstrip('/')}/v1", key, str(weights), os.getpid()
    )
    if data is not None:
        _announce(data, running)
    try:
        while not stop.wait(1.0) and parent in (0, os.getppid()):
            pass
    finally:
        if data is not None and running_server(data) == running:
            _announcement(data).unlink(missing_ok=True)
    return 0


def _parameters(
    xllamacpp: object, weights: Path, host: str, port: int, key: str, threads: int
) -> object:
    """Parameters measured on small machines; one slot, because each slot owns its prefix cache."""
    params = xllamacpp.CommonParams()  # type: ignore[attr-defined]
    params.model.path, params.n_ctx, params.n_parallel = str(weights), _CONTEXT_TOKENS, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or default_threads()
    params.hostnames, params.port, params.api_keys = [host], port, [key]
    params.n_gpu_layers, params.use_jinja, params.no_extra_bufts = 0, True, True
    params.offline, params.ui, params.endpoint_metrics = True, False, True
    params.sleep_idle_seconds = _IDLE_SLEEP_S
    return params


def wanted(data: Path) -> Path | None:
    """The weights somebody asked for, if they are there."""
    try:
        weights = Path((data / "model-server.want").read_text(encoding="utf-8").strip())
    except OSError:
        return None
    return weights if weights.is_file() else None


def want(data: Path, weights: Path) -> None:
    """Ask for a server with these weights."""
    data.mkdir(parents=True, exist_ok=True)
    _replace(data / "model-server.want", str(weights.absolute()))


def running_server(data: Path) -> RunningServer | None:
    """The announced server if it listens: the file outlives a crash, a port does not."""
    try:
        running = RunningServer(**json.loads(_announcement(data).read_text(encoding="utf-8")))
        parts = urlsplit(running.url)
        socket.create_connection((parts.hostname, parts.port), timeout=0.2).close()
    except (OSError, ValueError, TypeError):
        return None
    return running


def claim(data: Path) -> FileLock | None:
    """Become the one who may start the server, until this process ends; None: another one is."""
    data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data / "model-server.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def command(data: Path, weights: Path, *, threads: int = 0, parent: int = 0) -> list[str]:
    """The command line of a server that announces itself in the data directory."""
    words = ["--weights", str(weights), "--data", str(data), "--threads", str(threads)]
    return [sys.executable, "-m", "app.adapters.models.server", *words, "--parent", str(parent)]


def log_path(data: Path) -> Path:
    """Where the server's own words go."""
    return data / "logs" / "model-server.log"


class LocalServer:
    """How workers and the web process get a running model server.

    Without a supervisor it starts the server itself, as a child that ends with this process.
    """

    def __init__(self, data: Path, threads: int = 0) -> None:
        self._data = data
        self._threads = threads
        self._claim: FileLock | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._child_serves: Path | None = None
        self._came_up = False
        self._turn = asyncio.Lock()

    async def ensure(self, weights: Path, on_progress: Progress | None = None) -> RunningServer:
        """Return the server with these weights, waiting until it is up.

        Raises:
            ModelMissing: It did not come up within a minute; the message says why.
        """
        if found := self._ready(weights):
            return found
        async with self._turn:
            return await self._wait(weights, on_progress or (lambda _: None))

    def close(self) -> None:
        """End the server if this process started it."""
        self._end_child()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _end_child(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._child = None

    async def _wait(self, weights: Path, on_progress: Progress) -> RunningServer:
        await self._let_others_finish(on_progress)
        want(self._data, weights)
        started, told = time.monotonic(), 0.0
        while (waited := time.monotonic() - started) < _WAIT_S:
            if found := self._ready(weights):
                return found
            self._start_unless_supervised(weights)
            if waited >= told:
                on_progress(f"Loading the local model {weights.stem} ({waited:.0f} s)")
                told += 2
            await asyncio.sleep(0.05)
        raise ModelMissing(
            f"The local model {weights.stem} did not start within {_WAIT_S:.0f} s; its log is "
            f"{log_path(self._data)}. Try again, or choose another model in the node."
        )

    async def _let_others_finish(self, on_progress: Progress) -> None:
        """There is room for one model: before another one is asked for, let the one end."""
        deadline = time.monotonic() + _WAIT_S
        while time.monotonic() < deadline:
            running = running_server(self._data)
            if running is None or not await _is_busy(running):
                return
            on_progress(f"Waiting for {Path(running.weights).stem} to finish another answer")
            await asyncio.sleep(0.5)

    def _ready(self, weights: Path) -> RunningServer | None:
        """The running server if it has these weights. It announces itself when they are loaded."""
        found = running_server(self._data)
        if found is None or Path(found.weights) != weights.absolute():
            return None
        self._came_up = True
        return found

    def _start_unless_supervised(self, weights: Path) -> None:
        self._claim = self._claim or claim(self._data)
        if self._claim is None:
            return
        if self._child is not None and self._child_serves == weights:
            if self._child.poll() is None:
                return
            self._child = None
            if not self._came_up:
                raise ModelMissing(
                    f"The local model {weights.stem} cannot be loaded; see {log_path(self._data)}. "
                    "Choose another model in the node."
                )
        self._end_child()
        self._child, self._child_serves = self._spawn(weights), weights
        self._came_up = False

    def _spawn(self, weights: Path) -> subprocess.Popen[bytes]:
        log = log_path(self._data)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > SIZE:
            begin_anew(log)
        words = command(self._data, weights, threads=self._threads, parent=os.getpid())
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own command
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )


async def _is_busy(running: RunningServer) -> bool:
    """Whether the server is writing an answer."""
    import httpx2  # noqa: PLC0415 - only needed when models change

    url = running.url.removesuffix("/v1") + "/slots"
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
            reply = await client.get(url, headers={"Authorization": f"Bearer {running.key}"})
            return any(slot.get("is_processing") for slot in reply.json())
    except (httpx2.HTTPError, ValueError, AttributeError):
        return False


def _announcement(data: Path) -> Path:
    return data / "model-server.json"


def _announce(data: Path, running: RunningServer) -> None:
    data.mkdir(parents=True, exist_ok=True)
    _replace(_announcement(data), json.dumps(asdict(running)))


def _replace(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a model server."""
    parser.add_argument("--weights", type=Path, required=True, help="path of a GGUF file")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--threads", type=int, default=0, help="threads; 0 is half the cores")
    parser.add_argument("--data", type=Path, default=None, help="data directory to announce it in")
    parser.add_argument("--parent", type=int, default=0, help="end when this process is gone")


def main(options: argparse.Namespace) -> int:
    """Serve as the options say; the key may be given as AGENTLOOM_MODEL_KEY."""
    return serve(
        options.weights, host=options.host, port=options.port, threads=options.threads,
        key=os.environ.get("AGENTLOOM_MODEL_KEY", ""), data=options.data, parent=options.parent,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="model-server", description=__doc__)
    add_arguments(parser)
    sys.exit(main(parser.parse_args()))
