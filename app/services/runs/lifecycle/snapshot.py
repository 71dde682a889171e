"""What the process executing a run knows of its row: plain values, for every run has one, and ORM objects are
expensive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from app.models import metadata


@dataclass(frozen=True)
class RunSnapshot:
    """A run as it was when it became ours; its row keeps changing."""

    id: str
    workspace_id: str
    workflow_id: str
    version_id: str
    epoch: int
    priority: int
    trigger: str
    input: Any
    limits: dict[str, Any] | None
    pins: dict[str, Any] | None
    started_at: datetime | None
    worked_s: float
    tokens: int
    cost_microusd: int
    unpriced: bool
    warning_count: int
    depth: int
    forked_from: str | None
    parent_run_id: str | None
    control: str | None
    attempts: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "RunSnapshot":
        """Take what is needed from a row, whatever else is in it."""
        return cls(*[row[name] for name in _NAMES])


_NAMES = tuple(field.name for field in fields(RunSnapshot))

SNAPSHOT_COLUMNS = tuple(metadata.tables["run"].c[name] for name in _NAMES)
"""What to read of a run's row."""
