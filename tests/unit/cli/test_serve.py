"""What `serve` does before people can come."""

import subprocess

import pytest

from app.adapters.sql import migrations
from app.cli import serve
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings


@pytest.fixture
def config(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, database_url="")


@pytest.fixture
def commands(monkeypatch) -> list:
    """Every process that is asked for fails."""
    asked: list = []

    def run(command, **_):
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, 1, "", "agentloom: not today.")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_a_file_at_the_newest_revision_needs_no_process(config, commands):
    migrations.upgrade(config.database)
    serve.migrate(config, {})
    assert commands == []


@pytest.mark.parametrize("revision", [None, "0001"])
def test_any_other_file_is_migrated_by_one(config, commands, revision):
    if revision:
        migrations.upgrade(config.database, revision)
    with pytest.raises(Unavailable, match="not today"):
        serve.migrate(config, {})
    assert commands == ["migrate"]


def test_postgresql_is_always_asked_by_one(tmp_path, commands):
    config = Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/x")
    with pytest.raises(Unavailable):
        serve.migrate(config, {})
    assert commands == ["migrate"]
