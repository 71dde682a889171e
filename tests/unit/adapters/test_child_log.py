"""What children print goes to files of bounded size, a record a line."""

import json
import os
import stat
from pathlib import Path

from app.adapters.process.child_log import KEPT, ChildLog
from app.kernel import log


def written(directory: Path, *chunks: bytes, size: int = 1_000_000) -> list[dict]:
    """The records of what a child printed."""
    made = ChildLog(directory, "web", size)
    pipe = made.follow()
    for chunk in chunks:
        os.write(pipe, chunk)
    os.close(pipe)
    made.close()
    lines = made.path.read_bytes().splitlines()
    assert all(len(line) <= log.LONGEST for line in lines)
    return [json.loads(line) for line in lines]


def test_a_record_of_ours_stays_and_anything_else_becomes_one(tmp_path: Path):
    ours = log.line({"at": "2026", "level": "info", "logger": "app", "message": "hi\nthere"})
    found = written(
        tmp_path, ours[:9], ours[9:] + b"\nBus er", b'ror\x1b[2J\n{"at":"broken\n', b"end"
    )
    assert [(one["logger"], one["message"]) for one in found] == [
        ("app", "hi\nthere"), ("web", "Bus error\x1b[2J"), ("web", '{"at":"broken'), ("web", "end"),
    ]  # fmt: skip


def test_a_line_without_end_is_cut(tmp_path: Path):
    found = written(tmp_path, *[b"x" * 60_000] * 15, b"\nnext\n")
    assert [one["message"][:4] for one in found] == ["xxxx", "next"]
    assert found[0]["cut"] == f"{900_000 - log.LONGEST} bytes"


def test_all_files_together_are_bounded_and_private(tmp_path: Path):
    for number in range(40):
        written(tmp_path, b"%d %s\n" % (number, b"x" * 500), size=2_000)
    files = sorted(tmp_path.iterdir())
    assert len(files) == KEPT + 1
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert "39 xxx" in (tmp_path / "web.log").read_text()
    assert "39 xxx" not in (tmp_path / "web.log.1").read_text()


def test_the_last_words_are_there_for_people(tmp_path: Path):
    made = ChildLog(tmp_path, "redis")
    pipe = made.follow()
    os.write(pipe, b"Ready\nFatal error, can't open config file\n")
    os.close(pipe)
    assert made.last_words() == "Ready Fatal error, can't open config file"
