"""Nothing of an installation is open to other users of the machine."""

import os
import stat
from pathlib import Path

import pytest

from app.cli import doctor
from app.cli.private import exposed, tighten
from app.kernel.errors import AppError
from app.kernel.settings import Settings


@pytest.fixture
def old(tmp_path: Path) -> Settings:
    """A data directory that an earlier version left open, with a stranger's file in it."""
    data = tmp_path / "data"
    for folder in ("", "logs", "redis/appendonlydir", "models"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    for name in ("agentloom.db", "agentloom.db-wal", "logs/web.log.1", "redis/appendonlydir/a.aof",
                 "secret.key", "theirs.txt"):  # fmt: skip
        (data / name).touch()
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (data / "models" / "linked.gguf").symlink_to(tmp_path / "elsewhere.gguf")
    (tmp_path / "elsewhere.gguf").touch()
    (tmp_path / "elsewhere.gguf").chmod(0o644)
    return Settings(data_dir=data)


def test_what_is_ours_is_closed_and_what_is_not_is_left_alone(old: Settings):
    with pytest.raises(AppError, match="other users of this machine"):
        doctor.privacy(old)
    tighten(old)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (old.data, *old.data.rglob("*"))
    }
    assert (modes.pop("theirs.txt"), modes.pop("linked.gguf")) == (0o644, 0o644)
    assert {modes[name] for name in ("data", "logs", "redis", "appendonlydir", "models")} == {0o700}
    assert {mode for name, mode in modes.items() if "." in name} == {0o600}
    assert exposed(old) == []
    assert "closed" in doctor.privacy(old)


def test_a_database_elsewhere_is_closed_too(tmp_path: Path):
    file = tmp_path / "shared" / "loom.db"
    file.parent.mkdir()
    file.touch(mode=0o644)
    config = Settings(data_dir=tmp_path / "data", database_url=f"sqlite:///{file}")
    config.data.mkdir(mode=0o700)
    tighten(config)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_one_of_another_user_is_told_and_does_not_stop_the_start(old: Settings, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    tighten(old)
    with pytest.raises(AppError):
        doctor.privacy(old)
