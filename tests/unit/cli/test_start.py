"""What cannot be is said in one sentence, before anything is started."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def cli(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "PORT")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words], cwd=ROOT, env={**clean, **env}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"PORT": "abc"}, "PORT"),
        ({"DATABASE_URL": "nonsense"}, "use sqlite:///"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "Check DATABASE_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "REDIS_URL does not answer"),
        ({"AGENTLOOM_DATA": "/proc/none"}, "cannot be written"),
    ],
)  # fmt: skip
def test_serve_says_what_is_wrong_without_a_trace(tmp_path: Path, env: dict[str, str], sentence: str):
    done = cli("serve", "--no-build", **{"AGENTLOOM_DATA": str(tmp_path), "PORT": "39211", **env})
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named_with_a_way_out(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = cli("serve", "--no-build", AGENTLOOM_DATA=str(tmp_path), PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert f"PORT={port + 1}" in done.stderr


def test_help_lists_every_command():
    done = cli("--help")
    assert done.returncode == 0
    for name in ("serve", "worker", "run", "models", "doctor", "migrate", "docs", "build"):
        assert f"  {name} " in done.stdout


def test_doctor_checks_and_prints_the_settings_without_secrets(tmp_path: Path):
    cli("migrate", AGENTLOOM_DATA=str(tmp_path))
    done = cli("doctor", AGENTLOOM_DATA=str(tmp_path), OPENAI_API_KEY="sk-planted-0123456789abcdef", PORT="39212")
    assert "All is well." in done.stdout, done.stdout + done.stderr
    assert "DATABASE_URL" in done.stdout
    assert "sk-planted" not in done.stdout + done.stderr
