"""Events of a run as patches for the live store of a page."""

from collections.abc import Sequence
from typing import Any

from app.components.canvas.protocol import Patch
from app.engine.events import Event


def patch_of(run_id: str, after: int, events: Sequence[Event]) -> Patch:
    """Join events into one patch: of each step and span only its latest state."""
    steps: dict[str, dict[str, Any]] = {}
    spans: dict[str, dict[str, Any]] = {}
    patch = Patch(run_id=run_id, from_=after, seq=max([after, *(event.seq for event in events)]))
    for event in events:
        payload = event.payload
        if "run" in payload:
            patch.run = {**(patch.run or {}), **payload["run"]}
        if "step" in payload:
            steps[payload["step"]["path"]] = payload["step"]
        if "span" in payload:
            spans[payload["span"]["id"]] = payload["span"]
        if event.type == "step.waiting_human":
            patch.approvals.append(_question(event))
        elif event.type == "step.waiting" and "wait" in payload:
            patch.waits.append({**payload["wait"], "step_path": event.path})
        elif event.type == "step.log":
            line = {"at": event.at.isoformat(), **payload}
            patch.logs.setdefault(event.path or "", []).append(line)
        elif event.type == "llm.token":
            _add_text(patch, event)
    patch.steps, patch.spans = list(steps.values()), list(spans.values())
    return patch


def _question(event: Event) -> dict[str, Any]:
    step = event.payload.get("step", {})
    return {
        "approval_id": event.payload.get("approval_id"),
        "question": event.payload.get("question", {}),
        "step_id": step.get("id"),
        "node_id": event.node_id,
        "path": event.path,
    }


def _add_text(patch: Patch, event: Event) -> None:
    path, text = event.path or "", str(event.payload.get("text", ""))
    if event.payload.get("replace"):
        patch.texts[path] = text
        patch.tokens.pop(path, None)
    elif path in patch.texts:
        patch.texts[path] += text
    else:
        patch.tokens[path] = patch.tokens.get(path, "") + text
