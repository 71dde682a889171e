"""Events of a run as patches for the live store of a page."""

import json
from collections.abc import Sequence
from typing import Any

from app.components.canvas.protocol import Patch
from app.engine.events import Event

_PUSH = "(window.%s ??= {queue: [], push(it) { this.queue.push(it); }}).push(%s)"
"""The one function that is called; pushes wait in `queue` until the page's script is there."""


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


def push_script(patch: Patch) -> str:
    """The script that hands a patch of a run to the page."""
    return _script("agentloomLive", patch.model_dump(mode="json", exclude_defaults=True))


def edit_script(workflow_id: str, message: dict[str, Any]) -> str:
    """The script that hands an edit of a draft to the page."""
    return _script("agentloomEdits", {"workflow_id": workflow_id, **message})


def _script(receiver: str, message: dict[str, Any]) -> str:
    """Only a text is ever put into a script: the page reads the JSON in it, which keeps whole numbers exact."""
    return _PUSH % (receiver, json.dumps(json.dumps(message)))
