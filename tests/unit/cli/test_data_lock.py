"""One `serve` holds a data directory, and is named to the next one."""

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import data_lock
from app.cli.data_lock import held, holder
from app.kernel.errors import Unavailable

HOLD = (
    "import sys, time; from pathlib import Path; from app.cli.data_lock import held\n"
    "with held(Path(sys.argv[1]), 'serve', 'http://localhost:4711'):\n"
    "    print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def other(tmp_path: Path):
    """Another process that holds the directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_who_holds_it_is_named_and_nothing_is_touched(tmp_path: Path, other):
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Unavailable) as refused, held(tmp_path, "serve"):
        pass
    for word in (str(tmp_path), f"process {other.pid}", "http://localhost:4711", "AGENTLOOM_DATA"):
        assert word in refused.value.message
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert holder(tmp_path).pid == other.pid


def test_a_killed_process_holds_nothing(tmp_path: Path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert holder(tmp_path) is None
    with held(tmp_path, "serve"):
        assert holder(tmp_path).pid == os.getpid()
    assert holder(tmp_path) is None


def test_a_copy_of_the_directory_is_held_by_nobody(tmp_path: Path, other):
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / data_lock.NAME, copy)
    with held(copy, "serve"):
        assert holder(copy).pid == os.getpid()
    assert holder(tmp_path).pid == other.pid


def test_a_child_does_not_inherit_it(tmp_path: Path):
    with held(tmp_path, "serve"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert holder(tmp_path) is None
    finally:
        child.kill()
        child.wait()


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be written"), held(tmp_path / "file", "serve"):
        pass


class TestWithoutLocks:
    """A file system that knows no locks: the file is believed while its process lives."""

    @pytest.fixture(autouse=True)
    def no_locks(self, monkeypatch):
        def refuse(*_):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", refuse)

    def test_it_is_held_while_the_process_lives(self, tmp_path: Path):
        with held(tmp_path, "serve"), pytest.raises(Unavailable), held(tmp_path, "serve"):
            pass
        with held(tmp_path, "serve"):
            pass

    def test_one_of_a_dead_process_whose_number_lives_again_is_stale(self, tmp_path: Path):
        with held(tmp_path, "serve"):
            told = json.loads((tmp_path / data_lock.NAME).read_text())
        told["born"] = "another start/1"  # this process's number, but an earlier one's
        (tmp_path / data_lock.NAME).write_text(json.dumps(told))
        with held(tmp_path, "serve"):
            pass

    def test_another_machine_is_believed(self, tmp_path: Path):
        with held(tmp_path, "serve"):
            told = json.loads((tmp_path / data_lock.NAME).read_text())
        told["host"] = "elsewhere"
        (tmp_path / data_lock.NAME).write_text(json.dumps(told))
        with pytest.raises(Unavailable, match="on elsewhere"), held(tmp_path, "serve"):
            pass
