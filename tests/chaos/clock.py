"""The clock of the product's processes, and of its PostgreSQL: libfaketime changes what the C library says the time is,
as if somebody had set the machine's clock. Clocks that only count go on evenly, as they do then. Each process hears of
it within two seconds, so for a moment they disagree.
"""

import time
from pathlib import Path

HEARD_S = 2.1
"""How long some processes may still go by the time before."""

_WHERE = ("lib/*/faketime", "lib64/faketime", "lib/faketime")


class Clock:
    """A clock that the harness sets.

    Args:
        file: What the processes look at; all must be able to read it.
        movable: Else the processes go by the machine's clock.
    """

    def __init__(self, file: Path, *, movable: bool) -> None:
        self._file, self._movable = file, movable
        self._moves: list[tuple[float, float]] = []
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        """What lets a process go by this clock."""
        if not self._movable:
            return {}
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # s: looking each time costs a start twice the time (measured)
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else timed waits, such as for the interpreter, turn in circles
            "NO_FAKE_STAT": "1",
        }

    def set(self, seconds: float) -> None:
        """Let it be so many seconds ahead of the machine's, or behind it."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+.0f}\n")
        fresh.chmod(0o644)
        self._moves.append((time.time(), seconds))
        fresh.replace(self._file)

    def real(self, told: float, earliest: float) -> float:
        """When it really was, not before `earliest`, that this clock told a time."""
        ends = [began for began, _ in self._moves[1:]] + [time.time()]
        for (began, ahead), ended in zip(self._moves, ends, strict=True):
            moment = told - ahead
            if max(began, earliest) - 0.1 <= moment <= ended + HEARD_S + 0.1:
                return moment
        return told

    def forget(self) -> None:
        """Remove what libfaketime shares between processes and leaves behind when they are killed."""
        for path in Path("/dev/shm").glob("*faketime_s*_*"):
            if not Path("/proc", path.name.rpartition("_")[2]).exists():
                path.unlink(missing_ok=True)


def _library() -> Path:
    found = [one for where in _WHERE for one in Path("/usr").glob(f"{where}/libfaketimeMT.so.1")]
    if not found:
        raise RuntimeError("libfaketime is not installed; `make test` installs it, or says how")
    return found[0]
