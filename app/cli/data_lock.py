"""One `serve` for a data directory: a lock on a file in it, which names the process that holds it.

The system holds the lock, so it ends with its process however that ends, and a copied or left over file locks nothing:
what the file says is for people. Where the file system knows no locks (some network ones), the file is believed as long
as its process lives.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from app.kernel.clock import now
from app.kernel.errors import Unavailable

NAME = "serve.lock"
_TAKEN = (errno.EACCES, errno.EAGAIN)


@dataclass(frozen=True)
class Holder:
    """Who holds the lock.

    Args:
        born: When the process began, as the kernel counts it: tells it from a later one of the same number.
    """

    command: str
    pid: int
    host: str
    since: str
    address: str
    born: str

    def __str__(self) -> str:
        where = "this machine" if self.host == socket.gethostname() else self.host
        at = f", at {self.address}" if self.address else ""
        return f"`{self.command}` on {where}, process {self.pid}, since {self.since}{at}"

    @property
    def lives(self) -> bool:
        """Whether its process still runs, as far as this machine can tell: of another machine's it believes so."""
        return self.host != socket.gethostname() or _born(self.pid) == self.born


def holder(data: Path) -> Holder | None:
    """Who holds the data directory now; None when nobody does. Touches nothing."""
    try:
        handle = os.open(data / NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _other(handle)
    finally:
        os.close(handle)  # with it the lock, if we got it


@contextlib.contextmanager
def held(data: Path, command: str, address: str = "") -> Iterator[None]:
    """Hold a data directory while the block lasts; it is made if there is none.

    Raises:
        Unavailable: Another process holds it: the message names it, and nothing was touched. Or it cannot be written.
    """
    handle = _opened(data)
    try:
        if other := _other_than_looks(handle):
            raise Unavailable(
                f"The data directory {data} is in use by {other}. Stop that one first, "
                "or set AGENTLOOM_DATA to another directory."
            )
        since = now().strftime("%Y-%m-%d %H:%M:%S UTC")
        pid = os.getpid()
        us = Holder(command, pid, socket.gethostname(), since, address, _born(pid))
        _write(handle, json.dumps(asdict(us)))
        yield
        _write(handle, "")
    finally:
        os.close(handle)


def _opened(data: Path) -> int:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"The data directory {data} cannot be written: {error.strerror}. "
            "Mend that, or set AGENTLOOM_DATA to another directory."
        ) from error


def _other_than_looks(handle: int) -> Holder | None:
    """Lock the file; return who has it. Who only looks who has it (`holder`) lets it go at once."""
    for _ in range(5):
        if not (other := _other(handle)):
            return None
        time.sleep(0.05)
    return other


def _other(handle: int) -> Holder | None:
    """Lock the file; return who has it if that cannot be had."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        told = _read(handle)
        if error.errno in _TAKEN:
            return told or Holder("another command", 0, socket.gethostname(), "just now", "", "")
        return told if told and told.lives else None
    return None


def _read(handle: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(handle, 4096, 0)))
    except (ValueError, TypeError):
        return None


def _write(handle: int, text: str) -> None:
    with contextlib.suppress(
        OSError
    ):  # the disk is full: the lock holds, it only cannot say whose it is
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


def _born(pid: int) -> str:
    """When a process began, in the kernel's count, with the number of the machine's start; "" when it is no more."""
    try:
        began = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{began}"
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"  # a system that tells no more
