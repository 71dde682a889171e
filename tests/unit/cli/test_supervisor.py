"""Children are mended when they die and ended in the right order."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from app.cli.supervisor import Child, Supervisor
from tests.conftest import wait_until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def supervisor(tmp_path: Path):
    said: list[str] = []
    made = Supervisor(said.append, tmp_path / "logs")
    made.said = said
    yield made
    made.stop_all()


def test_a_child_that_dies_is_started_again_and_said_so(supervisor: Supervisor):
    child = supervisor.start(Child("worker 1", SLEEPER, os.environ))
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    child.process.wait(5)
    wait_until(lambda: supervisor.mend() or (child.is_alive and child.process.pid != first), 5)
    assert len(supervisor.said) == 1
    assert "worker 1 ended (SIGKILL)" in supervisor.said[0]
    assert "worker-1.log" in supervisor.said[0]


def test_a_child_that_keeps_dying_is_started_less_and_less_often(supervisor: Supervisor):
    child = Child("web", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)
    supervisor.start(child)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        supervisor.mend()
        time.sleep(0.02)
    assert 1 <= child.failures <= 3


def test_those_that_serve_others_end_last(supervisor: Supervisor, tmp_path: Path):
    log = tmp_path / "ends"
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(log)!r}, 'a').write(sys.argv[1] + '\\n'); raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"open({str(log)!r} + sys.argv[1], 'w').close()\n"
        "time.sleep(60)\n"
    )
    for name, serves in (("redis", True), ("web", False), ("model", True)):
        supervisor.start(
            Child(name, [sys.executable, "-c", program, name], os.environ, serves_others=serves)
        )
        wait_until(lambda name=name: Path(f"{log}{name}").exists())
    supervisor.stop_all()
    assert log.read_text().split()[0] == "web"
    assert sorted(log.read_text().split()) == ["model", "redis", "web"]


def test_a_child_that_does_not_end_in_time_is_killed(supervisor: Supervisor, tmp_path: Path):
    ready = tmp_path / "ready"
    deaf = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(ready)!r}, 'w').close(); time.sleep(60)"
    child = supervisor.start(Child("deaf", [sys.executable, "-c", deaf], os.environ, grace_s=0.3))
    wait_until(ready.exists)
    process = child.process
    supervisor.stop(child)
    assert process.returncode == -signal.SIGKILL
    supervisor.mend()
    assert not child.is_alive
