"""Starting programs shut in by `adapters.isolation`, and what `doctor` says of it."""

import functools
import os
import shlex
import subprocess
import sys
from pathlib import Path

from app.adapters.process import isolation

_PROBE_S = 20.0
_SCRIPT = str(Path(isolation.__file__).resolve())
_NAMES = "namespaces"


def launcher(program: str, memory: int) -> str | None:
    """The path of a program that shuts itself in and becomes this one; None where there is no such way.

    It is a script in memory: nothing lies on the disk, and it is gone with this process.
    """
    if sys.platform != "linux":
        return None
    pid = os.getpid()
    return f"/proc/{pid}/fd/{_script(program, memory, pid)}"


@functools.cache
def _script(program: str, memory: int, _pid: int) -> int:
    """The descriptor of the script, made once per process."""
    words = (sys.executable, "-ISs", _SCRIPT, str(memory), str(Path(program).resolve()))
    writable = os.memfd_create("agentloom-launcher")
    try:
        os.write(writable, f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'.encode())
        # a file that is open for writing cannot be executed
        return os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writable)


def walls() -> str:
    """Say in a line which walls stand around a child of this machine, and which do not and why.

    Raises:
        OSError: No child can be started.
    """
    probe = subprocess.run(  # noqa: S603 - this Python, and a script of ours
        (sys.executable, "-ISs", _SCRIPT, str(1 << 30)),
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PROBE_S,
        check=False,
    )
    return shown(probe.stdout.splitlines())


def shown(lines: list[str]) -> str:
    """Write what a child told of its walls as people read it."""
    stands = [line[2:] for line in lines if line.startswith("+ ")]
    missing = [line[2:] for line in lines if line.startswith("- ")]
    if not stands:
        return "none: no child could be started"
    spaces = [name for name in isolation.NAMESPACES if name in stands]
    limits = [name.removeprefix("limit of ") for name in stands if name.startswith("limit of ")]
    others = [name for name in stands if name not in spaces and not name.startswith("limit of ")]
    parts = [
        *([f"{_NAMES} ({', '.join(spaces)})"] if spaces else []),
        *others,
        *([f"limits ({', '.join(limits)})"] if limits else []),
    ]
    found = " + ".join(parts)
    return f"{found}; missing: {'; '.join(missing)}" if missing else found
