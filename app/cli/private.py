"""What an installation keeps is its owner's alone: other users of the machine can neither read nor write it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from app.kernel.settings import Settings

UMASK = 0o077
"""Set by every command that makes files of an installation: what it makes is private from the first moment."""

_OTHERS = 0o077
_OURS = (
    "agentloom.db*", "*.key", "serve.lock", "model-server*", "logs", "redis", "states", "near", "models",
)  # fmt: skip
"""What lies in a data directory. Nothing else in it is touched: it may be a directory with other things too."""


def tighten(config: Settings) -> None:
    """Take away from others what an earlier version, or a copy, left open to them."""
    for path in exposed(config):
        with contextlib.suppress(OSError):  # another user's: `doctor` tells of it
            path.chmod(path.stat().st_mode & 0o700)


def exposed(config: Settings) -> list[Path]:
    """Files and directories of the installation that others may use."""
    return [path for path in _all(config) if _is_open(path)]


def _is_open(path: Path) -> bool:
    try:
        return not path.is_symlink() and bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def _all(config: Settings) -> Iterator[Path]:
    yield config.data
    for pattern in _OURS:
        for top in config.data.glob(pattern):
            yield top
            if top.is_dir() and not top.is_symlink():
                for folder, folders, files in os.walk(top):
                    yield from (Path(folder) / name for name in (*folders, *files))
    scheme, _, file = config.database.partition(":///")
    if scheme.startswith("sqlite"):
        yield from (Path(file.partition("?")[0] + end) for end in ("", "-wal", "-shm"))
