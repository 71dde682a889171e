"""The one place that makes a run: checks it and builds its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from app.adapters.sql.blobs import BlobRow, put_blobs
from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.journal_rows import COUNT_RUNS, Row
from app.adapters.sql.leases import LEASE
from app.adapters.sql.statements import defaults_of
from app.adapters.sql.values import pack_text
from app.engine.host import ChildRequest
from app.engine.runtime.inputs import check_input
from app.engine.runtime.plan import Plan
from app.kernel.clock import now
from app.kernel.errors import TooLarge
from app.kernel.ids import new_id
from app.kernel.jsons import json_of
from app.models import Run, metadata
from app.services.runs.starting.limits import Placement, PlacementRequest
from app.services.runs.starting.pins import Outputs, check_pins
from app.services.versions import hashed

MAX_INPUT_BYTES = 5_000_000
_DEFAULTS: Mapping[str, Any] = {**defaults_of(metadata.tables["run"]), "number": 0}


@dataclass(frozen=True)
class NewRun:
    """What a run is to be made of.

    Args:
        plan: The compiled version; input and pins must fit it.
        placement: The placement itself, or what it is computed from.
        copies_input: The input comes from another run, which checked it. The caller copies it once the row exists.
        pins: Outputs that stand in for executing nodes.
        request_hash: Hash of the whole request; the same key with another hash is a conflict.
        called_by: The step of another run that calls this one and waits for it.
    """

    workspace_id: str
    workflow_id: str
    version_id: str
    plan: Plan
    trigger: str
    started_by: str | None
    placement: Placement | PlacementRequest
    input: Any = None
    copies_input: bool = False
    pins: Outputs | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    called_by: ChildRequest | None = None
    forked_from: str | None = None
    id: str = field(default_factory=partial(new_id, "run"))


def request_hash(asked: Any) -> str:  # noqa: ANN401 - JSON
    """Hash a request, its input included.

    Raises:
        InvalidInput: It is not a JSON value.
        TooLarge: It is larger than an input may be.
    """
    digest, data = hashed(asked)
    if len(data) > MAX_INPUT_BYTES:
        raise TooLarge(
            f"The input has {len(data):,} bytes; at most {MAX_INPUT_BYTES:,} are allowed."
        )
    return digest


def check_fit(plan: Plan, given: Any, pins: Outputs | None) -> None:  # noqa: ANN401 - JSON
    """Check that a plan accepts an input and pins.

    Raises:
        InvalidInput: It does not; `context["field"]` names what does not fit.
    """
    check_input(plan.input_schema, given)
    check_pins(plan, pins or {})


def new_run_row(new: NewRun) -> tuple[Row, list[BlobRow]]:
    """Check a new run; return its row, as a pending run, and the blobs of its large values.

    JSON columns hold text, as the journal's writer expects. The run gets its number when it is stored.

    Raises:
        InvalidInput: The input or the pins do not fit the plan, or the concurrency key's expression fails.
    """
    if new.copies_input:
        check_pins(new.plan, new.pins or {})
    else:
        check_fit(new.plan, new.input, new.pins)
    place = new.placement
    if isinstance(place, PlacementRequest):
        place = place.placement(new.input)
    row = {
        **_DEFAULTS,
        "id": new.id,
        "workspace_id": new.workspace_id,
        "workflow_id": new.workflow_id,
        "version_id": new.version_id,
        "trigger": new.trigger,
        "started_by": new.started_by,
        "idempotency_key": new.idempotency_key,
        "request_hash": new.request_hash,
        "queued_at": now(),
        "priority": place.priority,
        "concurrency_key": place.concurrency_key,
        "limits": None if place.limits is None else json_of(place.limits).decode(),
        "forked_from": new.forked_from,
    }
    if (call := new.called_by) is not None:
        row |= {
            "parent_run_id": call.parent_run_id,
            "parent_path": call.parent_path,
            "depth": call.depth,
        }
    blobs: list[BlobRow] = []
    for name, value in (("input", new.input), ("pins", new.pins or None)):
        if value is not None:
            row[name], large = pack_text(value, new.id, new.workspace_id)
            blobs += large
    return row, blobs


def values_of(row: Row, *columns: str) -> Row:
    """The parsed values of these JSON columns of a new run's row."""
    return {name: None if row[name] is None else orjson.loads(row[name]) for name in columns}


def claimed_by(worker: str, at: datetime) -> Row:
    """The columns of a run that is stored as already claimed, which saves the transaction that would claim it."""
    return {
        "status": "running",
        "epoch": 1,
        "worker": worker,
        "started_at": at,
        "lease_until": at + LEASE,
    }


async def create_run(uow: UnitOfWork, new: NewRun) -> Run:
    """Store a new run under the next number of its workspace. The caller queues or executes it.

    The workspace must be locked (`locked_workspace`): that serializes starts with the same idempotency key.

    Raises:
        As `new_run_row`.
    """
    row, blobs = new_run_row(new)
    row["number"] = await uow.session.scalar(COUNT_RUNS, {"at": new.workspace_id, "more": 1})
    run = Run(**{**row, **values_of(row, "input", "limits", "pins")})
    uow.session.add(run)
    if blobs:
        await uow.session.flush()  # the run's row first: its blobs point to it
        await put_blobs(uow.session, blobs)
    return run
