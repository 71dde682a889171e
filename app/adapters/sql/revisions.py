"""Which schema revision this program needs, and which one an SQLite file has: without SQLAlchemy and Alembic, for
processes that ask nothing else of a database.
"""

import re
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from app.kernel.errors import ensure

VERSIONS = Path(__file__).resolve().parents[3] / "alembic" / "versions"
_DECLARED = re.compile(r'^(revision|down_revision) = "(.+)"$', re.MULTILINE)


@lru_cache
def newest() -> str:
    """The revision that this program needs: the one that no other builds on."""
    known: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in VERSIONS.glob("*.py"):
        for name, value in _DECLARED.findall(file.read_text(encoding="utf-8")):
            known[name].add(value)
    heads = known["revision"] - known["down_revision"]
    ensure(len(heads) == 1, "there is not exactly one newest revision", heads=sorted(heads))
    return heads.pop()


def of_sqlite(file: Path) -> str | None:
    """The revision of a database file; None when there are no tables or it cannot be read."""
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None
