"""The child process in which blocking work runs: reads calls from stdin, writes results to stdout.

Started by `adapters.blocking`, which kills it when a call takes too long. It ends by itself when its
parent is gone. Before it reads a call it shuts itself in (`adapters.isolation`): it works on what
others wrote, and needs nothing but the code it may read. Messages are JSON with their length before
them (4 bytes, big endian).
"""

import ctypes
import importlib
import json
import os
import signal
import struct
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Any, BinaryIO

from app.adapters.process.isolation import confine
from app.kernel.errors import AppError

_PR_SET_PDEATHSIG = 1
_MEMORY_BYTES = 2 << 30
LENGTH = struct.Struct(">I")


def main(arguments: Sequence[str]) -> None:
    """Answer calls until the parent closes the pipe.

    Args:
        arguments: The parent's process id, then the beginnings of modules that may be called.
    """
    parent, allowed = int(arguments[0]), tuple(arguments[1:])
    _die_with(parent)
    packages = {"app", *(name.partition(".")[0] for name in allowed)}
    for package in packages:  # what lies beside them cannot be listed any more
        importlib.import_module(package)
    confine(list(_readable(packages)), _MEMORY_BYTES)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a function prints is no answer
    while (call := _read(calls)) is not None:
        data = json.dumps(_answer(call, allowed)).encode()
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()


def _read(calls: BinaryIO) -> Any:  # noqa: ANN401 - JSON
    head = calls.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return json.loads(calls.read(LENGTH.unpack(head)[0]))


def _answer(call: dict[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    module, _, name = call["function"].partition(":")
    if not module.startswith(allowed):
        return {"code": "defect", "message": f"'{module}' may not be called.", "context": {}}
    try:
        function = getattr(importlib.import_module(module), name)
        value = function(**call["arguments"])
        json.dumps(value)
    except AppError as error:
        return {"code": error.code, "message": error.message, "context": error.context}
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge: whatever the function raises
        told = f"{type(error).__name__}: {error}".removesuffix(": ")
        return {"code": "", "message": told, "context": {}}
    return {"value": value}


def _die_with(parent: int) -> None:
    """End when the parent ends, also when it was killed and this process is deep in C code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked to be told
        os._exit(1)


def _readable(packages: Collection[str]) -> Iterator[str]:
    """Where the code is: libraries of Python, and the packages that may be called, not what lies beside them."""
    homes = (sys.prefix, sys.base_prefix, sys.base_exec_prefix)
    for place in map(os.path.abspath, sys.path):
        own = [path for name in packages if os.path.isdir(path := os.path.join(place, name))]  # noqa: PTH112, PTH118
        is_library = place.startswith(homes) or place.endswith(("-packages", ".zip"))
        yield from own or ([place] if is_library else [])
    yield from (os.path.join(home, "lib") for home in homes)  # noqa: PTH118


def _watch(parent: int) -> None:
    """Where the system does not tell, look."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
