"""Cursor pages: `{items, next_cursor}`."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Mapped

from app.kernel.errors import InvalidInput

Item = TypeVar("Item")

MAX_LIMIT = 200


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` is None on the last one."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[Item]
    next_cursor: str | None = None


def write_cursor(*parts: str) -> str:
    """Return the place after a row, given the values the list is ordered by, as opaque text."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> list[str]:
    """Return the values that a cursor was written with.

    Raises:
        InvalidInput: It is none of this list.
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
    """Order by time and id, go on after the cursor, and read one row more than the page holds.

    Raises:
        InvalidInput: The cursor is none of this list, or the limit is out of bounds.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"`limit` must be between 1 and {MAX_LIMIT}.", field="limit")
    if cursor:
        text, last = read_cursor(cursor, 2)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise _wrong_cursor() from error
        if moment.tzinfo is None:
            raise _wrong_cursor()
        query = query.where(or_(at < moment, and_(at == moment, row_id < last)))
    return query.order_by(at.desc(), row_id.desc()).limit(limit + 1)


def _wrong_cursor() -> InvalidInput:
    return InvalidInput(
        "The cursor is not one of this list. Start again without it.", field="cursor"
    )
