"""Choose one of several ways: the first case whose condition holds.

Add cases in the order in which they are to be tried, each with a name and a condition written
without braces, such as `input.amount > 1000`. Each case is a port. When none holds, the run goes on
at `otherwise`. The input passes unchanged through the chosen port.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from app.engine.sdk import (
    Example,
    ExpressionError,
    NodeConfig,
    NodeContext,
    Port,
    Ports,
    Result,
    as_text,
    field,
    node,
    port,
    port_name,
)

_RESERVED = frozenset({"otherwise", "error", "tool", ""})


class Case(NodeConfig):
    """A way and when it is taken."""

    name: str = field(
        title="Name", mode="literal", placeholder="Large", min_length=1, max_length=60
    )
    when: Any = field(
        ..., title="When", widget="expression", mode="expression", placeholder="input.amount > 1000"
    )


class Config(NodeConfig):
    """Form of the inspector."""

    cases: list[Case] = field(..., title="Cases", widget="list", min_length=1, max_length=50)

    @field_validator("cases")
    @classmethod
    def _distinct(cls, cases: list[Case]) -> list[Case]:
        names = [port_name(case.name) for case in cases]
        for name, case in zip(names, cases, strict=True):
            if name in _RESERVED:
                raise ValueError(f"'{case.name}' cannot be a case's name")
            if names.count(name) > 1:
                raise ValueError(f"two cases are called '{case.name}'")
        return cases


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """The way when no case holds; the cases come from the form."""

    otherwise: Any = port(title="Otherwise", branch=True)


def branches(config: Mapping[str, Any]) -> tuple[Port, ...]:
    """One port per case."""
    titles: dict[str, str] = {}
    for raw in config.get("cases") or []:
        title = as_text(raw.get("name")) if isinstance(raw, Mapping) else ""
        if port_name(title) not in _RESERVED:
            titles.setdefault(port_name(title), title)
    return tuple(Port(name=name, title=title, branch=True) for name, title in titles.items())


_SIZES = Config(
    cases=[Case(name="Large", when="input.n > 100"), Case(name="Not so small", when="input.n > 10")]
)


@node(
    kind="logic.switch",
    title="Switch",
    icon="git-fork",
    quick=True,
    ports_for=branches,
    examples=[
        Example(
            "the first case that holds",
            _SIZES,
            In(input={"n": 500}),
            {"large": {"n": 500}},
            alive=frozenset({"large"}),
        ),
        Example(
            "a later case",
            _SIZES,
            In(input={"n": 50}),
            {"not_so_small": {"n": 50}},
            alive=frozenset({"not_so_small"}),
        ),
        Example(
            "none holds",
            _SIZES,
            In(input={"n": 1}),
            {"otherwise": {"n": 1}},
            alive=frozenset({"otherwise"}),
        ),
        Example("a missing value cannot be compared", _SIZES, In(input={}), raises=ExpressionError),
    ],
)
async def switch(config: Config, inputs: In, ctx: NodeContext) -> Result:
    """Pass the input through the first case that holds."""
    way = next((port_name(case.name) for case in config.cases if case.when), "otherwise")
    return Result({way: inputs.input}, frozenset({way}))
