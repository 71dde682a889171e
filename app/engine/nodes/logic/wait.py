"""Wait for some time, until a moment, or for a signal from outside.

The run stops here, for seconds or months, without using anything; other branches go on. What
arrives at the input leaves through `value` when the wait is over.

A signal is sent to the run by name, with `POST /api/runs/{id}/signals/{name}`; the name may have
slashes. What it brings leaves through `value`. With a limit, a signal that does not come in time
makes the run go on through `timed_out`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from app.engine.sdk import (
    Example,
    InvalidInput,
    NodeConfig,
    NodeContext,
    Port,
    Ports,
    Result,
    Text,
    field,
    node,
    port,
    signal_name,
)

YEAR_S = 366 * 86_400


class Config(NodeConfig):
    """Form of the inspector."""

    wait_for: Literal["seconds", "moment", "signal"] = field(
        "seconds",
        title="Wait for",
        mode="literal",
        widget="choice",
        options=("Some time", "A date and time", "A signal"),
    )
    seconds: float = field(60, title="Seconds", ge=0, le=YEAR_S, show_if={"wait_for": "seconds"})
    moment: Text = field(
        "",
        title="Until",
        placeholder="2027-01-31T09:00:00+01:00",
        description="Without a zone it is UTC.",
        needed=True,
        show_if={"wait_for": "moment"},
    )
    signal: Text = field(
        "go on",
        title="Name of the signal",
        max_length=100,
        show_if={"wait_for": "signal"},
        needed=True,
    )
    limit_s: float = field(
        0,
        title="At most, in seconds",
        ge=0,
        le=YEAR_S,
        description="0: however long it takes.",
        show_if={"wait_for": "signal"},
    )

    @field_validator("signal")
    @classmethod
    def _can_be_sent(cls, name: str, info: ValidationInfo) -> str:
        return signal_name(name) if info.data.get("wait_for") == "signal" else name


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    value: Any = port(title="Value")


def _ports(config: Mapping[str, Any]) -> tuple[Port, ...]:
    if config.get("wait_for") != "signal":
        return ()
    return (Port(name="timed_out", title="Timed out", branch=True),)


@node(
    kind="logic.wait",
    title="Wait",
    icon="clock",
    effects="pauses",
    ports_for=_ports,
    examples=[
        Example("a moment", Config(seconds=0.01), In(input="x"), {"value": "x"}),
        Example(
            "until a time that has passed",
            Config(wait_for="moment", moment="2020-01-01T00:00:00Z"),
            In(input=1),
            {"value": 1},
        ),
        Example(
            "a signal",
            Config(wait_for="signal", signal="paid"),
            In(input="order"),
            {"value": {"amount": 3}},
            alive=frozenset({"value"}),
            world={"wait_result": {"payload": {"amount": 3}}},
        ),
        Example(
            "a signal that does not come",
            Config(wait_for="signal", signal="paid", limit_s=60),
            In(input="order"),
            {"timed_out": "order"},
            alive=frozenset({"timed_out"}),
            world={"wait_result": {"timed_out": True}},
        ),
        Example(
            "not a time",
            Config(wait_for="moment", moment="tomorrow"),
            In(),
            raises=InvalidInput,
        ),
    ],
)
async def wait(config: Config, inputs: In, ctx: NodeContext) -> Result:
    """Wait, and say whether what was waited for came."""
    if config.wait_for == "signal":
        limit = ctx.now() + timedelta(seconds=config.limit_s) if config.limit_s else None
        signal = await ctx.wait_for_signal(config.signal, limit)
        if signal.timed_out:
            return Result({"timed_out": inputs.input}, frozenset({"timed_out"}))
        return Result({"value": signal.payload}, frozenset({"value"}))
    if config.wait_for == "moment":
        await ctx.wait_until(_moment(config.moment))
    else:
        await ctx.wait(config.seconds)
    return Result({"value": inputs.input})


def _moment(text: str) -> datetime:
    """Read a time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"'{text}' is no date and time, such as 2027-01-31T09:00:00+01:00.", field="moment"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
