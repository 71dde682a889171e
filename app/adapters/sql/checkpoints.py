"""SQLite's checkpoints, run beside the writer: a commit that has to make one takes ten times as long."""

import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

_log = logging.getLogger(__name__)

EVERY_S = 1.0
WAL_PAGES = 16_384
"""Should nobody make them, a commit does at this length of the log (64 MB)."""


class Checkpoints:
    """Moves committed data from the log into the database, in a separate thread.

    A passive checkpoint waits for nobody and holds nobody up; what readers still need stays in the log.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "sqlite checkpoints")
        self._next = 0.0

    def soon(self) -> None:
        """Say that something was committed; a checkpoint follows, once a second at most."""
        at = time.monotonic()
        if at >= self._next:
            self._next = at + EVERY_S
            self._thread.submit(self._make)

    def _make(self) -> None:
        try:
            with closing(sqlite3.connect(self._path, timeout=1)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            _log.warning("no checkpoint was made", extra={"error": str(error)})

    def close(self) -> None:
        """Stop making checkpoints."""
        self._thread.shutdown(wait=False, cancel_futures=True)
