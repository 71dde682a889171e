"""Choosing and claiming pending runs in the database: plain SQL, as it is a worker's hottest transaction."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    TextualSelect,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from app.adapters.sql.leases import FAR, LEASE
from app.kernel.clock import now
from app.models import metadata
from app.models.types import Json, UtcDateTime
from app.services.runs.claiming.fairness import (
    LEVEL,
    Candidate,
    Group,
    Load,
    choose,
    max_concurrent_of,
)
from app.services.runs.lifecycle import SNAPSHOT_COLUMNS, RunSnapshot

_RUN = metadata.tables["run"]
_EVENT = metadata.tables["run_event"]
_VERSION = metadata.tables["workflow_version"]

MAX_GRAPHS = 256
_KEPT: OrderedDict[str, dict[str, Any]] = OrderedDict()

LEVELS = (0, 1, 2)
"""High, default and low, as runs have them."""

MAX_WORKSPACES = 200
"""At how many workspaces with pending runs one claim looks; the next claim begins after the last of them."""

SUSPECT = 3
"""A run that lost this many processes without coming further may be what kills them. A process has one such run at a
time, so that it does not take others along that are as far: of a run and those beside it nobody can tell who it was.
"""
_ANY = 1_000_000

SPARE = 20
"""How many more workspaces a claim looks into than it has slots: some have only runs that may not start yet."""

_CLAIMS = 7_221_001
"""The lock that lets workers claim one after the other, so that limits hold exactly (PostgreSQL)."""

_IN_LINE = text(
    # the server ends a claim that stalls, so that it cannot hold up the others
    "SELECT set_config('idle_in_transaction_session_timeout', '2000', true),"
    f" pg_advisory_xact_lock({_CLAIMS})"
)

_FIRST_OF = (
    "(SELECT min(queued_at) FROM run WHERE status = 'pending'"
    " AND workspace_id = line.id AND priority = {level}) AS first_{level}"
)

_WORKSPACES = text(
    # a few index lookups per workspace, however many of its runs wait
    "WITH RECURSIVE line(id) AS ("  # noqa: S608 - our own words
    " SELECT (SELECT min(workspace_id) FROM run"
    "  WHERE status = 'pending' AND workspace_id > :after)"
    " UNION ALL"
    " SELECT (SELECT min(workspace_id) FROM run"
    "  WHERE status = 'pending' AND workspace_id > line.id)"
    " FROM line WHERE line.id IS NOT NULL"
    ") SELECT line.id, workspace.max_running, "
    + ", ".join(_FIRST_OF.format(level=level) for level in LEVELS)
    + " FROM line JOIN workspace ON workspace.id = line.id LIMIT :most"
).columns(**{f"first_{level}": UtcDateTime for level in LEVELS})

_AT_WORK = text(
    "SELECT g.workspace_id, g.workflow_id, g.concurrency_key, g.runs, g.suspects, workflow.run_settings"
    " FROM (SELECT workspace_id, workflow_id, concurrency_key, count(*) AS runs,"
    "  sum(CASE WHEN attempts >= :suspect AND worker = :worker THEN 1 ELSE 0 END) AS suspects FROM run"
    "  WHERE status = 'running' GROUP BY workspace_id, workflow_id, concurrency_key) AS g"
    " JOIN workflow ON workflow.id = g.workflow_id"
).columns(run_settings=Json)

_FIRST = (
    "SELECT id FROM run WHERE status = 'pending'"
    " AND workspace_id = line.id AND priority = level.n"
    " AND workflow_id || '/' || coalesce(concurrency_key, '') NOT IN :full"
    " AND attempts < :deaths"
    " ORDER BY queued_at LIMIT :each"
)
"""The first pending runs of a workspace and a level whose group is not full: read in the order of the index."""

_SEEN = text(
    " UNION ".join(
        f"SELECT run_id FROM {table} WHERE run_id IN :runs"  # noqa: S608 - our own names
        for table in ("step", "run_event", "approval", "wait")
    )
).bindparams(bindparam("runs", expanding=True))
"""Which runs have something recorded: all but those that never began."""


_LINES = {
    "postgresql": (
        "unnest(CAST(:workspaces AS varchar[])) AS line(id)"
        " CROSS JOIN unnest(CAST(:levels AS integer[])) AS level(n)"
        f" CROSS JOIN LATERAL ({_FIRST}) AS first"
        " JOIN run ON run.id = first.id"
    ),
    "sqlite": (
        "(SELECT value AS id FROM json_each(:workspaces)) AS line"  # noqa: S608 - our own words
        " CROSS JOIN (SELECT value AS n FROM json_each(:levels)) AS level"
        f" CROSS JOIN run ON run.id IN ({_FIRST})"
    ),
}


@lru_cache
def _candidates(dialect: str) -> TextualSelect:
    query = text(
        "SELECT run.id, run.workspace_id, run.workflow_id, run.concurrency_key,"  # noqa: S608 - our own words
        f" run.priority, run.queued_at, run.attempts, workflow.run_settings FROM {_LINES[dialect]}"
        " JOIN workflow ON workflow.id = run.workflow_id"
    ).bindparams(bindparam("full", expanding=True))
    if dialect == "sqlite":
        lists = (bindparam("workspaces", type_=Json), bindparam("levels", type_=Json))
        query = query.bindparams(*lists)
    return query.columns(queued_at=UtcDateTime, run_settings=Json)


@dataclass(frozen=True)
class ClaimRequest:
    """What a worker asks for: at most `free` runs of these levels of priority.

    Args:
        max_concurrent: How many concurrent runs a workspace without its own limit may have.
        after: Where to start in the order of workspaces.
    """

    worker: str
    free: int
    levels: tuple[int, ...] = LEVELS
    max_concurrent: int = 1_000
    after: str = ""


@dataclass(frozen=True)
class Claim:
    """A run that is now ours, with its version's graph. `fresh`: nothing has been recorded of it yet."""

    run: RunSnapshot
    graph: dict[str, Any]
    fresh: bool


