"""Which run is next: the rules of fairness, on plain values.

Between workspaces, the one with the fewest active runs is next; nobody waits for another's long queue. Within a
workspace, and where workspaces are tied, the run that has waited longest is next, where each level of priority counts
as a minute: urgent runs overtake, and the others still get their turn.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

LEVEL = timedelta(minutes=1)
"""How much longer a run waits for each level of priority below the highest."""

Group = tuple[str, str | None]
"""A workflow and a concurrency key: runs that share both are bounded together."""


def max_concurrent_of(settings: Mapping[str, Any] | None, key: str | None) -> int | None:
    """How many runs of a group may be active at once; None: any number. A key without a number means one at a time.

    Args:
        settings: The workflow's run settings.
        key: The runs' concurrency key.
    """
    given = (settings or {}).get("concurrency")
    if isinstance(given, int) and given > 0:
        return given
    return 1 if key is not None else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pending run.

    Args:
        max_concurrent: How many runs of its group may be active; None: any number.
        suspect: It may be what killed its processes.
    """

    id: str
    workspace_id: str
    group: Group
    priority: int
    queued_at: datetime
    max_concurrent: int | None = None
    suspect: bool = False

    @property
    def rank(self) -> tuple[datetime, str]:
        """Smaller ones go first."""
        return self.queued_at + self.priority * LEVEL, self.id


@dataclass
class Load:
    """How many runs are active, by workspace and by group, and how many a workspace may have; whether one of this
    process is a suspect.
    """

    workspaces: dict[str, int] = field(default_factory=dict)
    groups: dict[Group, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    has_suspect: bool = False

    def has_room(self, workspace_id: str) -> bool:
        """Whether the workspace may have one more active run."""
        most = self.most.get(workspace_id)
        return most is None or self.workspaces.get(workspace_id, 0) < most

    def fits(self, one: Candidate) -> bool:
        """Whether the run's group may have one more active run, and this process such a run."""
        if one.suspect and self.has_suspect:
            return False
        return one.max_concurrent is None or self.groups.get(one.group, 0) < one.max_concurrent

    def add(self, one: Candidate) -> None:
        """Count a run as active."""
        self.has_suspect |= one.suspect
        self.workspaces[one.workspace_id] = self.workspaces.get(one.workspace_id, 0) + 1
        self.groups[one.group] = self.groups.get(one.group, 0) + 1


def choose(candidates: Iterable[Candidate], load: Load, free: int) -> list[Candidate]:
    """Choose at most `free` runs, in order; `load` then counts them as well."""
    lines: dict[str, list[Candidate]] = {}
    for one in candidates:
        lines.setdefault(one.workspace_id, []).append(one)
    heads: list[_Head] = []
    for workspace_id, line in lines.items():
        _line_up(heads, load, workspace_id, iter(sorted(line, key=lambda one: one.rank)))
    chosen: list[Candidate] = []
    while heads and len(chosen) < free:
        _, _, workspace_id, one, rest = heapq.heappop(heads)
        if load.fits(one):  # it did when lined up; its group may have grown since
            load.add(one)
            chosen.append(one)
        _line_up(heads, load, workspace_id, rest)
    return chosen


_Head = tuple[int, tuple[datetime, str], str, Candidate, Iterator[Candidate]]


def _line_up(heads: list[_Head], load: Load, workspace_id: str, line: Iterator[Candidate]) -> None:
    """Push the workspace's next run that may start onto the heap, if there is one."""
    if not load.has_room(workspace_id):
        return
    one = next((one for one in line if load.fits(one)), None)
    if one is not None:
        at_work = load.workspaces.get(workspace_id, 0)
        heapq.heappush(heads, (at_work, one.rank, workspace_id, one, line))
