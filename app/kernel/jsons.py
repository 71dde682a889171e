"""JSON that both databases, Redis and browsers can hold, whatever a value is made of."""

import math
import re
from typing import Any

import orjson

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def json_of(value: Any) -> bytes:  # noqa: ANN401 - what is to become JSON
    """The value as JSON that both databases can store.

    PostgreSQL refuses NUL characters, lone surrogates and NaN in JSON: they are replaced, or become
    null. Integers
    beyond 64 bits become text, since no browser could read them.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        data = orjson.dumps(_plain(value, 0), option=orjson.OPT_NON_STR_KEYS)
    if b"\\u0000" in data:
        data = _NUL.sub(rb"\1\\ufffd", data)
    return data


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - what orjson refused
    if depth > 200:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_plain(str(key), 0): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return _plain(str(value), depth)