@dataclass(frozen=True)
class Taken:
    """Runs that are now ours, in the order in which they go.

    Args:
        waits: Runs were waiting; those that are not ours now may be over a limit.
        last: Where the next claim starts looking.
    """

    claims: tuple[Claim, ...] = ()
    waits: bool = False
    last: str = ""


def take_next(connection: Connection, request: ClaimRequest) -> Taken:
    """Take the runs that are next."""
    if connection.dialect.name == "postgresql":
        connection.execute(_IN_LINE)
    waiting = _waiting(connection, request)
    if not waiting:
        return Taken()
    load, full = _load(connection, request.worker)
    load.most = {one.id: one.most for one in waiting}
    line = sorted(waiting, key=lambda one: (load.workspaces.get(one.id, 0), one.rank))
    chosen: list[str] = []
    roomy = [one.id for one in line if load.has_room(one.id)]
    for at in range(0, len(roomy), request.free + SPARE):
        some = roomy[at : at + request.free + SPARE]
        found = _find(connection, request, some, full, suspects=not load.has_suspect)
        chosen += [one.id for one in choose(found, load, request.free - len(chosen))]
        if len(chosen) == request.free:
            break
    return Taken(
        claims=hold(connection, request.worker, chosen) if chosen else (),
        waits=True,
        last=waiting[-1].id if len(waiting) == MAX_WORKSPACES else "",
    )


def hold(connection: Connection, worker: str, run_ids: Sequence[str]) -> tuple[Claim, ...]:
    """Make pending runs ours, under a new epoch, in the order given; others are left out."""
    at = _clock(connection)
    ours = select(_RUN.c.id).where(_RUN.c.id.in_(run_ids), _RUN.c.status == "pending")
    taking = (
        update(_RUN)
        .where(_RUN.c.id.in_(ours.with_for_update(skip_locked=True)))
        .values(
            status="running",
            worker=worker,
            lease_until=at + LEASE,
            epoch=_RUN.c.epoch + 1,
            started_at=func.coalesce(_RUN.c.started_at, at),
        )
        .returning(*SNAPSHOT_COLUMNS)
    )
    taken = {row.id: RunSnapshot(*row) for row in connection.execute(taking)}
    if not taken:
        return ()
    seen = {row.run_id for row in connection.execute(_SEEN, {"runs": list(taken)})}
    graphs = _graphs(connection, {run.version_id for run in taken.values()})
    return tuple(
        Claim(taken[run_id], graphs[taken[run_id].version_id], fresh=run_id not in seen)
        for run_id in run_ids
        if run_id in taken
    )


_LAST_SEQ = (
    select(func.coalesce(func.max(_EVENT.c.seq), 0))
    .where(_EVENT.c.run_id == _RUN.c.id)
    .scalar_subquery()
)
_DEATHS = case(
    (
        exists().where(
            _EVENT.c.run_id == _RUN.c.id,
            _EVENT.c.seq > _RUN.c.crash_seq,
            _EVENT.c.type == "step.completed",
        ),
        1,
    ),
    else_=_RUN.c.attempts + 1,
)
"""How many processes of a run have died since a step of it was last finished: a run that comes further is not what
kills them."""


def _clock(connection: Connection) -> Any:  # noqa: ANN401 - a moment, or how the server finds it
    """The clock that leases are measured by: the database's, which all machines share."""
    return func.clock_timestamp() if connection.dialect.name == "postgresql" else now()


