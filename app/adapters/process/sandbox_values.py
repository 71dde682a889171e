"""What goes into the sandbox and comes out of it: JSON by the rule of `kernel.jsons`.

The interpreter hands functions, classes and the like out as texts such as `<function 'f' at 0xc>`. A
text that looks like one is looked at once more inside, where it still is what it was.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.engine.sdk.context import Json
from app.kernel import jsons
from app.kernel.errors import CodeFailed

if TYPE_CHECKING:
    from pydantic_monty import AsyncMontySession

MAX_BYTES = 10 * 1024 * 1024
KEPT = "__value__"
"""The variable that keeps the last expression."""

_BEFORE, _AFTER = f"({KEPT} := (", "))"
_LONGEST_PARSED = 50_000
_AT_ONCE = 200
_LOOKS_LIKE_A_THING = re.compile(
    r"<.+>|(?:re\.compile|range|slice|dict_keys|dict_values|dict_items)\(.*\)", re.DOTALL
)
_LONGEST_LOOK = 300
_THINGS = {
    "a MontyStdTypeProxy": "a function or class",
    "a MontyClassProxy": "an object",
    "a MontyClassTypeProxy": "a class",
}


def held(source: str) -> str:
    """The program with its last expression kept in a variable; its lines stay where they are."""
    if len(source) > _LONGEST_PARSED:
        return source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            last = ast.parse(source).body[-1]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return source
    if not isinstance(last, ast.Expr) or last.end_lineno is None or last.end_col_offset is None:
        return source
    lines = source.encode().split(b"\n")
    _insert(lines, last.end_lineno, last.end_col_offset, _AFTER)
    _insert(lines, last.lineno, last.col_offset, _BEFORE)
    return b"\n".join(lines).decode()


def _insert(lines: list[bytes], line: int, column: int, text: str) -> None:
    old = lines[line - 1]
    lines[line - 1] = old[:column] + text.encode() + old[column:]


def as_written(line: str) -> str:
    """A line of the program without what `held` put into it."""
    return line.replace(_BEFORE, "").removesuffix(_AFTER) if _BEFORE in line else line


def check_inputs(inputs: Mapping[str, Json]) -> None:
    """Refuse values that are too large.

    Raises:
        CodeFailed: They have more than 10 MB.
    """
    if jsons.weighs_more(dict(inputs), MAX_BYTES):
        raise CodeFailed("The values given to the program are larger than 10 MB.")


async def value_of(session: "AsyncMontySession", value: Any, name: str) -> Json:  # noqa: ANN401
    """Return what a program gave as JSON: tuples become lists, dates texts, keys texts.

    Args:
        name: The variable that holds it inside.

    Raises:
        CodeFailed: It has no JSON form, or it is larger than 10 MB.
    """
    try:
        made = jsons.settled(value, "result", MAX_BYTES)
    except jsons.TooBig as error:
        raise CodeFailed("The program's value is larger than 10 MB.") from error
    except jsons.NotJson as error:
        raise CodeFailed(_refusal(str(error))) from error
    looks = list(_looks(value, ()))
    for start in range(0, len(looks), _AT_ONCE):
        await _look_inside(session, name, looks[start : start + _AT_ONCE])
    return made


def _refusal(sentence: str) -> str:
    for word, people_say in _THINGS.items():
        sentence = sentence.replace(word, people_say)
    return (
        f"The program's value cannot be kept as JSON: {sentence}. "
        "Return texts, numbers, booleans, lists, dicts or None."
    )


def _looks(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Where texts stand that look like the name of a thing."""
    if isinstance(value, str):
        if len(value) <= _LONGEST_LOOK and _LOOKS_LIKE_A_THING.fullmatch(value):
            yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _looks(item, (*place, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _looks(item, (*place, index))


async def _look_inside(
    session: "AsyncMontySession", name: str, places: list[tuple[Any, ...]]
) -> None:
    from pydantic_monty import MontyError  # noqa: PLC0415 - native, on first use

    picks = [name + "".join(f"[{part!r}]" for part in place) for place in places]
    try:
        kinds = await session.feed_run("[type(x) is str for x in [" + ", ".join(picks) + "]]")
    except (
        MontyError
    ):  # a generator, which has been used up by now: its items are what they look like
        return
    for is_text, place in zip(kinds, places, strict=True):
        if not is_text:
            where = "result" + "".join(f"[{part!r}]" for part in place)
            raise CodeFailed(_refusal(f"{where} is a function, a class or another thing"))
