"""Scripts that hand something to the page: the only way in which handlers push what no var carries."""

import json
from typing import Any

from app.components.canvas.protocol import Patch

_PUSH = "(window.%s ??= {queue: [], push(it) { this.queue.push(it); }}).push(%s)"
"""The one function that is called; pushes wait in `queue` until the page's script is there."""


def push_script(patch: Patch) -> str:
    """The script that hands a patch of a run to the page."""
    return _script("agentloomLive", patch.model_dump(mode="json", exclude_defaults=True))


def edit_script(workflow_id: str, message: dict[str, Any]) -> str:
    """The script that hands an edit of a draft to the page."""
    return _script("agentloomEdits", {"workflow_id": workflow_id, **message})


def _script(receiver: str, message: dict[str, Any]) -> str:
    """Only a string is ever put into a script: the page parses the JSON in it, which keeps whole numbers exact."""
    return _PUSH % (receiver, json.dumps(json.dumps(message)))
