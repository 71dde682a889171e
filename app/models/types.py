"""Column types that behave alike on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

# constraints need names, so that a later migration can drop them on both databases
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Json = JSON(none_as_null=True)
"""Not JSONB on PostgreSQL: it would change the order of keys, which people see as columns and rows."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite stores it without a zone, which then means UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back aware moments."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def moment(*, nullable: bool = False, index: bool = False) -> Any:  # noqa: ANN401 - as Field
    """Declare a column of an aware moment."""
    return (
        Field(default=None, sa_type=UtcDateTime, nullable=nullable, index=index)
        if nullable
        else Field(sa_type=UtcDateTime, nullable=False, index=index)
    )


def json_column(*, nullable: bool = True) -> Any:  # noqa: ANN401 - as Field
    """Declare a column of a JSON value."""
    return Field(default=None, sa_type=Json, nullable=nullable)  # type: ignore[call-overload]
