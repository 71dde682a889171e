"""Functions that block in ways a thread could not be freed from."""

import ctypes
import os
import secrets
import time

from app.kernel.errors import UpstreamRefused


def double(value):
    print("a function may print")  # noqa: T201
    return value * 2


_ME = secrets.token_hex(8)


def whoami():
    """Another word in each process; their ids are all the same, each in a namespace of its own."""
    return _ME


def environment():
    return dict(os.environ)


def sleep_in_c(seconds):
    """Sleep inside libc while holding the interpreter's lock, deaf to signals that Python handles."""
    ctypes.PyDLL(None).sleep(int(seconds))


def look(path):
    """What a directory holds; None: it is not there, or not to be seen."""
    try:
        return sorted(os.listdir(path))  # noqa: PTH208 - as the system says it
    except OSError:
        return None


def grow(megabytes):
    return len(bytearray(megabytes << 20))


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
