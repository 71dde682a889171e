"""What cannot be is said in one sentence, before anything is started."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.cli import doctor
from app.cli.__main__ import COMMANDS
from app.cli.__main__ import main as command
from app.cli.run import _graph_of, read_json, show, wait_words
from app.engine.events import Event
from app.kernel.clock import now
from app.kernel.errors import InvalidInput
from app.kernel.settings import Settings
from app.services.runs.reading.views import WaitView

ROOT = Path(__file__).resolve().parents[3]


def cli(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "PORT")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"DATABASE_URL": "nonsense"}, "use sqlite:///"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "Check DATABASE_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "REDIS_URL does not answer"),
        ({"AGENTLOOM_DATA": "/proc/none"}, "cannot be written"),
    ],
)  # fmt: skip
def test_serve_says_what_is_wrong_without_a_trace(
    tmp_path: Path, env: dict[str, str], sentence: str
):
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


def test_help_lists_every_command(capsys):
    assert command(["--help"]) == 0
    said = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z].*\.$", said, re.MULTILINE), name


def test_doctor_checks_and_prints_the_settings_without_secrets(tmp_path: Path):
    done = cli(
        "doctor",
        AGENTLOOM_DATA=str(tmp_path / "data"),
        OPENAI_API_KEY="sk-planted-0123456789abcdef",
        AGENTLOOM_SECRET_KEY="planted-secret-" + "x" * 32,
        PORT="39212",
    )
    assert "All is well." in done.stdout, done.stdout + done.stderr
    assert "DATABASE_URL" in done.stdout
    assert "planted" not in done.stdout + done.stderr
    assert re.search(r"AGENTLOOM_SECRET_KEY +set ", done.stdout)


def test_an_unknown_command_is_named(capsys):
    assert command(["serv"]) == 2
    assert "no command 'serv'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "no UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"{", "line 1"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_graph_is_told_in_one_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
):
    path = tmp_path / "graph.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=sentence):
        read_json(f"@{path}", "The file")


def test_text_of_a_model_and_lines_of_steps_do_not_mix(capsys: pytest.CaptureFixture[str]):
    def event(kind: str, **payload: object) -> Event:
        return Event(
            seq=0,
            at=now(),
            workspace_id="w",
            run_id="r",
            type=kind,
            node_id="a",
            path="a",
            payload=payload,
        )

    in_text = False
    for each in (
        event("llm.token", text="Good "),
        event("llm.token", text="day"),
        event("step.completed", step={}),
    ):
        in_text = show(each, in_text)
    assert not in_text
    text, line = capsys.readouterr().out.splitlines()
    assert text == "Good day"
    assert line.endswith("✓ a")


def test_doctor_names_a_database_that_cannot_be_opened(tmp_path: Path):
    done = cli(
        "doctor",
        AGENTLOOM_DATA=str(tmp_path),
        DATABASE_URL="postgresql://nobody:hidden-word@127.0.0.1:1/x",
        PORT="39213",
    )
    line = next(line for line in done.stdout.splitlines() if " Database " in line)
    assert done.returncode == 1
    assert line.startswith("BAD")
    assert "Check DATABASE_URL" in line
    assert "hidden-word" not in done.stdout + done.stderr


def test_a_secret_key_that_was_made_is_told_as_such():
    assert doctor._whether_set("secret_key", SecretStr("")) == "generated"
    assert doctor._whether_set("openai_api_key", SecretStr("")) == "not set"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["worker", "--queues", "nope"], "no queue 'nope'; the queues are high, default, low"),
        (["worker", "--queues", ""], "the queues are high, default, low"),
        (["worker", "--concurrency", "0"], "'0' is no whole number from 1 to 500"),
        (["worker", "--concurrency", "many"], "'many' is no whole number"),
        (["worker", "--drain", "-1"], "'-1' is no whole number from 0"),
        (["web", "--port", "0"], "'0' is no whole number from 1 to 65535"),
    ],
)
def test_an_option_that_cannot_be_is_told(words, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        command(words)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://"), ("DATABASE_URL", "postgresql://ada@host:port/x"),
        ("DATABASE_URL", "sqlite://file.db"), ("DATABASE_URL", "mysql://host/x"),
        ("REDIS_URL", "localhost:6379"), ("REDIS_URL", "redis://"), ("REDIS_URL", "redis://host:port"),
        ("AGENTLOOM_PUBLIC_URL", "example.org"), ("AGENTLOOM_PUBLIC_URL", "https://"),
        ("AGENTLOOM_COMPATIBLE_URL", "localhost:8000/v1"), ("AGENTLOOM_LOG_LEVEL", "chatty"),
        ("PORT", "abc"), ("PORT", "99999"), ("AGENTLOOM_SECRET_KEY", "short"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_named_with_what_it_takes(name: str, value: str):
    with pytest.raises(ValidationError, match="use |integer|less than") as refused:
        Settings.model_validate({name: value})
    assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://ada:p/@w@host:5432/x"), ("DATABASE_URL", "postgresql:///x?host=/run/pg"),
        ("DATABASE_URL", "postgresql+asyncpg://ada@[::1]/x"), ("DATABASE_URL", "sqlite:////srv/loom.db"),
        ("REDIS_URL", "rediss://:word@host"), ("REDIS_URL", "unix:///run/redis.sock"), ("REDIS_URL", "none"),
        ("AGENTLOOM_PUBLIC_URL", "https://loom.example.org"), ("AGENTLOOM_LOG_LEVEL", "debug"),
    ],
)  # fmt: skip
def test_what_people_use_is_taken(name: str, value: str):
    Settings.model_validate({name: value})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"name": "left-pad"}, "neither `nodes` nor a `graph`"),
        ({"graph": {"nodes": 3}}, "is no workflow. The graph is broken at nodes"),
        ([1], "is no workflow. The graph must be"),
    ],
)
def test_a_file_of_something_else_is_told(content, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        _graph_of(content, "some.json")


def test_what_is_waited_for_is_said_in_words():
    def words(**wait: object) -> str:
        view = {"step_path": "w", "until": None, "name": None, "run_id": None, **wait}
        return wait_words(WaitView.model_validate(view), "http://x/runs/r")

    assert words(**{"for": "signal", "name": "paid"}).endswith("the signal 'paid'. Send it at http://x/runs/r")  # fmt: skip
    assert words(**{"for": "run", "run_id": "run_2"}) == "w waits for the run run_2"
    assert "until 20" in words(**{"for": "time", "until": now()})
    assert words(**{"for": "retry", "until": now()}).endswith("then tries again")
