"""How steps, spans, runs and errors look inside events. Pure."""

import re
from datetime import datetime
from typing import Any

from app.engine.events import RunStatus
from app.engine.host import SpanRecord, StepRecord
from app.engine.sdk import Json
from app.engine.sdk.text import as_text
from app.kernel.clock import iso
from app.kernel.errors import AppError, StepError
from app.kernel.jsons import json_of
from app.kernel.log import mask

PREVIEW = 200


def moment(at: datetime | None) -> str | None:
    """Write a time as ISO 8601 with Z."""
    return iso(at) if at else None


def dollars(microusd: int | None) -> float | None:
    """Convert millionths of a dollar to dollars; None stays None: unpriced."""
    return None if microusd is None else round(microusd / 1_000_000, 6)


def price(microusd: int) -> str:
    """Write an amount for people, as exact as small model calls need it."""
    return f"${microusd / 1_000_000:.4f}"


def plain(output: dict[str, Json] | None) -> Json:
    """Return the value of an output with one port, otherwise the values by port."""
    return next(iter(output.values())) if output and len(output) == 1 else output


def preview(value: Json) -> str:
    """Shorten a value to at most 200 characters of text."""
    text = json_of(value).decode() if isinstance(value, (dict, list)) else as_text(value)
    text = text[: PREVIEW * 4]
    return mask(text)[:PREVIEW]


def address(url: str) -> str:
    """Return a URL without the parts that may be secret: user, password, query."""
    return re.sub(r"^(\w+://)[^/]*@", r"\1", re.split(r"[?#]", url)[0])


def masked(value: Json) -> Json:
    """Return the value with what looks like a key or token replaced in all its texts."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return value


def error_of(error: Exception) -> dict[str, Any]:
    """Describe a failure for people: code and sentence, never a stack trace."""
    if not isinstance(error, AppError):
        words = mask(f"{type(error).__name__}: {error}".removesuffix(": "))
        return {"code": StepError.code, "message": f"The step stopped with an unexpected {words}"}
    described: dict[str, Any] = {"code": error.code, "message": mask(error.message)}
    if error.context.get("field"):
        described["field"] = error.context["field"]
    if "reply" in error.context:
        described["status"] = error.context["reply"]["status"]
    if "partial" in error.context:
        described["partial"] = masked(error.context["partial"])
    if isinstance(error, StepError):
        described["retryable"] = error.retryable
    return described


def step_payload(step: StepRecord) -> dict[str, Any]:
    """Describe a step as events carry it."""
    return {
        "id": step.id, "node_id": step.node_id, "path": step.path, "kind": step.kind,
        "label": step.label, "status": step.status, "origin": step.origin,
        "attempt": step.attempt, "tokens": step.tokens,
        "cost_usd": dollars(step.cost_microusd), "started_at": moment(step.started_at),
        "finished_at": moment(step.finished_at), "error": step.error, "warnings": list(step.warnings),
        "alive": None if step.alive is None else sorted(step.alive),
        "preview": "" if step.output is None else preview(plain(step.output)),
    }  # fmt: skip


def span_payload(span: SpanRecord) -> dict[str, Any]:
    """Describe a span as events carry it; its attributes stay in the record."""
    described: dict[str, Any] = {
        "id": span.id, "step_path": span.step_path, "parent_id": span.parent_id, "kind": span.kind,
        "name": span.name, "status": span.status, "started_at": moment(span.started_at),
        "finished_at": moment(span.finished_at),
    }  # fmt: skip
    if "output_tokens" in span.attributes:
        described["tokens"] = span.attributes["input_tokens"] + span.attributes["output_tokens"]
        described["cost_usd"] = span.attributes["cost_usd"]
    return described


def run_payload(
    status: RunStatus,
    tokens: int,
    cost_microusd: int | None,
    error: dict[str, Any] | None,
    started_at: datetime | None,
    finished_at: datetime | None,
    warning_count: int = 0,
) -> dict[str, Any]:
    """Describe a run as events carry it."""
    return {
        "status": status, "tokens": tokens, "cost_usd": dollars(cost_microusd), "error": error,
        "started_at": moment(started_at), "finished_at": moment(finished_at),
        "warning_count": warning_count,
    }  # fmt: skip