def is_over(at: Any) -> ColumnElement[bool]:  # noqa: ANN401 - as `_clock`
    """Whether a lease has expired, or lies so far ahead that the clock must have been put back since."""
    lease = _RUN.c.lease_until
    return or_(lease < at, lease > at + FAR, lease.is_(None))


@dataclass(frozen=True)
class Lost:
    """A run that is pending again because its process died."""

    id: str
    epoch: int
    priority: int


def let_lost_go(connection: Connection, run_ids: Sequence[str]) -> tuple[Lost, ...]:
    """Make those of the runs pending whose lease is still expired: their process has died, or is frozen. Counts a death
    for each.
    """
    at = _clock(connection)
    lost = (
        select(_RUN.c.id)
        .where(_RUN.c.id.in_(run_ids), _RUN.c.status == "running", is_over(at))
        .with_for_update(skip_locked=True)
    )
    going = (
        update(_RUN)
        .where(_RUN.c.id.in_(lost))
        .values(
            status="pending", worker=None, lease_until=None, attempts=_DEATHS, crash_seq=_LAST_SEQ
        )
        .returning(_RUN.c.id, _RUN.c.epoch, _RUN.c.priority)
    )
    return tuple(Lost(row.id, row.epoch, row.priority) for row in connection.execute(going))


def _graphs(connection: Connection, version_ids: set[str]) -> dict[str, dict[str, Any]]:
    """The graphs of versions; they never change, so recent ones are cached."""
    wanted = {version_id: _KEPT[version_id] for version_id in version_ids if version_id in _KEPT}
    missing = sorted(version_ids - wanted.keys())
    if missing:
        query = select(_VERSION.c.id, _VERSION.c.graph).where(_VERSION.c.id.in_(missing))
        wanted.update((row.id, row.graph) for row in connection.execute(query))
    for version_id, graph in wanted.items():
        _KEPT[version_id] = graph
        _KEPT.move_to_end(version_id)
    while len(_KEPT) > MAX_GRAPHS:
        _KEPT.popitem(last=False)
    return wanted


@dataclass(frozen=True)
class _Waiting:
    """A workspace with pending runs: how many may be active, and the rank of the first."""

    id: str
    most: int
    rank: datetime


def _waiting(connection: Connection, request: ClaimRequest) -> list[_Waiting]:
    """The workspaces in which runs of these levels wait: from `after` on, then from the start."""
    found: dict[str, _Waiting] = {}
    for begin in dict.fromkeys((request.after, "")):
        page = {"after": begin, "most": MAX_WORKSPACES - len(found)}
        for row in connection.execute(_WORKSPACES, page) if page["most"] else ():
            firsts = ((row._mapping[f"first_{level}"], level) for level in request.levels)
            ranks = [first + level * LEVEL for first, level in firsts if first is not None]
            most = request.max_concurrent if row.max_running is None else row.max_running
            if ranks:
                found.setdefault(row.id, _Waiting(row.id, most, min(ranks)))
    return list(found.values())


def _load(connection: Connection, worker: str) -> tuple[Load, list[str]]:
    """How many runs are active, and the groups that are full."""
    load, full = Load(), []
    for row in connection.execute(_AT_WORK, {"worker": worker, "suspect": SUSPECT}):
        load.has_suspect |= row.suspects > 0
        group = (row.workflow_id, row.concurrency_key)
        load.groups[group] = load.groups.get(group, 0) + row.runs
        load.workspaces[row.workspace_id] = load.workspaces.get(row.workspace_id, 0) + row.runs
        max_concurrent = max_concurrent_of(row.run_settings, row.concurrency_key)
        if max_concurrent is not None and load.groups[group] >= max_concurrent:
            full.append(_name(group))
    return load, full


def _find(
    connection: Connection,
    request: ClaimRequest,
    workspaces: Sequence[str],
    full: list[str],
    *,
    suspects: bool,
) -> list[Candidate]:
    """The first pending runs of each workspace and level; the fewer workspaces, the more of each."""
    given = {
        "workspaces": list(workspaces),
        "levels": list(request.levels),
        "full": full or [""],  # an empty list would have no type
        "each": 1 + 2 * request.free // (1 + len(workspaces)),
        "deaths": _ANY if suspects else SUSPECT,
    }
    return [
        Candidate(
            id=row.id,
            workspace_id=row.workspace_id,
            group=(row.workflow_id, row.concurrency_key),
            priority=row.priority,
            queued_at=row.queued_at,
            max_concurrent=max_concurrent_of(row.run_settings, row.concurrency_key),
            suspect=row.attempts >= SUSPECT,
        )
        for row in connection.execute(_candidates(connection.dialect.name), given)
    ]


def _name(group: Group) -> str:
    return f"{group[0]}/{group[1] or ''}"
