"""Pick values out of data with a JSONPath.

`$.orders[*].total` gives the totals of all orders, `$..email` every e-mail anywhere,
`$.rows[?@.amount > 100]` the rows over 100, `$.items[0].name` one name. Choose whether you want all
that match, as a list, or the first. The functions `match` and `search` are not available; use a
Python node for patterns.
"""

import json
from itertools import islice
from typing import Any, Literal

from app.engine.sdk import Example, InvalidInput, Json, NodeConfig, NodeContext, Ports, Text, field, node, port

_MAX_VALUES = 100_000
_LIGHT_CHARS = 16_384
_FIND = f"{__name__}:find"


class Config(NodeConfig):
    """Form of the inspector."""

    path: Text = field("$", title="Path", min_length=1, max_length=1_000, placeholder="$.orders[*].total")
    give: Literal["all", "first"] = field(
        "all", title="Give", mode="literal", widget="choice", options=("All values, as a list", "The first value")
    )
    required: bool = field(False, title="Fail when nothing is found", advanced=True)


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Data")


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")


def _is_light(path: str, data: Json) -> bool:
    """Whether the search is over in some milliseconds: little data, and gone through but once."""
    return path.count("..") + path.count("?") <= 1 and len(json.dumps(data)) <= _LIGHT_CHARS


def find(path: str, data: Json, limit: int) -> list[Json]:
    """Return at most so many values that the path matches.

    Raises:
        InvalidInput: It is not a JSONPath.
    """
    from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - loads the regex engine

    environment = JSONPathEnvironment()
    for name in ("match", "search"):  # patterns have no time limit
        environment.function_extensions.pop(name)
    try:
        return [found.value for found in islice(environment.compile(path).finditer(data), limit)]
    except JSONPathError as error:
        raise InvalidInput(f"'{path}' is not a JSONPath: {error.args[0]}.", field="path") from error


_ORDERS = {"orders": [{"id": 1, "total": 30}, {"id": 2, "total": 120}]}


@node(
    kind="data.jsonpath", title="Pick with JSONPath", icon="list-filter",
    examples=[
        Example("all totals", Config(path="$.orders[*].total"), In(input=_ORDERS), Out(value=[30, 120])),
        Example("the first order over 100", Config(path="$.orders[?@.total > 100].id", give="first"), In(input=_ORDERS),
                Out(value=2)),
        Example("nothing found", Config(path="$.bills[*]"), In(input=_ORDERS), Out(value=[])),
        Example("nothing found, but wanted", Config(path="$.bills[*]", required=True), In(input=_ORDERS),
                raises=InvalidInput),
        Example("not a path", Config(path="$.orders["), In(input=_ORDERS), raises=InvalidInput),
    ],
)
async def jsonpath(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Return what the path finds."""
    limit = 1 if config.give == "first" else _MAX_VALUES + 1
    asked = {"path": config.path, "data": inputs.input, "limit": limit}
    found = find(**asked) if _is_light(config.path, inputs.input) else await ctx.blocking(_FIND, asked)
    if len(found) > _MAX_VALUES:
        raise InvalidInput(f"'{config.path}' finds more than {_MAX_VALUES:,} values.", field="path")
    if config.required and not found:
        raise InvalidInput(f"'{config.path}' finds nothing in the input.", field="path")
    if config.give == "first":
        return Out(value=found[0] if found else None)
    return Out(value=found)
