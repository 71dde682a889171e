"""Says on the terminal when the data directory's disk is nearly full, and when there is room again."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

LITTLE = 200_000_000
_EVERY_S = 5.0


class DiskWatch:
    """Looks at the space that is left, every few seconds.

    Args:
        little: Bytes below which it warns; room again means twice as much.
    """

    def __init__(self, data: Path, say: Callable[[str], None], little: int = LITTLE) -> None:
        self._data = data
        self._say = say
        self._little = little
        self._warned = False
        self._next_look = 0.0

    def look(self) -> None:
        """Say it once when the state changes."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _EVERY_S
        try:
            free = shutil.disk_usage(self._data).free
        except OSError:
            return
        if not self._warned and free < self._little:
            self._warned = True
            self._say(
                f"Disk          nearly full: {free / 1e6:.0f} MB left for {self._data}. Free some space: "
                "without any nothing can be stored"
            )
        elif self._warned and free >= 2 * self._little:
            self._warned = False
            self._say(f"Disk          room again: {free / 1e9:.1f} GB left")
