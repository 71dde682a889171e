"""Facts as rows, and the statements that store them. Every statement may be repeated without harm."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.adapters.sql.blobs import parts_of
from app.adapters.sql.statements import Prepared, once, prepare
from app.adapters.sql.values import pack_text
from app.engine.events import EPHEMERAL, TERMINAL_RUN, TERMINAL_STEP, Event
from app.engine.host import (
    ApprovalRecord,
    ConsumedRecord,
    Fact,
    LlmCallRecord,
    RunPatch,
    SpanRecord,
    StepRecord,
    WaitRecord,
)
from app.kernel.clock import now
from app.kernel.jsons import json_of
from app.models import metadata

_RUN = metadata.tables["run"]
_STEP = metadata.tables["step"]
_SPAN = metadata.tables["span"]
_EVENT = metadata.tables["run_event"]
_APPROVAL = metadata.tables["approval"]
_CALL = metadata.tables["llm_call"]
_WAIT = metadata.tables["wait"]
_WORKSPACE = metadata.tables["workspace"]
_BLOB = metadata.tables["blob"]
LEFT = frozenset({"waiting", "paused", *TERMINAL_RUN})
"""Statuses in which no process works on a run."""

_CHANGING: dict[str, tuple[tuple[str, ...], Collection[str]]] = {
    "step": (("run_id", "path"), TERMINAL_STEP),
    "span": (("id",), ()),
    "wait": (("id",), ("done", "canceled")),
}
"""Tables whose rows are replaced: by which keys, and in which statuses they stay as they are."""

Row = dict[str, Any]


@dataclass
class Rows:
    """Rows by table; `size` is an approximate number of bytes."""

    runs: dict[str, Row] = field(default_factory=dict)
    steps: dict[tuple[str, str], Row] = field(default_factory=dict)
    spans: dict[str, Row] = field(default_factory=dict)
    events: dict[tuple[str, int], Row] = field(default_factory=dict)
    approvals: dict[str, Row] = field(default_factory=dict)
    calls: dict[str, Row] = field(default_factory=dict)
    waits: dict[str, Row] = field(default_factory=dict)
    taken: dict[str, Row] = field(default_factory=dict)
    blobs: dict[str, Row] = field(default_factory=dict)
    size: int = 0

    @property
    def count(self) -> int:
        """The number of facts."""
        return (
            len(self.steps)
            + len(self.spans)
            + len(self.events)
            + len(self.approvals)
            + len(self.calls)
            + len(self.waits)
            + len(self.taken)
        )


def rows_of(facts: Sequence[Fact], run_id: str, workspace_id: str) -> Rows:
    """Turn facts of one run into rows; a later fact about the same thing replaces the earlier
    one.
    """
    batch = Rows()
    for step in _newest(facts):
        batch.steps[(run_id, step.path)] = _step(batch, step, run_id, workspace_id)
    for fact in facts:
        if isinstance(fact, StepRecord):
            continue
        if isinstance(fact, SpanRecord):
            batch.spans[fact.id] = _span(batch, fact, run_id, workspace_id)
        elif isinstance(fact, Event):
            if fact.type not in EPHEMERAL:
                batch.events[(run_id, fact.seq)] = _event(batch, fact)
        elif isinstance(fact, ApprovalRecord):
            batch.approvals[fact.id] = _approval(batch, fact, run_id, workspace_id)
        elif isinstance(fact, WaitRecord | ConsumedRecord):
            _add_wait(batch, fact, run_id, workspace_id)
        elif isinstance(fact, LlmCallRecord):
            batch.calls[fact.id] = {**vars(fact), "run_id": run_id, "workspace_id": workspace_id}
            batch.size += 200
        else:
            _change_run(batch, fact, run_id, workspace_id)
    return batch


def _change_run(batch: Rows, fact: RunPatch, run_id: str, workspace_id: str) -> None:
    if patch := _patch(batch, fact, run_id, workspace_id):  # answering null changes nothing of it
        batch.runs.setdefault(run_id, {}).update(patch)


def _add_wait(
    batch: Rows, fact: WaitRecord | ConsumedRecord, run_id: str, workspace_id: str
) -> None:
    if isinstance(fact, ConsumedRecord):
        batch.taken[fact.id] = {"of": fact.of, "taken_id": fact.id, "at": now()}
        return
    belongs = {"run_id": run_id, "workspace_id": workspace_id}
    batch.waits[fact.id] = {**vars(fact), **belongs, "status": "open", "created_at": now()}


def _newest(facts: Sequence[Fact]) -> Collection[StepRecord]:
    """The one record of each step to store: the first final one, or the last."""
    steps: dict[str, StepRecord] = {}
    for fact in facts:
        if isinstance(fact, StepRecord) and (
            fact.path not in steps or steps[fact.path].status not in TERMINAL_STEP
        ):
            steps[fact.path] = fact
    return steps.values()


def merge(batches: Sequence[Rows]) -> Rows:
    """Join batches in order; a later row replaces an earlier one, but no row of a final step."""
    whole = Rows()
    for batch in batches:
        for run_id, patch in batch.runs.items():
            whole.runs.setdefault(run_id, {}).update(patch)
        for step in batch.steps.values():
            _add_step(whole, step)
        whole.spans.update(batch.spans)
        whole.events.update(batch.events)
        whole.approvals.update(batch.approvals)
        whole.calls.update(batch.calls)
        whole.waits.update(batch.waits)
        whole.taken.update(batch.taken)
        whole.blobs.update(batch.blobs)
    return whole


def stored_before(connection: Connection, new: Sequence[Row]) -> frozenset[str]:
    """Which of these runs are already stored, by a commit whose answer was lost; they get their numbers.

    One that another process has started under the same id (decision 8) was queued at another moment: it is not one of
    these.
    """
    wanted = {row["id"]: row["queued_at"] for row in new}
    known = select(_RUN.c.id, _RUN.c.number, _RUN.c.queued_at).where(_RUN.c.id.in_(wanted))
    found = connection.execute(known)
    numbers = {row.id: row.number for row in found if row.queued_at == wanted[row.id]}
    for row in new:
        row["number"] = numbers.get(row["id"], 0)
    return frozenset(numbers)


def number_runs(connection: Connection, new: Sequence[Row]) -> list[str | None]:
    """Give new runs the next numbers of their workspaces and store them, in order.

    Returns:
        For each: None when it was stored, or the id of the run that has its idempotency key.
    """
    taken = _taken(connection, new)
    fresh = [row for row, known in zip(new, taken, strict=True) if known is None]
    for workspace_id, rows in _by_workspace(fresh):
        count = connection.execute(COUNT_RUNS, {"at": workspace_id, "more": len(rows)}).scalar_one()
        for number, row in enumerate(rows, count - len(rows) + 1):
            row["number"] = number
    if fresh:
        _send(connection, _insert(connection.dialect.name, _RUN, tuple(fresh[0])), fresh)
    return taken


COUNT_RUNS = (
    update(_WORKSPACE)
    .where(_WORKSPACE.c.id == bindparam("at"))
    .values(run_count=_WORKSPACE.c.run_count + bindparam("more"))
    .returning(_WORKSPACE.c.run_count)
)
"""Counts `more` new runs of the workspace `at`; gives the number of the last one."""


def _by_workspace(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["workspace_id"], []).append(row)
    return sorted(found.items())  # always in this order, so that two writers never block each other


def _taken(connection: Connection, new: Sequence[Row]) -> list[str | None]:
    """Which of these have a key that an earlier run of the workspace has."""
    keyed = [row for row in new if row["idempotency_key"] is not None]
    if not keyed:
        return [None] * len(new)
    for workspace_id, _ in _by_workspace(keyed):  # others with the same key wait here
        connection.execute(COUNT_RUNS, {"at": workspace_id, "more": 0})
    earlier: dict[tuple[str, str], str] = {}
    found: list[str | None] = []
    for row in new:
        place = (row["workspace_id"], row["idempotency_key"])
        if place[1] is not None and place not in earlier:
            same = (_RUN.c.workspace_id == place[0]) & (_RUN.c.idempotency_key == place[1])
            known = connection.execute(select(_RUN.c.id).where(same)).scalar()
            if known is not None:
                earlier[place] = known
        found.append(earlier.get(place) if place[1] is not None else None)
        if place[1] is not None:
            earlier.setdefault(place, row["id"])
    return found


def lock_epochs(connection: Connection, run_ids: Collection[str]) -> dict[str, int]:
    """Read the epochs of runs and hold them: nobody can claim these before the transaction ends.

    In the order of ids, like every statement that locks several runs, so that two never wait for
    each other.
    """
    if not run_ids:
        return {}
    found = connection.execute(_EPOCHS, {"runs": sorted(run_ids)})
    return {row.id: row.epoch for row in found}


_EPOCHS = (
    select(_RUN.c.id, _RUN.c.epoch)
    .where(_RUN.c.id.in_(bindparam("runs", expanding=True)))
    .order_by(_RUN.c.id)
    .with_for_update(key_share=True)
)


def write(connection: Connection, batch: Rows) -> None:
    """Store rows. Final steps and runs stay as they are; nothing is stored twice."""
    dialect = connection.dialect.name
    for part in parts_of(batch.blobs.values()):
        _send(connection, _insert(dialect, _BLOB, tuple(part)), [part])
    for table, rows in (
        (_STEP, batch.steps),
        (_SPAN, batch.spans),
        (_EVENT, batch.events),
        (_CALL, batch.calls),
        (_WAIT, batch.waits),
        (_APPROVAL, batch.approvals),
    ):
        if rows:
            columns = tuple(next(iter(rows.values())))
            _send(connection, _insert(dialect, table, columns), rows.values())
    for of, statement in (("approval", _HAD_ANSWER), ("wait", _HAD_RESULT)):
        if had := [row for row in batch.taken.values() if row["of"] == of]:
            _send(connection, statement(dialect), had)
    canceled = [step for step in batch.steps.values() if step["status"] == "canceled"]
    if canceled:  # no answer or delivery is expected any more
        at = now()
        for statement in (_UNASKED, _UNWAITED):
            _send(connection, statement(dialect), [{**step, "at": at} for step in canceled])
    for run_id, patch in batch.runs.items():
        _send(connection, _change(dialect, tuple(patch)), [{**patch, "of_run": run_id}])
    _end_the_rest(connection, batch.runs)


def _send(connection: Connection, prepared: Prepared, rows: Iterable[Row]) -> None:
    values = prepared.rows(rows)
    if connection.dialect.name == "sqlite":  # the code around it takes longer than the statement
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        driver.executemany(prepared.sql, values)
    else:
        connection.exec_driver_sql(prepared.sql, values if len(values) > 1 else values[0])


def _end_the_rest(connection: Connection, runs: Mapping[str, Row]) -> None:
    """End what an earlier execution of a finished run left open; the last one may not know of it."""
    over = {run_id: patch for run_id, patch in runs.items() if patch.get("status") in TERMINAL_RUN}
    if over:
        ends = [{"of_run": run, "ended_at": patch["finished_at"]} for run, patch in over.items()]
        for statement in _LEFT_OPEN:
            _send(connection, statement(connection.dialect.name), ends)


def _none_of(column: ColumnElement[str], statuses: Collection[str]) -> ColumnElement[bool]:
    return and_(*(column != status for status in sorted(statuses)))


_LEFT_OPEN = tuple(
    once(
        update(table)
        .where(table.c.run_id == bindparam("of_run"), _none_of(table.c.status, TERMINAL_STEP))
        .values(
            status="canceled", finished_at=bindparam("ended_at", type_=table.c.finished_at.type)
        )
    )
    for table in (_STEP, _SPAN)
)
"""Ends all steps and spans of a run that have not ended."""

_UNASKED = once(
    update(_APPROVAL)
    .where(
        _APPROVAL.c.run_id == bindparam("run_id"),
        _APPROVAL.c.step_path == bindparam("path"),
        _APPROVAL.c.status == "open",
    )
    .values(status="canceled", decided_at=bindparam("at", type_=_APPROVAL.c.decided_at.type))
)

_UNWAITED = once(
    update(_WAIT)
    .where(
        _WAIT.c.run_id == bindparam("run_id"),
        _WAIT.c.step_path == bindparam("path"),
        _WAIT.c.status == "open",
    )
    .values(status="canceled", done_at=bindparam("at", type_=_WAIT.c.done_at.type))
)


_HAD_ANSWER = once(
    update(_APPROVAL).where(_APPROVAL.c.id == bindparam("taken_id")).values(taken=True)
)

_HAD_RESULT = once(
    update(_WAIT)
    .where(_WAIT.c.id == bindparam("taken_id"), _WAIT.c.status != "canceled")
    .values(
        status="done",
        taken=True,
        done_at=func.coalesce(_WAIT.c.done_at, bindparam("at", type_=_WAIT.c.done_at.type)),
    )
)
"""A time that comes while a run is at work is seen by the run itself, before anybody closes the wait."""


@lru_cache
def _change(dialect: str, columns: tuple[str, ...]) -> Prepared:
    """Change these columns of a run that has not ended."""
    values = {name: bindparam(name, type_=_RUN.c[name].type) for name in columns}
    open_run = (_RUN.c.id == bindparam("of_run")) & _none_of(_RUN.c.status, TERMINAL_RUN)
    return prepare(update(_RUN).where(open_run).values(values), dialect)


@lru_cache
def _insert(dialect: str, table: Table, columns: tuple[str, ...]) -> Prepared:
    """How rows of a table with these columns are stored."""
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    if table is _APPROVAL:
        same = (_STEP.c.run_id == bindparam("of_run")) & (_STEP.c.path == bindparam("at_path"))
        step_id = select(func.coalesce(func.max(_STEP.c.id), "")).where(same).scalar_subquery()
        given = {
            name: bindparam(name, type_=table.c[name].type) for name in columns if name in table.c
        }
        return prepare(statement.values(**given, step_id=step_id).on_conflict_do_nothing(), dialect)
    keys, final = _CHANGING.get(table.name, ((), ()))
    if table is not _RUN and not keys:
        return prepare(statement.on_conflict_do_nothing(), dialect, columns)
    if keys:
        names = [column.name for column in table.c if column.name not in keys]
        changed = {name: statement.excluded[name] for name in names}
        still_open = _none_of(table.c.status, final) if final else None
        statement = statement.on_conflict_do_update(
            index_elements=keys, set_=changed, where=still_open
        )
    return prepare(statement, dialect, columns)


def _add_step(batch: Rows, step: Row) -> None:
    key = (step["run_id"], step["path"])
    earlier = batch.steps.get(key)
    if earlier is None or earlier["status"] not in TERMINAL_STEP:
        batch.steps[key] = step


def _packed(batch: Rows, value: Any, run_id: str, workspace_id: str) -> str | None:  # noqa: ANN401 - JSON
    """A value as JSON text; null is stored as no value."""
    if value is None:
        return None
    stored, blobs = pack_text(value, run_id, workspace_id)
    for blob in blobs:
        batch.blobs[blob["id"]] = blob
        batch.size += blob["size_bytes"]
    batch.size += 500  # most values are small; only the large ones decide when a batch is full
    return stored


def _step(batch: Rows, fact: StepRecord, run_id: str, workspace_id: str) -> Row:
    return {
        **vars(fact),
        "run_id": run_id,
        "workspace_id": workspace_id,
        "alive": None if fact.alive is None else json_of(list(fact.alive)).decode(),
        "input": _packed(batch, fact.input, run_id, workspace_id),
        "output": _packed(batch, fact.output, run_id, workspace_id),
        "error": _packed(batch, fact.error, run_id, workspace_id),
        "warnings": json_of(list(fact.warnings)).decode() if fact.warnings else None,
    }


def _span(batch: Rows, fact: SpanRecord, run_id: str, workspace_id: str) -> Row:
    attributes = _packed(batch, dict(fact.attributes), run_id, workspace_id)
    return {**vars(fact), "run_id": run_id, "workspace_id": workspace_id, "attributes": attributes}


def _event(batch: Rows, event: Event) -> Row:
    payload = _packed(batch, event.payload, event.run_id, event.workspace_id)
    return {
        "run_id": event.run_id,
        "seq": event.seq,
        "workspace_id": event.workspace_id,
        "type": event.type,
        "node_id": event.node_id,
        "path": event.path,
        "span_id": event.span_id,
        "payload": payload,
        "at": event.at,
    }


def _approval(batch: Rows, fact: ApprovalRecord, run_id: str, workspace_id: str) -> Row:
    question = _packed(batch, fact.question.model_dump(mode="json"), run_id, workspace_id)
    return {
        "id": fact.id,
        "workspace_id": workspace_id,
        "run_id": run_id,
        "step_path": fact.step_path,
        "node_id": fact.node_id,
        "kind": fact.question.kind,
        "question": question,
        "status": "open",
        "created_at": now(),
        "of_run": run_id,
        "at_path": fact.step_path,
    }


def _patch(batch: Rows, fact: RunPatch, run_id: str, workspace_id: str) -> Mapping[str, Any]:
    patch = {key: value for key, value in vars(fact).items() if value is not None}
    for key in ("output", "error"):
        if key in patch:
            patch[key] = _packed(batch, patch[key], run_id, workspace_id)
    if fact.status in LEFT:
        patch.update(worker=None, lease_until=None)
    if fact.status in TERMINAL_RUN:
        patch.setdefault("finished_at", now())
        patch["control"] = None
    return patch
