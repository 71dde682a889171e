"""Cursor pages: `{items, next_cursor}`."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` is None on the last one."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[Item]
    next_cursor: str | None = None
