"""Child processes: started in order, started again when they die, stopped together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.adapters.process.child_log import ChildLog

_CALM_AFTER_S = 30.0
_MAX_DELAY_S = 15.0
_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """On Linux, let the child get SIGTERM when the supervisor is killed, so that nothing is left over."""
    if (
        _PRCTL is not None
    ):  # looked up before: between fork and exec nothing may wait for another thread's lock
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A process to keep alive.

    Args:
        grace_s: How long it may take to end after SIGTERM.
        serves_others: The other children need it, so it ends after them.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    grace_s: float = 10.0
    serves_others: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_after: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Keeps children alive until it is told to stop.

    Args:
        say: Prints a line for the person at the terminal.
        logs: Where each child's output goes: `<name>.log`, of bounded size.
    """

    say: Callable[[str], None]
    logs: Path
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    _written: dict[str, ChildLog] = field(default_factory=dict)

    def start(self, child: Child) -> Child:
        """Start a child and keep it alive from now on."""
        if child not in self.children:
            self.children.append(child)
        output = self._log_of(child).follow()
        try:
            child.process = subprocess.Popen(  # noqa: S603 - our own command
                list(child.command),
                env=dict(child.env),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - takes no lock
            )
        finally:
            os.close(output)
        child.started_at = time.monotonic()
        return child

    def last_words(self, child: Child) -> str:
        """What a child said last."""
        return self._log_of(child).last_words()

    def _log_of(self, child: Child) -> ChildLog:
        return self._written.setdefault(child.name, ChildLog(self.logs, child.name))

    @property
    def all_up(self) -> bool:
        """Whether every child runs."""
        return all(child.is_alive for child in self.children)

    def mend(self) -> None:
        """Start again whatever died; wait longer each time it dies young."""
        moment = time.monotonic()
        for child in self.children:
            if self.stopping or child.is_alive:
                continue
            if child.process is not None:
                self._note_death(child, moment)
            if moment >= child.start_after:
                self.start(child)

    def _note_death(self, child: Child, moment: float) -> None:
        code = child.process.returncode if child.process else 0
        child.failures = 0 if moment - child.started_at > _CALM_AFTER_S else child.failures + 1
        delay = min(_MAX_DELAY_S, 0.25 * 2**child.failures)
        child.start_after = moment + delay
        child.process = None
        reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self.say(
            f"{child.name} ended ({reason}); starting it again. Its log: {self._log_of(child).path}"
        )

    def stop(self, child: Child) -> None:
        """End one child and no longer keep it alive."""
        if child in self.children:
            self.children.remove(child)
        _end([child])

    def stop_all(self) -> None:
        """End the children, those that serve others last; what does not end in time is killed."""
        self.stopping = True
        _end([child for child in self.children if not child.serves_others])
        _end([child for child in self.children if child.serves_others])
        self.children.clear()
        for written in self._written.values():
            written.close()


def _end(children: Sequence[Child]) -> None:
    """Ask all to end at once, then wait for each."""
    alive = [child.process for child in children if child.process and child.process.poll() is None]
    for process in alive:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + max((child.grace_s for child in children), default=0)
    for process in alive:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)
