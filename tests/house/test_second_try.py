"""What needed a second try is told, and too much of it fails the run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST_TIME = """
from pathlib import Path
import pytest

def fail_once(name):
    mark = Path(__file__).with_name(name)
    if not mark.exists():
        mark.touch()
        raise AssertionError(f"{name} was unlucky")

@pytest.fixture(scope="module")
def shared():
    fail_once("shared")
    return 5

@pytest.fixture
def torn_down():
    yield
    fail_once("torn_down")

"""


def run(directory: Path, tests: str, *options: str) -> tuple[int, str]:
    """Exit code and output of pytest on these tests."""
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_luck.py").write_text(FIRST_TIME + tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.second_try", *options, str(directory)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_bad_luck_is_listed_and_the_run_passes(tmp_path: Path, options: tuple[str, ...]):
    code, said = run(
        tmp_path,
        "def test_shared(shared): assert shared == 5\n"
        "def test_torn_down(torn_down): pass\n"
        "def test_good(): pass\n",
        *options,
    )
    assert code == 0, said
    assert "needed a second try" in said
    assert "test_luck.py::test_shared (setup): AssertionError: shared was unlucky" in said
    assert "test_luck.py::test_torn_down (teardown): AssertionError: torn_down was unlucky" in said
    assert said.splitlines()[-1].startswith("4 passed, 2 tried again in ")


def test_what_fails_twice_has_failed(tmp_path: Path):
    code, said = run(tmp_path, "def test_bad(): assert 1 == 2\ndef test_good(): pass\n")
    assert code == 1
    assert said.splitlines()[-1].startswith("1 failed, 1 passed, 1 tried again in ")


def test_more_than_a_few_are_no_accident(tmp_path: Path):
    tests = "".join(f"def test_{n}(): fail_once('n{n}')\n" for n in range(4))
    code, said = run(tmp_path, tests)
    assert code == 1
    assert said.splitlines()[-1].startswith("4 failed, 4 passed, 4 tried again in ")
