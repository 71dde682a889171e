"""The terminal says when the disk is nearly full, once, and when there is room again."""

import shutil
from pathlib import Path
from types import SimpleNamespace

from app.cli import disk_watch
from app.cli.disk_watch import DiskWatch


def test_each_change_is_said_once(tmp_path: Path, monkeypatch):
    said: list[str] = []
    free = [1_000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    monkeypatch.setattr(disk_watch, "_EVERY_S", 0)
    watch = DiskWatch(tmp_path, said.append, little=100)
    for now in (1_000, 99, 50, 150, 200, 300):
        free[0] = now
        watch.look()
    assert len(said) == 2
    assert "nearly full" in said[0]
    assert str(tmp_path) in said[0]
    assert "room again" in said[1]


def test_the_real_disk_is_asked(tmp_path: Path):
    said: list[str] = []
    DiskWatch(tmp_path, said.append, little=10**18).look()
    assert "nearly full" in said[0]
