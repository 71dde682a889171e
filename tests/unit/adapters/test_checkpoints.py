"""Checkpoints are made beside the writer, and close ends them."""

import sqlite3

from app.adapters.sql import checkpoints
from app.adapters.sql.checkpoints import Checkpoints
from tests.conftest import wait_until


def test_what_was_committed_moves_into_the_database(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY_S", 0.0)
    path = str(tmp_path / "some.db")
    writer = sqlite3.connect(path, isolation_level=None)
    for line in ("journal_mode=WAL", "wal_autocheckpoint=0"):
        writer.execute(f"PRAGMA {line}")
    writer.execute("CREATE TABLE fact (n INTEGER)")
    before = (tmp_path / "some.db").stat().st_size
    made = Checkpoints(path)
    writer.execute("INSERT INTO fact VALUES (1)")
    made.soon()
    wait_until(lambda: (tmp_path / "some.db").stat().st_size > before, what="the checkpoint")
    made.close()


def test_a_database_that_cannot_be_read_is_said_and_no_more(tmp_path, caplog):
    made = Checkpoints(str(tmp_path / "no folder" / "some.db"))
    made.soon()
    wait_until(lambda: "no checkpoint was made" in caplog.text, what="the warning")
    made.close()
