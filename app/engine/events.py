"""Everything that can happen in a run, as frozen values with a sequence number."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import orjson

from app.kernel.clock import iso
from app.kernel.jsons import json_of

RunStatus = Literal["pending", "running", "paused", "waiting", "succeeded", "failed", "canceled"]
StepStatus = Literal[
    "pending",
    "running",
    "waiting_human",
    "waiting",
    "succeeded",
    "failed",
    "skipped",
    "canceled",
    "interrupted",
]
TERMINAL_RUN: frozenset[str] = frozenset({"succeeded", "failed", "canceled"})
TERMINAL_STEP: frozenset[str] = frozenset({"succeeded", "failed", "skipped", "canceled"})
WAITING_STEP: frozenset[str] = frozenset({"waiting_human", "waiting", "interrupted"})
"""Steps that go on only when somebody or something has come."""

EventType = Literal[
    "run.started", "run.progress", "run.responded", "run.waiting", "run.paused",
    "run.completed", "run.failed", "run.canceled",
    "step.started", "step.completed", "step.failed", "step.waiting_human", "step.waiting",
    "step.retrying", "step.skipped", "step.canceled", "step.log",
    "agent.request", "agent.response", "agent.handoff", "llm.token", "tool.request", "tool.response",
    "span.started", "span.ended",
]  # fmt: skip
EPHEMERAL: frozenset[str] = frozenset({"llm.token"})
"""Types that are streamed but not stored: the finished text is in the step's output."""


@dataclass(frozen=True)
class Event:
    """One fact about a run. No model of pydantic: a run makes many, and what makes them is ours.

    Args:
        seq: Counts from 1 within the run without gaps; 0 on ephemeral events.
        node_id, path: The step it is about, if any; path is the node id, or `loop[3]/inner`.
    """

    seq: int
    at: datetime
    workspace_id: str
    run_id: str
    type: EventType
    node_id: str | None = None
    path: str | None = None
    span_id: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)

    def with_payload(self, **changes: Any) -> "Event":  # noqa: ANN401 - JSON
        """The same event with more, or other, things said."""
        return replace(self, payload={**self.payload, **changes})

    def to_json(self) -> bytes:
        """The event as one JSON object, its time as ISO 8601 with Z."""
        return json_of({**vars(self), "at": iso(self.at)})


def events_to_json(events: Iterable[Event]) -> bytes:
    """Events as one JSON list."""
    return b"[" + b",".join(event.to_json() for event in events) + b"]"


def events_from_json(data: bytes) -> tuple[Event, ...]:
    """The events that `events_to_json` wrote."""
    return tuple(
        Event(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        for fields in orjson.loads(data)
    )
