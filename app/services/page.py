"""Cursor pages: `{items, next_cursor}`."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import Mapped

from app.kernel.errors import InvalidInput

Item = TypeVar("Item")

MAX_LIMIT = 200


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` is None on the last one."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    items: Sequence[Item]
    next_cursor: str | None = None


def write_cursor(*parts: str) -> str:
    """Return an opaque cursor for the place after a row, given the values the list is ordered by."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> list[str]:
    """Return the values that a cursor was written with.

    Raises:
        InvalidInput: It does not belong to this list.
    """
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        parts = None
    whole = isinstance(parts, list) and len(parts) == count
    if not whole or not all(isinstance(part, str) for part in parts):
        raise _wrong_cursor()
    return list(parts)


def newest_first(
    query: Select[*tuple[Any, ...]],
    at: Mapped[datetime],
    row_id: Mapped[str],
    cursor: str | None,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    """Order by time and id, continue after the cursor, and read one row more than the page holds.

    Raises:
        InvalidInput: The cursor does not belong to this list, or the limit is out of bounds.
    """
    _check(limit)
    if cursor:
        text, last = read_cursor(cursor, 2)
        moment = _value(text, datetime)
        query = query.where(or_(at < moment, and_(at == moment, row_id < last)))
    return query.order_by(at.desc(), row_id.desc()).limit(limit + 1)


@dataclass(frozen=True)
class Order:
    """What a list is sorted by.

    Args:
        name: Identifies it in cursors: one from another order is refused.
        key: Has a value in every row, of this kind.
    """

    name: str
    key: ColumnElement[Any]
    kind: type[str] | type[datetime] | type[int]
    descending: bool

    def cursor(self, value: str | datetime | int, row_id: str) -> str:
        """The place after a row with this key."""
        text = value.isoformat() if isinstance(value, datetime) else str(value)
        return write_cursor(self._said, text, row_id)

    def apply(
        self,
        query: Select[*tuple[Any, ...]],
        row_id: Mapped[str],
        cursor: str | None,
        limit: int,
    ) -> Select[*tuple[Any, ...]]:
        """Order by key and id, continue after the cursor, and read one row more than the page holds.

        Raises:
            InvalidInput: The cursor does not belong to this list and order, or the limit is out of bounds.
        """
        _check(limit)
        if cursor:
            said, text, last = read_cursor(cursor, 3)
            if said != self._said:
                raise _wrong_cursor()
            value = _value(text, self.kind)
            further = (self.key < value) if self.descending else (self.key > value)
            beside = (row_id < last) if self.descending else (row_id > last)
            query = query.where(or_(further, and_(self.key == value, beside)))
        if self.descending:
            return query.order_by(self.key.desc(), row_id.desc()).limit(limit + 1)
        return query.order_by(self.key, row_id).limit(limit + 1)

    @property
    def _said(self) -> str:
        return f"{self.name} {'down' if self.descending else 'up'}"


def _check(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"`limit` must be between 1 and {MAX_LIMIT}.", field="limit")


def _value(text: str, kind: type) -> str | datetime | int:
    """The value in a cursor, as the database compares it."""
    try:
        value = datetime.fromisoformat(text) if kind is datetime else kind(text)
    except ValueError as error:
        raise _wrong_cursor() from error
    if isinstance(value, datetime) and value.tzinfo is None:
        raise _wrong_cursor()
    return value  # type: ignore[no-any-return]


def _wrong_cursor() -> InvalidInput:
    return InvalidInput(
        "The cursor is not one of this list. Start again without it.", field="cursor"
    )
