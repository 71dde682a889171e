"""Facts as rows, and the statements that store them. Every statement may be repeated without
harm.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Insert, Table, Update, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.adapters.values import pack
from app.engine.events import FLEETING, TERMINAL_RUN, TERMINAL_STEP, Event
from app.engine.host import (
    ApprovalRecord,
    Fact,
    LlmCallRecord,
    RunPatch,
    SpanRecord,
    StepRecord,
    WaitRecord,
)
from app.kernel.clock import now
from app.models import metadata

_RUN = metadata.tables["run"]
_STEP = metadata.tables["step"]
_SPAN = metadata.tables["span"]
_EVENT = metadata.tables["run_event"]
_APPROVAL = metadata.tables["approval"]
_CALL = metadata.tables["llm_call"]
_WAIT = metadata.tables["wait"]
_BLOB = metadata.tables["blob"]
_LEFT = frozenset({"waiting", "paused", *TERMINAL_RUN})
"""Statuses in which no process works on a run."""

_CHANGING: dict[str, tuple[tuple[str, ...], Collection[str]]] = {
    "step": (("run_id", "path"), TERMINAL_STEP),
    "span": (("id",), ()),
}
"""Tables whose rows are replaced: by which keys, and in which statuses they stay as they are."""

_LEFT_OPEN = tuple(
    update(table)
    .where(table.c.run_id == bindparam("of_run"), table.c.status.not_in(sorted(TERMINAL_STEP)))
    .values(status="canceled", finished_at=bindparam("ended_at"))
    for table in (_STEP, _SPAN)
)
"""Ends all steps and spans of a run that have not ended."""

Row = dict[str, Any]


@dataclass
class Rows:
    """Rows by table; `size` is a rough number of bytes."""

    runs: dict[str, Row] = field(default_factory=dict)
    steps: dict[tuple[str, str], Row] = field(default_factory=dict)
    spans: dict[str, Row] = field(default_factory=dict)
    events: dict[tuple[str, int], Row] = field(default_factory=dict)
    approvals: dict[str, Row] = field(default_factory=dict)
    calls: dict[str, Row] = field(default_factory=dict)
    waits: dict[str, Row] = field(default_factory=dict)
    blobs: dict[str, Row] = field(default_factory=dict)
    size: int = 0

    @property
    def count(self) -> int:
        """How many facts these are."""
        return (
            len(self.steps)
            + len(self.spans)
            + len(self.events)
            + len(self.approvals)
            + len(self.calls)
            + len(self.waits)
        )


def rows_of(facts: Sequence[Fact], run_id: str, workspace_id: str) -> Rows:
    """Turn facts of one run into rows; a later fact about the same thing replaces the earlier
    one.
    """
    batch = Rows()
    for fact in facts:
        if isinstance(fact, StepRecord):
            _add_step(batch, _step(batch, fact, run_id, workspace_id))
        elif isinstance(fact, SpanRecord):
            batch.spans[fact.id] = _span(batch, fact, run_id, workspace_id)
        elif isinstance(fact, Event):
            if fact.type not in FLEETING:
                batch.events[(run_id, fact.seq)] = _event(batch, fact)
        elif isinstance(fact, ApprovalRecord):
            batch.approvals[fact.id] = _approval(batch, fact, run_id, workspace_id)
        elif isinstance(fact, WaitRecord):
            belongs = {"run_id": run_id, "workspace_id": workspace_id}
            batch.waits[fact.id] = {**vars(fact), **belongs, "status": "open", "created_at": now()}
        elif isinstance(fact, LlmCallRecord):
            batch.calls[fact.id] = {**vars(fact), "run_id": run_id, "workspace_id": workspace_id}
            batch.size += 200
        else:
            batch.runs.setdefault(run_id, {}).update(_patch(batch, fact, run_id, workspace_id))
    return batch


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
        whole.blobs.update(batch.blobs)
    return whole


def lock_epochs(connection: Connection, run_ids: Collection[str]) -> dict[str, int]:
    """Read the epochs of runs and hold them: nobody can claim these before the transaction ends.

    In the order of ids, like every statement that locks several runs, so that two never wait for
    each other.
    """
    query = (
        select(_RUN.c.id, _RUN.c.epoch).where(_RUN.c.id.in_(sorted(run_ids))).order_by(_RUN.c.id)
    )
    found = connection.execute(query.with_for_update(key_share=True))
    return {row.id: row.epoch for row in found}


def write(connection: Connection, batch: Rows) -> None:
    """Store rows. Final steps and runs stay as they are; nothing is stored twice."""
    dialect = connection.dialect.name
    for table, rows in (
        (_BLOB, batch.blobs),
        (_STEP, batch.steps),
        (_SPAN, batch.spans),
        (_EVENT, batch.events),
        (_CALL, batch.calls),
        (_WAIT, batch.waits),
    ):
        if rows:
            connection.execute(_statement(dialect, table), list(rows.values()))
    for approval in batch.approvals.values():
        of_step = {"of_run": approval["run_id"], "at_path": approval["step_path"]}
        connection.execute(_statement(dialect, _APPROVAL), {**approval, **of_step})
    for step in batch.steps.values():
        if step["status"] == "canceled":  # nobody is to answer, and nothing to come, any more
            connection.execute(_unasked(step["run_id"], step["path"]))
            connection.execute(_unwaited(step["run_id"], step["path"]))
    for run_id, patch in batch.runs.items():
        open_run = (_RUN.c.id == run_id) & _RUN.c.status.not_in(TERMINAL_RUN)
        connection.execute(update(_RUN).where(open_run).values(**patch))
    _end_the_rest(connection, batch.runs)


def _end_the_rest(connection: Connection, runs: Mapping[str, Row]) -> None:
    """End what an earlier life of a finished run left open; the last one may not know of it."""
    over = {run_id: patch for run_id, patch in runs.items() if patch.get("status") in TERMINAL_RUN}
    if over:
        ends = [{"of_run": run, "ended_at": patch["finished_at"]} for run, patch in over.items()]
        for statement in _LEFT_OPEN:
            connection.execute(statement, ends)


@lru_cache
def _statement(dialect: str, table: Table) -> Insert:
    """How rows of a table are stored; built once, since building costs more than executing."""
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    if table is _APPROVAL:
        same = (_STEP.c.run_id == bindparam("of_run")) & (_STEP.c.path == bindparam("at_path"))
        step_id = select(func.coalesce(func.max(_STEP.c.id), "")).where(same).scalar_subquery()
        statement = statement.values(step_id=step_id)
    keys, final = _CHANGING.get(table.name, ((), ()))
    if not keys:
        return cast(Insert, statement.on_conflict_do_nothing())
    names = [column.name for column in table.c if column.name not in keys]
    changed = {name: statement.excluded[name] for name in names}
    still_open = and_(*(table.c.status != status for status in sorted(final))) if final else None
    return cast(
        Insert,
        statement.on_conflict_do_update(index_elements=keys, set_=changed, where=still_open),
    )


def _unasked(run_id: str, path: str) -> Update:
    of_step = (_APPROVAL.c.run_id == run_id) & (_APPROVAL.c.step_path == path)
    still_open = of_step & (_APPROVAL.c.status == "open")
    return update(_APPROVAL).where(still_open).values(status="canceled", decided_at=now())


def _unwaited(run_id: str, path: str) -> Update:
    of_step = (_WAIT.c.run_id == run_id) & (_WAIT.c.step_path == path)
    still_open = of_step & (_WAIT.c.status == "open")
    return update(_WAIT).where(still_open).values(status="canceled", done_at=now())


def _add_step(batch: Rows, step: Row) -> None:
    key = (step["run_id"], step["path"])
    earlier = batch.steps.get(key)
    if earlier is None or earlier["status"] not in TERMINAL_STEP:
        batch.steps[key] = step


def _packed(batch: Rows, value: Any, run_id: str, workspace_id: str) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return None
    stored, blobs = pack(value, run_id, workspace_id)
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
        "alive": None if fact.alive is None else list(fact.alive),
        "input": _packed(batch, fact.input, run_id, workspace_id),
        "output": _packed(batch, fact.output, run_id, workspace_id),
        "error": _packed(batch, fact.error, run_id, workspace_id),
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
    }


def _patch(batch: Rows, fact: RunPatch, run_id: str, workspace_id: str) -> Mapping[str, Any]:
    patch = {key: value for key, value in vars(fact).items() if value is not None}
    for key in ("output", "error"):
        if key in patch:
            patch[key] = _packed(batch, patch[key], run_id, workspace_id)
    if fact.status in _LEFT:
        patch.update(worker=None, lease_until=None)
    if fact.status in TERMINAL_RUN:
        patch.setdefault("finished_at", now())
        patch["control"] = None
    return patch
