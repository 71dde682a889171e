"""What a process of ours prints, in a file of bounded size: one record a line, older files beside it.

Our own processes print records (kernel.log). Whatever else comes, from Valkey, llama.cpp or a process that dies, is put
into records here, so that every line of every log has one form and a bounded length.
"""

import contextlib
import os
import threading
from datetime import datetime
from pathlib import Path

import orjson

from app.kernel import log

SIZE = 10_000_000
"""Bytes of a log file before a fresh one is begun."""

KEPT = 4
"""How many older files are kept: `web.log.1` is the newest of them."""

_CHUNK = 65_536


def begin_anew(path: Path) -> None:
    """Put a log file beside the older ones, the oldest of which goes."""
    for number in range(KEPT, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
        with contextlib.suppress(FileNotFoundError):
            newer.replace(older)


class ChildLog:
    """Writes what comes through pipes into `<directory>/<name>.log`."""

    def __init__(self, directory: Path, name: str, size: int = SIZE) -> None:
        self.path = directory / f"{name.replace(' ', '-')}.log"
        self._name = name
        self._size = size
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def follow(self) -> int:
        """Write what comes from now on; the pipe's end that the process gets. The caller closes its own copy of it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours, theirs = os.pipe()
        thread = threading.Thread(
            target=self._read, args=(ours,), name=f"log of {self._name}", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return theirs

    def close(self) -> None:
        """Wait a moment for what a process that ended has said last."""
        for thread in self._threads:
            thread.join(1)

    def last_words(self, count: int = 3) -> str:
        """The messages at the end, for a sentence about a process that did not start."""
        self.close()
        try:
            lines = self.path.read_bytes().splitlines()[-count:]
        except OSError:
            return ""
        return " ".join(orjson.loads(line)["message"] for line in lines if _is_record(line))

    def _read(self, pipe: int) -> None:
        begun, cut = b"", 0
        with open(pipe, "rb", buffering=0) as source:
            while chunk := source.read(_CHUNK):
                *whole, rest = chunk.split(b"\n")
                lines = []
                for part in whole:
                    room = max(0, log.LONGEST - len(begun))
                    over = max(0, len(part) - room)
                    lines.append(self._record(begun + part[:room], cut + over))
                    begun, cut = b"", 0
                room = max(0, log.LONGEST - len(begun))
                begun, cut = begun + rest[:room], cut + max(0, len(rest) - room)
                self._write(b"".join(lines))
            if begun:
                self._write(self._record(begun, cut))

    def _record(self, line: bytes, cut: int) -> bytes:
        text = line.strip()
        if not text:
            return b""
        if not cut and len(text) <= log.LONGEST and _is_record(text):
            return text + b"\n"
        fields = {
            "at": datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S"),
            "level": "info",
            "logger": self._name,
            "message": log.mask(text.decode(errors="replace")),
        }
        return log.line(fields | ({"cut": f"{cut} bytes"} if cut else {})) + b"\n"

    def _write(self, lines: bytes) -> None:
        if not lines:
            return
        with self._lock, contextlib.suppress(OSError):  # a full disk must not stop who prints
            if self.path.exists() and self.path.stat().st_size + len(lines) > self._size:
                begin_anew(self.path)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, lines)
            finally:
                os.close(handle)


def _is_record(text: bytes) -> bool:
    if not text.startswith(b'{"at":'):
        return False
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and {"at", "level", "logger", "message"} <= found.keys()
