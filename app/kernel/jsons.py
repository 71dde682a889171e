"""The one rule for values: what is JSON here, at every door in and out.

* Whole numbers from -2^63 to 2^63-1 stay exact numbers, on the wire too. Beyond that they become the
  text of their digits, since hardly any reader (and not SQLite) keeps them. A browser rounds from
  2^53 on: the pages read such numbers from the text.
* Other numbers are 64-bit floats. NaN and the infinities are no JSON and are refused, and so is a
  number too large for a float.
* Lone surrogates and null characters, which no database takes, become U+FFFD. (A request to the API
  that holds one is refused: its sender can mend it.)
* At most 100 levels of lists and objects.
* Tuples are lists, dates are ISO 8601 texts, keys are texts. Everything else (functions, sets,
  bytes, objects) is refused with the place where it lies.
* A key that stands twice in a JSON text counts once, with its last value, as in every common reader.

`read` is for JSON texts from outside, `settled` for Python values, `json_of` writes what was let in.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import date, time
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 100
LEAST_INT = -(2**63)
MOST_INT = 2**63 - 1

_BOM = b"\xef\xbb\xbf"
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_LONG_NUMBER = re.compile(rb"\d{19}")
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w{0,40}")
_LONGEST_NUMBER = 20
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_WRITER_DEPTH = 254  # orjson's own limit when it writes
_WRAPPINGS = _WRITER_DEPTH - MAX_DEPTH
_PARSER_DEPTH = "depth limit"  # orjson's own, at 1,024 levels


class NotJson(ValueError):
    """A value or a text that is no JSON; the sentence names the place."""


class TooDeep(NotJson):
    """Nested deeper than allowed."""


class TooBig(NotJson):
    """More bytes than allowed."""


def read(text: bytes | str) -> Any:  # noqa: ANN401 - a JSON value
    """Read a JSON text from outside by the rule; a byte order mark before it is ignored.

    Raises:
        NotJson: It is no JSON, or nested deeper than 100 levels.
    """
    value = parsed(text)
    return value if size_of(value) is not None else settled(value, "the value")


def parsed(text: bytes | str) -> Any:  # noqa: ANN401 - a JSON value
    """Read a JSON text with exact numbers. Its depth and its characters are not looked at yet.

    Raises:
        NotJson: It is no JSON; the sentence says at which line and column.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    raw = raw.removeprefix(_BOM)
    if not _LONG_NUMBER.search(raw):
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            if error.msg.startswith(_PARSER_DEPTH):
                where = f"line {error.lineno} column {error.colno}"
                raise TooDeep(f"nested deeper than {MAX_DEPTH} levels: {where}") from error
    return _parsed_slowly(raw)


