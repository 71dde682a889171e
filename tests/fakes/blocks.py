"""Functions that block in ways a thread could not be freed from."""

import ctypes
import os
import time
from pathlib import Path

from app.kernel.errors import UpstreamRefused


def double(value):
    print("a function may print")  # noqa: T201
    return value * 2


def whoami():
    return os.getpid()


def environment():
    return dict(os.environ)


def sleep_in_c(seconds, note=""):
    """Sleep inside libc while holding the interpreter's lock, deaf to signals that Python handles."""
    if note:
        Path(note).write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(int(seconds))


def refuse():
    raise UpstreamRefused("The file is broken.", field="file")


def break_down():
    raise ValueError("a bug")


def die():
    os._exit(3)


def not_json():
    return {1, 2}


def busy(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"
