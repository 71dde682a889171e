"""Start runs at set times.

The rule has five fields (minute, hour, day of the month, month, day of the week) or is a name such as `@daily`, and
goes by the clocks of a time zone. Times at which nothing ran, such as while the server was off, are missed: either one
run is started for all of them, or none.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

from app.engine.cron import MAX_CRON, Rule
from app.engine.sdk import Due, DueExample, NodeConfig, field, trigger

LATE = timedelta(seconds=60)
"""Up to this much later a time is still kept; later it counts as missed."""

LISTED = 100
"""So many missed times are listed one by one; of more, the first ones and the last."""

Missed = Literal["skip", "once"]


class Config(NodeConfig):
    """Form of a schedule."""

    cron: str = field(title="Rule", mode="literal", placeholder="0 9 * * 1-5", max_length=MAX_CRON)
    timezone: str = field("UTC", title="Time zone", mode="literal", placeholder="Europe/Berlin")
    missed: Missed = field("once", title="Missed times", mode="literal")


def rule_of(config: Config) -> Rule:
    """The rule of a form that was checked before it was stored."""
    return Rule(config.cron, config.timezone)


def trouble(config: Config) -> str:
    """Say that a stored zone is gone, and what to do."""
    if rule_of(config).zone_known:
        return ""
    return (
        f"This system does not know the time zone '{config.timezone}' any more, so nothing starts. Choose "
        "another one, or bring the system's time zone data (tzdata) up to date."
    )


def next_at(config: Config, moment: datetime) -> datetime | None:
    """The first time after a moment; None when there is none within 50 years."""
    return rule_of(config).next(moment)


def _on(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=UTC)


@trigger(
    kind="schedule",
    title="Schedule",
    icon="calendar-clock",
    next_at=next_at,
    trouble=trouble,
    examples=[
        DueExample("in time", Config(cron="@hourly"), _on(9), _on(9, 0, 1), Due((_on(9),), True)),
        DueExample(
            "one run for all that were missed",
            Config(cron="@hourly"),
            _on(7),
            _on(9, 30),
            Due((_on(7), _on(8), _on(9)), True),
        ),
        DueExample(
            "missed times are skipped",
            Config(cron="@hourly", missed="skip"),
            _on(7),
            _on(8, 30),
            Due((_on(7), _on(8)), False),
        ),
        DueExample(
            "the last one is in time still",
            Config(cron="@hourly", missed="skip"),
            _on(7),
            _on(8, 1),
            Due((_on(7), _on(8)), True),
        ),
    ],
)
def schedule(config: Config, first: datetime, at: datetime) -> Due:
    """List the times from the first one planned until now; the latest gets a run, unless it is late and skipped."""
    rule = rule_of(config)
    last = max(first, rule.last(at) or first)
    times = [first]
    for one in rule.after(first):
        if one > last or len(times) > LISTED:
            break
        times.append(one)
    is_cut = times[-1] < last
    listed = (*times, last) if is_cut else tuple(times)
    return Due(listed, fires=config.missed == "once" or at - last <= LATE, is_cut=is_cut)