def _parsed_slowly(raw: bytes) -> Any:  # noqa: ANN401 - a JSON value
    """As the standard module reads it: for long numbers, lone surrogates, and the better sentence."""
    try:
        return json.loads(
            raw.decode("utf-8", "surrogatepass"),
            parse_int=_whole,
            parse_float=_decimal,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"it is no UTF-8 text at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg}: line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise TooDeep(f"nested deeper than {MAX_DEPTH} levels") from error


def _whole(digits: str) -> int | str:
    if len(digits) > _LONGEST_NUMBER:
        return digits
    number = int(digits)
    return number if LEAST_INT <= number <= MOST_INT else digits


def _decimal(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotJson(f"the number {digits[:40]} is too large")
    return number


def _refuse_constant(word: str) -> NoReturn:
    raise NotJson(f"{word} is no JSON number")


def size_of(value: Any) -> int | None:  # noqa: ANN401 - whatever it is
    """Bytes of a value as JSON; None: it has to be settled first, or is no JSON at all."""
    try:
        data, is_sure = _dumped(value)
        if data.count(b"[") + data.count(b"{") > MAX_DEPTH:  # perhaps too deep: the writer knows
            orjson.dumps(_wrapped(value), option=_STRICT)
    except TypeError:
        return None
    if b"\\u0000" in data and _NUL.search(data):
        return None
    if (not is_sure or b"null" in data) and _has_odd_number(value):
        return None
    return len(data)


def _dumped(value: Any) -> tuple[bytes, bool]:  # noqa: ANN401 - whatever it is
    """The value as JSON, and whether all its whole numbers are surely small enough."""
    try:
        return orjson.dumps(value, option=_STRICT | orjson.OPT_STRICT_INTEGER), True
    except TypeError:
        return orjson.dumps(value, option=_STRICT), False


def _wrapped(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    """The value in so many lists that the writer's own limit of levels is ours."""
    for _ in range(_WRAPPINGS):
        value = [value]
    return value


def _has_odd_number(value: Any) -> bool:  # noqa: ANN401 - a JSON value
    """Whether NaN or an infinity is in a value, which the writer makes null, or too large a number."""
    containers: list[Any] = [[value]]
    while containers:
        container = containers.pop()
        for item in container.values() if isinstance(container, dict) else container:
            kind = type(item)
            if kind is dict or kind is list or kind is tuple:
                containers.append(item)
            elif kind is float:
                if item - item != 0:
                    return True
            elif kind is int and item > MOST_INT:
                return True
    return False


def settled(value: Any, name: str, most: int | None = None) -> Any:  # noqa: ANN401 - whatever it is
    """Return a Python value as a JSON value of its own, by the rule.

    Args:
        name: What the value is called in a sentence: `result` gives `result[1] is a function`.
        most: How many bytes it may have as JSON, roughly. What stands in it a thousand times, without
            being there a thousand times in memory, counts as often.

    Raises:
        NotJson: It is no JSON, or too deep (TooDeep) or too large (TooBig).
    """
    if most is not None and weighs_more(value, most):
        raise TooBig(f"{name} has more than {most:,} bytes")
    if size_of(value) is not None:
        return orjson.loads(orjson.dumps(value))
    return _Settling(name).of(value)


def weighs_more(value: Any, most: int) -> bool:  # noqa: ANN401 - whatever it is
    """Whether a value has more bytes as JSON, roughly; it is looked at no longer than until that is sure."""
    containers: list[Any] = [[value]]
    size = 0
    while containers and size <= most:
        container = containers.pop()
        if isinstance(container, dict):
            size += 2 + 4 * len(container)
            size += sum(len(key) for key in container if isinstance(key, str))
            container = container.values()
        for item in container:
            if isinstance(item, (dict, list, tuple)):
                size += 2
                containers.append(item)
            else:
                size += len(item) + 2 if isinstance(item, str) else 2
            if size > most:
                break
    return size > most


class _Settling:
    """One walk over a value, piece by piece; it knows where it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.place: list[Any] = []

    def of(self, value: Any) -> Any:  # noqa: ANN401 - whatever it is
        handle = _HANDLERS.get(type(value)) or _handler_of(value)
        if handle is None:
            raise NotJson(f"{self.here} is {_kind(value)}")
        return handle(self, value)

    @property
    def here(self) -> str:
        return self.named(len(self.place))

    def named(self, depth: int) -> str:
        return self.name + "".join(map(_step, self.place[:depth]))

    def word(self, value: Any) -> Any:  # noqa: ANN401 - null, true or false
        return value

    def whole(self, value: int) -> int | str:
        number = int(value)
        if LEAST_INT <= number <= MOST_INT:
            return number
        try:
            return str(number)
        except ValueError as error:
            raise NotJson(f"{self.here} is a number of more than 4,300 digits") from error

    def decimal(self, value: float) -> float:
        if not math.isfinite(value):
            raise NotJson(f"{self.here} is {_not_finite(value)}")
        return float(value)

    def text(self, value: str) -> str:
        return fit(str(value))

    def moment(self, value: date | time) -> str:
        return value.isoformat()

    def row(self, value: Any) -> list[Any]:  # noqa: ANN401 - a list or tuple
        self.deeper()
        made = []
        for index, item in enumerate(value):
            self.place[-1] = index
            made.append(self.of(item))
        self.place.pop()
        return made

    def fields(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - a mapping
        depth, made = len(self.place), dict[str, Any]()
        self.deeper()
        for key, item in value.items():
            name = fit(key) if type(key) is str else self.key(key, depth)
            if name in made:
                raise NotJson(f"{self.named(depth)} has the key {_quoted(name)} twice")
            self.place[-1] = name
            made[name] = self.of(item)
        self.place.pop()
        return made

    def key(self, key: Any, depth: int) -> str:  # noqa: ANN401 - whatever it is
        if key is None or isinstance(key, bool):
            return {None: "null", True: "true", False: "false"}[key]
        if isinstance(key, (str, int, float, date, time)):
            self.place[-1] = f"key {key}"
            made = self.of(key)
            return made if isinstance(made, str) else json.dumps(made)
        raise NotJson(f"a key of {self.named(depth)} is {_kind(key)}")

    def deeper(self) -> None:
        if len(self.place) >= MAX_DEPTH:
            raise TooDeep(f"{self.name} is nested deeper than {MAX_DEPTH} levels")
        self.place.append(0)


_Handler = Callable[[_Settling, Any], Any]
_HANDLERS: dict[type, _Handler] = {
    type(None): _Settling.word,
    bool: _Settling.word,
    int: _Settling.whole,
    float: _Settling.decimal,
    str: _Settling.text,
    list: _Settling.row,
    tuple: _Settling.row,
    dict: _Settling.fields,
}
_WIDER: tuple[tuple[type | tuple[type, ...], _Handler], ...] = (
    (str, _Settling.text),
    (int, _Settling.whole),
    (float, _Settling.decimal),
    ((date, time), _Settling.moment),
    (dict, _Settling.fields),
    ((list, tuple), _Settling.row),
)


def _handler_of(value: Any) -> _Handler | None:  # noqa: ANN401 - whatever it is
    return next((handle for kind, handle in _WIDER if isinstance(value, kind)), None)


def fit(text: str) -> str:
    """Return the text with U+FFFD for what no database takes: lone surrogates, null characters."""
    return text if text.isascii() and "\x00" not in text else _UNFIT.sub("\ufffd", text)


def _step(part: Any) -> str:  # noqa: ANN401 - a key or an index
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{_quoted(part)}]"


def _quoted(key: str) -> str:
    return json.dumps(key[:40], ensure_ascii=False)


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _kind(value: Any) -> str:  # noqa: ANN401 - whatever it is
    """Name what is no JSON for people."""
    if isinstance(value, type):
        return "a class"
    if callable(value):
        return "a function"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes, not text"
    if isinstance(value, (set, frozenset)):
        return "a set; make it a list"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def json_of(value: Any) -> bytes:  # noqa: ANN401 - what is to become JSON
    """Write a value as JSON that both databases can store.

    Values were judged where they came in. What is written beside them, such as facts of the trace,
    must never fail: the same rule with null or a text in the place of what is no JSON.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        data = orjson.dumps(_plain(value, 0), option=orjson.OPT_NON_STR_KEYS)
    if b"\\u0000" in data:
        data = _NUL.sub(rb"\1\\ufffd", data)
    return data


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - what orjson refused
    if depth > 2 * MAX_DEPTH:
        return None
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if LEAST_INT <= value <= MOST_INT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_plain(str(key), 0): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return _plain(str(value), depth)
