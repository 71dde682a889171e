"""Pick values out of data with a JSONPath.

`$.orders[*].total` gives the totals of all orders, `$..email` every e-mail anywhere,
`$.rows[?@.amount > 100]` the rows over 100, `$.items[0].name` one name. Choose whether you want all
that match, as a list, or the first. A search that looks at the same values again and again is ended
with an error. The functions `match` and `search` are not available; use a
Python node for patterns.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal, cast

from app.engine.sdk import (
    Example,
    InvalidInput,
    Json,
    NodeConfig,
    NodeContext,
    Ports,
    Text,
    field,
    json_size,
    node,
    port,
)

_MAX_VALUES = 100_000
_LIGHT_BYTES = 16_384
_LOOKS = 10_000
"""How many values are looked at in this process: about 20 ms."""
_LOOKS_PER_BYTE = 8
_MOST_LOOKS = 10_000_000
_LONGEST_S = 30.0
_FIND = f"{__name__}:find"


class Config(NodeConfig):
    """Form of the inspector."""

    path: Text = field(
        "$", title="Path", min_length=1, max_length=1_000, placeholder="$.orders[*].total"
    )
    give: Literal["all", "first"] = field(
        "all",
        title="Give",
        mode="literal",
        widget="choice",
        options=("All values, as a list", "The first value"),
    )
    required: bool = field(False, title="Fail when nothing is found", advanced=True)


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Data")


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")


class _TooMuchWork(Exception):
    """The search has looked at more values than it may."""


class _Budget:
    """What a search may still look at. A path is short, but `[*,*]` doubles what it finds each time."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def spend(self, looks: int) -> None:
        self.left -= looks
        if self.left < 0:
            raise _TooMuchWork


class _Selector:
    """A selector of a path that pays for what it looks at and finds."""

    def __init__(self, selector: Any, budget: _Budget) -> None:  # noqa: ANN401 - parts of the library's syntax tree
        self._selector = selector
        self._budget = budget
        self._part_looked_at = 0.0  # by itself, besides what it finds
        if hasattr(selector, "slice"):
            self._part_looked_at = 1 / 64  # copied
        if hasattr(selector, "expression"):
            self._part_looked_at = 1.0
            _count_inside(selector.expression, budget)

    def resolve(self, node: Any) -> Iterator[Any]:  # noqa: ANN401 - parts of the library's syntax tree
        value = node.value
        inside = len(value) if isinstance(value, (dict, list)) else 0
        self._budget.spend(1 + int(inside * self._part_looked_at))
        for found in self._selector.resolve(node):
            self._budget.spend(1)
            yield found


class _Operand:
    """A side of a comparison that pays for the size of what is compared."""

    def __init__(self, expression: Any, budget: _Budget) -> None:  # noqa: ANN401 - parts of the library's syntax tree
        self._expression = expression
        self._budget = budget

    def evaluate(self, context: Any) -> Any:  # noqa: ANN401 - as the library calls it
        found = self._expression.evaluate(context)
        self._budget.spend(
            1 + sum(_weight(getattr(one, "value", one), self._budget) for one in _each(found))
        )
        return found


def _each(found: Any) -> list[Any]:  # noqa: ANN401 - parts of the library's syntax tree
    return found if isinstance(found, list) and len(found) == 1 else [found]


def _weight(value: Json, budget: _Budget) -> int:
    """How many looks a value costs that is compared as a whole, counted no further than there are left."""
    looks, stack = 0, [value]
    while stack and looks <= budget.left:
        one = stack.pop()
        if isinstance(one, str):
            looks += len(one) >> 10
        elif isinstance(one, (dict, list)):
            looks += len(one)
            stack.extend(one.values() if isinstance(one, dict) else one)
    return looks


def _count(query: Any, budget: _Budget) -> None:  # noqa: ANN401 - parts of the library's syntax tree
    """Make all parts of a query that was read pay, those in its filters too."""
    for segment in query.segments:
        segment.selectors = tuple(_Selector(selector, budget) for selector in segment.selectors)


