"""Spans: the inner work of a step, as a tree."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Literal

from app.engine.host import SpanRecord
from app.engine.payloads import error_of, masked
from app.engine.runtime.execution import Step
from app.engine.sdk import Json

_current: ContextVar[str | None] = ContextVar("span_id", default=None)


class OpenSpan:
    """An open span. Facts noted on it are masked before they are stored."""

    def __init__(self, record: SpanRecord) -> None:
        self.record = record

    def note(self, **facts: Json) -> None:
        """Add facts such as `output=` or `status_code=`."""
        self.record = replace(self.record, attributes={**self.record.attributes, **masked(facts)})


def current_span() -> str | None:
    """Id of the innermost open span of the running task."""
    return _current.get()


@asynccontextmanager
async def open_span(step: Step, kind: str, name: str, **facts: Json) -> AsyncIterator[OpenSpan]:
    """Record a span around a piece of work: how long it took, what it noted, how it ended."""
    host, recorder = step.execution.host, step.execution.recorder
    span = OpenSpan(
        SpanRecord(
            id=host.new_id("span"),
            step_path=step.record.path,
            parent_id=_current.get(),
            kind=kind,
            name=name,
            status="running",
            attributes=masked(facts),
            started_at=host.now(),
        )
    )
    recorder.note_span(span.record, step.record)
    token = _current.set(span.record.id)
    status: Literal["succeeded", "failed", "canceled"] = "canceled"
    try:
        yield span
        status = "succeeded"
    except Exception as error:
        status = "failed"
        span.note(error=error_of(error))
        raise
    finally:
        _current.reset(token)
        recorder.note_span(replace(span.record, status=status, finished_at=host.now()), step.record)


@contextmanager
def detached() -> Iterator[None]:
    """Detach a step: its spans are not children of the step that started it."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
