"""Serve the prebuilt pages, the sockets and the API on one port."""

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from app.cli.arguments import whole
from app.kernel import log

UNUSED = ("aiohttp", "valkey", "websocket")
"""What the socket library imports when it is there: clients for talking to other servers of its kind. Without them
the start is a tenth faster and 10 MB smaller (measured).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `web`; they are no settings, so that the process that only keeps the port does not load any."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=whole(1, 65_535), default=3000, help="port to listen on")


def main(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    _set_up_log()
    Server(
        "app.app:web",
        address=options.host,
        port=options.port,
        interface=Interfaces.ASGI,
        log_level=LogLevels.warning,
        log_dictconfig={"handlers": {}, "loggers": {}},  # its words go the way of all others
    ).serve(target_loader=load)
    return 0


def load(target: str) -> Callable[..., Any]:
    """Import the app in the process that serves it, with what its first run needs.

    Garbage is not looked for meanwhile: imports make none worth mentioning, and looking takes a fifth of the time.
    The app looks again once it is open.
    """
    gc.disable()
    _set_up_log()
    with hidden(UNUSED):
        importlib.import_module("socketio")
    module, _, name = target.partition(":")
    app: Callable[..., Any] = getattr(importlib.import_module(module), name)()
    return app


def _set_up_log() -> None:
    # not from the settings: see `add_arguments`
    log.set_up(os.environ.get("AGENTLOOM_LOG_LEVEL", "INFO"), printed=True)


@contextmanager
def hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Let importing these packages fail, as if they were not installed, while the block lasts."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
