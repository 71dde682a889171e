"""From rows to views, and to the payloads of events."""

from collections.abc import Mapping
from typing import Any, cast

from app.engine.events import TERMINAL_RUN, Event, EventType, RunStatus, StepStatus
from app.engine.host import Origin, StepRecord
from app.engine.payloads import dollars, run_payload, step_payload
from app.kernel.clock import now
from app.models import Approval, Run, RunEvent, Span, Step, Wait, metadata
from app.services.runs.reading.views import ApprovalView, RunView, SpanView, StepView, WaitView

_AS_STORED = tuple(
    column.name for column in metadata.tables["run"].c if column.name in RunView.model_fields
)
"""What callers see of a run's row as it is."""

_READ = (*_AS_STORED, "unpriced", "cost_microusd")


def run_view(run: Run, workflow_name: str, version: int, notice: str | None = None) -> RunView:
    """A run as callers see it."""
    return view_of_row({name: getattr(run, name) for name in _READ}, workflow_name, version, notice)


def view_of_row(
    row: Mapping[str, Any], workflow_name: str, version: int, notice: str | None = None
) -> RunView:
    """A run's row, with values in its JSON columns, as callers see it."""
    return RunView(
        **{name: row[name] for name in _AS_STORED},
        workflow_name=workflow_name,
        version=version,
        cost_usd=None if row["unpriced"] else dollars(row["cost_microusd"]),
        notice=notice,
        responded=row["output"] is not None and row["status"] not in TERMINAL_RUN,
    )


def step_view(step: Step) -> StepView:
    """A step as callers see it."""
    return StepView(
        id=step.id,
        run_id=step.run_id,
        node_id=step.node_id,
        path=step.path,
        kind=step.kind,
        label=step.label,
        status=step.status,
        attempt=step.attempt,
        input=step.input,
        output=step.output,
        error=step.error,
        tokens=step.tokens,
        cost_usd=dollars(step.cost_microusd),
        started_at=step.started_at,
        finished_at=step.finished_at,
        alive=None if step.alive is None else tuple(step.alive),
        origin=step.origin,
        warnings=tuple(step.warnings or ()),
    )


def step_record(step: Step) -> StepRecord:
    """A step as the engine knows it; values over 64 KB are references."""
    return StepRecord(
        id=step.id,
        node_id=step.node_id,
        path=step.path,
        kind=step.kind,
        label=step.label,
        status=cast("StepStatus", step.status),
        origin=cast("Origin | None", step.origin),
        attempt=step.attempt,
        alive=None if step.alive is None else tuple(step.alive),
        input=step.input,
        output=step.output,
        error=step.error,
        tokens=step.tokens,
        cost_microusd=step.cost_microusd,
        started_at=step.started_at,
        finished_at=step.finished_at,
        warnings=tuple(step.warnings or ()),
    )


def span_view(span: Span) -> SpanView:
    """A span as callers see it."""
    return SpanView(
        id=span.id,
        step_path=span.step_path,
        parent_id=span.parent_id,
        kind=span.kind,
        name=span.name,
        status=span.status,
        attributes=span.attributes,
        started_at=span.started_at,
        finished_at=span.finished_at,
    )


def approval_view(
    approval: Approval, run_number: int, workflow_id: str, workflow_name: str
) -> ApprovalView:
    """A question as callers see it."""
    question = approval.question
    return ApprovalView(
        id=approval.id,
        run_id=approval.run_id,
        run_number=run_number,
        workflow_id=workflow_id,
        workflow_name=workflow_name,
        step_id=approval.step_id,
        node_id=approval.node_id,
        kind=approval.kind,
        title=question.get("title", ""),
        body=question.get("body", ""),
        choices=tuple(question.get("choices", ())),
        value=question.get("value"),
        editable=bool(question.get("editable")),
        status=approval.status,
        created_at=approval.created_at,
        recovery=bool(question.get("recovery")),
    )


def wait_view(wait: Wait) -> WaitView:
    """What a step waits for, as callers see it."""
    return WaitView(
        step_path=wait.step_path,
        for_=wait.kind,
        until=wait.until,
        name=wait.name,
        run_id=wait.child_run_id,
    )


def event_of(row: RunEvent) -> Event:
    """A stored event as a value."""
    return Event(
        seq=row.seq,
        at=row.at,
        workspace_id=row.workspace_id,
        run_id=row.run_id,
        type=cast(EventType, row.type),
        node_id=row.node_id,
        path=row.path,
        span_id=row.span_id,
        payload=row.payload,
    )


def run_event(run: Run, seq: int, kind: EventType) -> Event:
    """An event about the whole run, with its current state."""
    state = run_payload(
        cast("RunStatus", run.status),
        run.tokens,
        None if run.unpriced else run.cost_microusd,
        run.error,
        run.started_at,
        run.finished_at,
        run.warning_count,
    )
    return Event(
        seq=seq,
        at=now(),
        workspace_id=run.workspace_id,
        run_id=run.id,
        type=kind,
        payload={"run": state},
    )


def step_event(step: Step, seq: int, kind: EventType, **more: Any) -> Event:  # noqa: ANN401 - JSON
    """An event about a step, with its current state."""
    return Event(
        seq=seq,
        at=now(),
        workspace_id=step.workspace_id,
        run_id=step.run_id,
        type=kind,
        node_id=step.node_id,
        path=step.path,
        payload={"step": step_payload(step_record(step)), **more},
    )


def event_row(event: Event) -> RunEvent:
    """An event as a row."""
    return RunEvent(
        run_id=event.run_id,
        seq=event.seq,
        workspace_id=event.workspace_id,
        type=event.type,
        node_id=event.node_id,
        path=event.path,
        span_id=event.span_id,
        payload=event.payload,
        at=event.at,
    )
