"""What is known after a run of the product under faults: its database, a history that the database
itself kept, what the outside saw, and what clients were told. Plain values."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.chaos.clock import Clock

Row = dict[str, Any]
_TABLES = {
    "runs": "select id, workflow_id, version_id, status, idempotency_key, tokens, control, epoch, attempts, error, input, worker, forked_from, parent_run_id, parent_path, output from run",
    "steps": "select run_id, node_id, path, kind, status, attempt, origin, tokens, output, error from step",
    "events": "select run_id, seq, type, path from run_event order by run_id, seq",
    "calls": "select run_id, step_path, input_tokens, output_tokens from llm_call",
    "approvals": "select id, run_id, step_id, step_path, status, question, answer from approval",
    "waits": "select run_id, step_path, kind, name, status, child_run_id from wait",
    "history": "select * from chaos_history order by id",
}

_COLUMNS = "at, what, run_id, path, was, is_now, epoch, worker"
_HISTORY = "id {key}, at double precision, what text, run_id text, path text, was text, is_now text, epoch int, worker text"
_STEP_EPOCH = "(select epoch from run where id = new.run_id)"
_STEP_WORKER = "(select worker from run where id = new.run_id)"
_FINAL = "('succeeded', 'failed', 'canceled', 'skipped')"
_KEPT = {
    "run_changed": ("update on run", "old.status <> new.status or old.epoch <> new.epoch",
                    "'run', new.id, null, old.status, new.status, new.epoch, new.worker"),
    "run_repinned": ("update on run", "old.version_id <> new.version_id",
                     "'repinned', new.id, null, old.version_id, new.version_id, new.epoch, new.worker"),
    "step_changed": ("update on step", "old.status <> new.status",
                     f"'step', new.run_id, new.path, old.status, new.status, {_STEP_EPOCH}, {_STEP_WORKER}"),
    "step_made": ("insert on step", "1 = 1",
                  f"'step', new.run_id, new.path, null, new.status, {_STEP_EPOCH}, {_STEP_WORKER}"),
    "step_rewritten": ("update on step",
                       f"old.status in {_FINAL} and (cast(old.output as text) <> cast(new.output as text) or old.attempt <> new.attempt)",
                       f"'rewritten', new.run_id, new.path, old.status, new.status, {_STEP_EPOCH}, {_STEP_WORKER}"),
}  # fmt: skip


async def keep_history(database_url: str) -> None:
    """Let the database itself note every change of a status, an epoch or a finished result."""
    if database_url.startswith("sqlite"):
        at = "(julianday('now') - 2440587.5) * 86400.0"
        script = f"create table chaos_history ({_HISTORY.format(key='integer primary key')});"
        for name, (when, condition, values) in _KEPT.items():
            script += (
                f"create trigger {name} after {when} when {condition} begin insert into "
                f"chaos_history ({_COLUMNS}) values ({at}, {values}); end;"
            )
        with closing(sqlite3.connect(database_url.partition(":///")[2], timeout=10)) as db:
            db.executescript(script)
        return
    connection = await asyncpg.connect(_plain(database_url))
    await connection.execute(f"create table chaos_history ({_HISTORY.format(key='bigserial')})")
    at = "extract(epoch from clock_timestamp())"
    for name, (when, condition, values) in _KEPT.items():
        await connection.execute(
            f"create function {name}() returns trigger language plpgsql as $$ begin "
            f"insert into chaos_history ({_COLUMNS}) values ({at}, {values}); return null; end $$;"
            f"create trigger {name} after {when} for each row when ({condition}) "
            f"execute function {name}()"
        )
    await connection.close()


async def query(database_url: str, statement: str) -> list[Row]:
    """Ask the database past the product."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.partition(":///")[2], timeout=10)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(statement)]
    connection = await asyncpg.connect(_plain(database_url))
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "")


@dataclass
class Told:
    """What clients of the product were told.

    Args:
        acknowledged: Ids of runs by idempotency key, from answers 200 and 202.
        refused: Keys whose only answer was an error.
        unclear: Keys whose connection was cut off; the run may exist.
        twice: Keys for which two different runs were named.
        followed: Event numbers a follower of a run received, over all its reconnections.
        answered: Per approval: the answers that were accepted.
        canceled: Runs whose cancellation was accepted.
        deeds: What else clients did to runs, each as often as it was accepted.
        workflows: The shape of each workflow, by id.
    """

    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    followed: dict[str, list[int]] = field(default_factory=dict)
    answered: dict[str, list[str]] = field(default_factory=dict)
    canceled: set[str] = field(default_factory=set)
    deeds: Counter[str] = field(default_factory=Counter)
    workflows: dict[str, str] = field(default_factory=dict)


@dataclass
class Death:
    """A process that was killed or frozen, by the harness or at a place in a run."""

    at: float
    pid: int
    deed: str
    until: float = 0.0
    place: str = ""


@dataclass
class Evidence:
    """All of it, for the checks."""

    told: Told
    runs: list[Row]
    steps: list[Row]
    events: list[Row]
    calls: list[Row]
    approvals: list[Row]
    history: list[Row]
    waits: list[Row]
    effects: list[Row]
    deaths: list[Death]
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When the database or Redis was away, frozen, or the clock moved: takeovers may take longer."""


def _lines(path: Path) -> list[Row]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


async def gather(
    database_url: str,
    effects: Path,
    clock: Clock,
    told: Told,
    deaths: list[Death],
    outages: list[tuple[float, float]] | None = None,
) -> Evidence:
    """Read everything."""
    rows = {name: await query(database_url, text) for name, text in _TABLES.items()}
    for name in ("runs", "steps", "approvals"):
        for row in rows[name]:
            for key in ("output", "error", "input", "question", "answer"):
                if isinstance(row.get(key), str):
                    row[key] = json.loads(row[key])
    last = 0.0
    for row in rows["history"]:  # the database goes by the product's clock
        last = row["at"] = clock.real(row["at"], last)
    return Evidence(
        told=told, effects=_lines(effects), deaths=deaths, outages=outages or [], **rows
    )