def _count_inside(expression: Any, budget: _Budget) -> None:  # noqa: ANN401 - parts of the library's syntax tree
    inside = [expression]
    while inside:
        one = inside.pop()
        if hasattr(one, "query"):
            _count(one.query, budget)
        inside += [
            getattr(one, name) for name in ("expression", "left", "right") if hasattr(one, name)
        ]
        inside += getattr(one, "args", ())
        if type(one).__name__ == "ComparisonExpression":
            one.left, one.right = _Operand(one.left, budget), _Operand(one.right, budget)


def find(path: str, data: Json, limit: int, looks: int, most_bytes: int) -> list[Json] | None:
    """Return at most so many values that the path matches; None: it looks at more values than it may.

    Raises:
        InvalidInput: It is not a JSONPath, or finds more bytes than a step may give.
    """
    from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - loads the regex engine

    environment = JSONPathEnvironment()
    for name in ("match", "search"):  # patterns have no time limit
        environment.function_extensions.pop(name)
    try:
        query = environment.compile(path)
        _count(query, _Budget(looks))
        values = (found.value for found in islice(query.finditer(data), limit))
        return list(_bounded(values, path, most_bytes))
    except _TooMuchWork:
        return None
    except (JSONPathError, RecursionError) as error:
        why = error.args[0] if isinstance(error, JSONPathError) else "it is nested too deep"
        raise InvalidInput(f"'{path[:100]}' is not a JSONPath: {why}.", field="path") from error


def _bounded(values: Iterable[Json], path: str, most_bytes: int) -> Iterator[Json]:
    """Hand values on as long as all of them together are small enough; one may be found many times."""
    sizes: dict[int, int] = {}
    total = 0
    for value in values:
        if id(value) not in sizes:
            sizes[id(value)] = json_size(value) or 0
        total += sizes[id(value)] + 1
        if total > most_bytes:
            raise InvalidInput(
                f"'{path[:100]}' finds more than {most_bytes:,} bytes.", field="path"
            )
        yield value


_ORDERS = {"orders": [{"id": 1, "total": 30}, {"id": 2, "total": 120}]}


@node(
    kind="data.jsonpath",
    title="Pick with JSONPath",
    icon="list-filter",
    examples=[
        Example(
            "all totals", Config(path="$.orders[*].total"), In(input=_ORDERS), Out(value=[30, 120])
        ),
        Example(
            "the first order over 100",
            Config(path="$.orders[?@.total > 100].id", give="first"),
            In(input=_ORDERS),
            Out(value=2),
        ),
        Example("nothing found", Config(path="$.bills[*]"), In(input=_ORDERS), Out(value=[])),
        Example(
            "nothing found, but wanted",
            Config(path="$.bills[*]", required=True),
            In(input=_ORDERS),
            raises=InvalidInput,
        ),
        Example("not a path", Config(path="$.orders["), In(input=_ORDERS), raises=InvalidInput),
    ],
)
async def jsonpath(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Return what the path finds."""
    limit = 1 if config.give == "first" else _MAX_VALUES + 1
    found = await _search(config.path, inputs.input, limit, ctx)
    if found is None:
        raise InvalidInput(
            f"'{config.path[:100]}' looks at too many values: it goes through the same ones again and again. "
            "Name each part once, or use a Python node (docs/limits.md).",
            field="path",
        )
    if len(found) > _MAX_VALUES:
        raise InvalidInput(
            f"'{config.path[:100]}' finds more than {_MAX_VALUES:,} values.", field="path"
        )
    if config.required and not found:
        raise InvalidInput(f"'{config.path[:100]}' finds nothing in the input.", field="path")
    if config.give == "first":
        return Out(value=found[0] if found else None)
    return Out(value=found)


async def _search(path: str, data: Json, limit: int, ctx: NodeContext) -> list[Json] | None:
    """Search small data right here for some milliseconds; if that is not enough, in a child process."""
    size = json_size(data) or 0
    may_look = min(_LOOKS + _LOOKS_PER_BYTE * size, _MOST_LOOKS)
    asked = {"path": path, "data": data, "limit": limit, "most_bytes": ctx.max_output_bytes}
    if size <= _LIGHT_BYTES:
        found = find(**asked, looks=_LOOKS)
        if found is not None or may_look <= 2 * _LOOKS:
            return found
    found = await ctx.blocking(_FIND, {**asked, "looks": may_look}, timeout_s=_LONGEST_S)
    return cast("list[Json] | None", found)
