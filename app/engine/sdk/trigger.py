"""The declaration of a trigger type: its form, and what it makes of the times that have come."""

import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from app.engine.sdk.node import NodeConfig


@dataclass(frozen=True)
class Due:
    """What becomes of a trigger's times that have come.

    Args:
        times: The oldest first, the latest always among them.
        fires: Whether a run starts for the latest one; all others are missed.
        is_cut: Some between the last two are left out: there are too many to record each.
    """

    times: tuple[datetime, ...]
    fires: bool
    is_cut: bool = False


@dataclass(frozen=True)
class DueExample:
    """Times that have come, with what is expected of them; the first tests of a trigger type."""

    title: str
    config: NodeConfig
    first: datetime
    at: datetime
    due: Due


DueOf = Callable[[Any, datetime, datetime], Due]


@dataclass(frozen=True)
class TriggerType:
    """Everything the engine knows about one kind of trigger that fires at times of its own.

    Args:
        due: What becomes of the times from the first one that was planned until now.
        next_at: The first time after a moment; None when there is none.
        trouble: Why its times cannot be worked out here now, in a sentence for people; empty when they can.
    """

    kind: str
    title: str
    icon: str
    summary: str
    description: str
    config: type[NodeConfig]
    due: DueOf
    next_at: Callable[[Any, datetime], datetime | None]
    trouble: Callable[[Any], str]
    examples: tuple[DueExample, ...]

    noun: ClassVar[str] = "trigger type"

    @property
    def module(self) -> str:
        """Where it is declared."""
        return self.due.__module__


def trigger(
    *,
    kind: str,
    title: str,
    icon: str,
    next_at: Callable[[Any, datetime], datetime | None],
    trouble: Callable[[Any], str],
    examples: Sequence[DueExample] = (),
) -> Callable[[DueOf], TriggerType]:
    """Turn a `def due(config: Config, first, at) -> Due` into a TriggerType; the module's docstring describes it.

    Args:
        kind: Stable word stored with each trigger, such as `schedule`.
    """

    def declare(due: DueOf) -> TriggerType:
        module = inspect.getmodule(due)
        text = inspect.cleandoc((module.__doc__ if module else "") or due.__doc__ or "")
        summary, _, rest = text.partition("\n")
        return TriggerType(
            kind=kind,
            title=title,
            icon=icon,
            summary=summary.strip(),
            description=rest.strip(),
            config=typing.get_type_hints(due)[next(iter(inspect.signature(due).parameters))],
            due=due,
            next_at=next_at,
            trouble=trouble,
            examples=tuple(examples),
        )

    return declare
