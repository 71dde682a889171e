"""Statements written once as expressions and sent as text: per call only the values are processed.

Building and compiling a statement costs more than executing it, so hot paths prepare theirs. JSON columns take text
that is JSON already.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Insert, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.compiler import SQLCompiler

from app.models.types import UtcDateTime

_DIALECTS = {"sqlite": sqlite.dialect(paramstyle="qmark"), "postgresql": asyncpg.dialect()}  # type: ignore[no-untyped-call]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Prepared:
    """A statement of one dialect: its text, and in which order it takes which values."""

    sql: str
    names: tuple[str, ...]
    fixed: Values
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]

    def row(self, values: Values) -> tuple[Any, ...]:
        """The values in the order of the statement, as the driver takes them."""
        if self.fixed:
            values = {**self.fixed, **values}
        row = [values[name] for name in self.names]
        for at, convert in self.converters:
            if row[at] is not None:
                row[at] = convert(row[at])
        return tuple(row)

    def rows(self, many: Iterable[Values]) -> list[tuple[Any, ...]]:
        """The same for many."""
        return [self.row(values) for values in many]


def defaults_of(table: Table) -> dict[str, Any]:
    """The values of columns that a new row does not set; None for those without a default."""
    return {c.name: getattr(c.default, "arg", None) for c in table.c}


def prepare(statement: Executable, dialect: str, columns: Sequence[str] | None = None) -> Prepared:
    """Compile a statement for a dialect.

    Args:
        columns: The columns of an INSERT without values of its own; None: as the statement says. Columns left out get
            their defaults.
    """
    compiled = statement.compile(dialect=_DIALECTS[dialect], column_keys=columns)  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)
    names = tuple(compiled.positiontup or ())
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    if isinstance(statement, Insert) and isinstance(statement.table, Table):
        fixed = {**defaults_of(statement.table), **fixed}
        fixed = {
            name: value for name, value in fixed.items() if name in names and value is not None
        }
    converters = []
    if dialect == "sqlite":
        for at, name in enumerate(names):
            if isinstance(compiled.binds[name].type, UtcDateTime):
                converters.append((at, sqlite_moment))
    return Prepared(compiled.string, names, fixed, tuple(converters))


def once(statement: Executable) -> Callable[[str], Prepared]:
    """Prepare a statement when it is first needed, once per dialect."""

    @lru_cache(maxsize=2)
    def for_dialect(dialect: str) -> Prepared:
        return prepare(statement, dialect)

    return for_dialect


def sqlite_moment(moment: datetime) -> str:
    """A time as SQLAlchemy stores it in SQLite: UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
