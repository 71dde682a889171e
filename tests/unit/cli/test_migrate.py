"""Tables go back only when a person means it."""

import argparse
import io

import pytest

from app.adapters.sql.migrations import current, upgrade
from app.cli import migrate
from app.kernel.errors import InvalidInput, Unavailable
from app.kernel.settings import Settings


@pytest.fixture
def config(tmp_path, monkeypatch) -> Settings:
    found = Settings(data_dir=tmp_path)
    monkeypatch.setattr(migrate, "settings", lambda: found)
    upgrade(found.database)
    return found


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    migrate.add_arguments(parser)
    return migrate.main(parser.parse_args(words))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--to", "0001"], "say --down"),
        (["--to", "nope"], "no revision 'nope'. There are: head, base, 0001"),
        (["--down"], "Say where to go back to"),
        (["--down", "--to", "head"], "is not before that"),
        (["--down", "--to", "base"], "Every table .* say --yes"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_changes(config, words, sentence, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))  # a pipe is nobody who was asked
    before = current(config.database)
    with pytest.raises(InvalidInput, match=sentence):
        call(*words)
    assert current(config.database) == before


@pytest.mark.parametrize(("answer", "left"), [("yes\n", None), ("y\n", "same"), ("\n", "same")])
def test_a_person_is_asked_before_tables_go(config, answer, left, monkeypatch, capsys):
    before = current(config.database)
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert call("--down", "--to", "base") == (1 if left else 0)
    assert current(config.database) == (before if left else None)
    assert "Every table and all that is in them is deleted" in capsys.readouterr().out


def test_yes_asks_nobody_and_up_comes_back(config):
    newest = current(config.database)
    assert call("--down", "--to", "0001", "--yes") == 0
    assert current(config.database) == "0001"
    assert call() == 0
    assert current(config.database) == newest


def test_nobody_migrates_beneath_a_running_product(config):
    with migrate.data_lock.held(config.data, "serve"), pytest.raises(Unavailable, match="in use"):
        call()
