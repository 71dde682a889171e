"""A record is one line of bounded length, whatever is in its texts."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from app.kernel import log

ROOT = Path(__file__).resolve().parents[3]
FORGED = 'hello\n{"at":"2026-01-01T00:00:00","level":"error","logger":"app","message":"forged"}'


def said(program: str) -> list[dict]:
    """What a process that logs like ours says; each line must be a record."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": "."},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""
    lines = done.stderr.splitlines()
    assert all(len(line) <= log.LONGEST for line in lines)
    return [json.loads(line) for line in lines]


def test_no_text_makes_a_line_of_its_own():
    odd = "one\r\ntwo\x1b[2J\u2028\x00\ud800"
    records = said(
        "import logging; from app.kernel import log\n"
        "log.set_up(printed=True)\n"
        f"logging.getLogger('app').warning('%s', {FORGED!r}, extra={{'of': {odd!r}}})"
    )
    assert [one["message"] for one in records] == [FORGED]
    assert records[0]["of"] == odd.replace("\ud800", "?")


def test_what_is_printed_is_a_record_too():
    records = said(
        "import sys; from app.kernel import log\n"
        "log.set_up(printed=True)\n"
        f"print({FORGED!r}); print('to error', file=sys.stderr); print('x' * 900_000)"
    )
    assert {one["logger"] for one in records} == {"stdout", "stderr"}
    assert not any(one["level"] == "error" for one in records)
    assert "more characters were cut" in records[-1]["message"]


@pytest.mark.parametrize("text", ["x" * 900_000, "ä" * 900_000, "\x00" * 900_000])
def test_a_long_text_is_cut_and_says_by_how_much(text: str):
    record = logging.LogRecord("app", logging.INFO, "", 0, text, None, None)
    made = log._JsonLines().format(record).encode()
    assert len(made) <= log.LONGEST
    kept, _, cut = json.loads(made)["message"].partition("… [")
    assert len(kept) + int(cut.split()[0]) == len(text)


def test_secrets_stay_masked():
    record = logging.LogRecord("app", logging.INFO, "", 0, "key sk-" + "a" * 20, None, None)
    assert "aaaa" not in log._JsonLines().format(record)
