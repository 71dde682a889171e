"""Places inside JSON values: finding, setting and removing a value by its path."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Place = Sequence[str | int]
Json = Any  # a JSON value


class _Nothing:
    """The type of NOTHING."""


NOTHING: Final = _Nothing()
"""Set this to remove a value; found where there is none. None is JSON's null."""


def at(value: Json, place: Place) -> Json:
    """Return the value at a place, or NOTHING."""
    for key in place:
        if not _has(value, key):
            return NOTHING
        value = value[key]
    return value


def _has(value: Json, key: str | int) -> bool:
    if isinstance(value, Mapping):
        return key in value
    return isinstance(value, (list, tuple)) and isinstance(key, int) and 0 <= key < len(value)


def changed(value: Json, place: Place, new: Json) -> tuple[Json, tuple[str | int, ...], Json]:
    """Return the value with `new` at the place, and the place and value that undo this.

    Objects on the way are made when they are missing. An index just behind a list's end appends.

    Raises:
        ValueError: The place leads into a text or number, or beyond a list. The message says so.
    """
    if not place:
        return new, (), value
    if value is None:
        return (None if new is NOTHING else _made(place, new)), (), None
    if isinstance(value, Mapping) and isinstance(place[0], str):
        return _changed_object(value, place[0], place[1:], new)
    if isinstance(value, (list, tuple)) and isinstance(place[0], int):
        return _changed_list(value, place[0], place[1:], new)
    raise ValueError(f"the form has no place '{'.'.join(map(str, place))}' there")


def _changed_object(
    value: Mapping[str, Json], key: str, rest: Place, new: Json
) -> tuple[Json, tuple[str | int, ...], Json]:
    if key not in value:
        if new is NOTHING:
            return value, (), value
        return {**value, key: _made(rest, new)}, (key,), NOTHING
    if not rest and new is NOTHING:
        return {k: item for k, item in value.items() if k != key}, (key,), value[key]
    inner, undo_place, undo = changed(value[key], rest, new)
    return {**value, key: inner}, (key, *undo_place), undo


def _changed_list(
    value: Sequence[Json], index: int, rest: Place, new: Json
) -> tuple[Json, tuple[str | int, ...], Json]:
    items = list(value)
    if index > len(items):
        raise ValueError(f"the list has {len(items)} items, it has no place {index}")
    if index == len(items):
        return ([*items, _made(rest, new)] if new is not NOTHING else items), (), items
    if not rest and new is NOTHING:
        return [*items[:index], *items[index + 1 :]], (), items
    inner, undo_place, undo = changed(items[index], rest, new)
    return [*items[:index], inner, *items[index + 1 :]], (index, *undo_place), undo


def _made(place: Place, new: Json) -> Json:
    for key in reversed(place):
        if isinstance(key, str):
            new = {key: new}
        elif key == 0:
            new = [new]
        else:
            raise ValueError(f"the list is empty, it has no place {key}")
    return new
