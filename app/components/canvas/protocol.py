"""What canvas and server say to each other; `js/protocol.gen.js` is made from this module.

`python -m app.components.canvas.protocol` writes it; a test checks that it is fresh.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json

from app.components.recovery import RECOVERY
from app.components.statuses import STATUSES
from app.engine.graph.document import NodeSettings
from app.engine.graph.typing import compatible
from app.engine.sdk.node import PORT_TYPES

GENERATED = Path(__file__).parents[1] / "js" / "protocol.gen.js"

TYPE_NAMES = {name: name for name in PORT_TYPES} | {"any": "any value", "boolean": "yes or no"}


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Edits(_Message):
    """Canvas to server, POST /api/workflows/{id}/edits. `(client, seq)` makes a repeat harmless."""

    base_revision: int
    client: str = Field(min_length=1, max_length=64)
    seq: int = Field(ge=1)
    ops: list[dict[str, Any]] = Field(max_length=500)


class Start(_Message):
    """Canvas to state: run the workflow with this input, as JSON text: numbers on their way through the page would be
    rounded. `key` makes a repeat harmless.
    """

    input: Json[Any] | None = None
    key: str = Field(min_length=8, max_length=100)


class Control(_Message):
    """Canvas to state: what is to become of a run that goes on."""

    run_id: str
    action: Literal["pause", "resume", "cancel"]


class Decision(_Message):
    """Canvas to state: a person's answer to a waiting step; `value` is JSON text, null leaves it alone."""

    step_id: str
    choice: str = Field(max_length=100)
    comment: str = Field("", max_length=4_000)
    value: Json[Any] | None = None


class Patch(_Message):
    """State to the live store: what the events after `from` up to `seq` changed.

    Args:
        tokens: Text to append, by step path.
        texts: Text so far, in place of what is there, by step path.
        logs: Lines {at, message, fields} to append, by step path.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    run_id: str
    from_: int = Field(alias="from")
    seq: int
    run: dict[str, Any] | None = None
    steps: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    tokens: dict[str, str] = {}
    texts: dict[str, str] = {}
    approvals: list[dict[str, Any]] = []
    waits: list[dict[str, Any]] = []
    logs: dict[str, list[dict[str, Any]]] = {}


MESSAGES: dict[str, type[_Message]] = {
    "edits": Edits, "start": Start, "control": Control, "decision": Decision, "patch": Patch,
}  # fmt: skip

Shape = dict[Literal["required", "optional"], list[str]]


def _shape(message: type[_Message]) -> Shape:
    fields = {info.alias or name: info.is_required() for name, info in message.model_fields.items()}
    return {
        "required": [name for name, needed in fields.items() if needed],
        "optional": [name for name, needed in fields.items() if not needed],
    }


def script() -> str:
    """The module of constants that the canvas imports."""
    matrix = {
        f"{source}>{target}": reason
        for source in PORT_TYPES
        for target in PORT_TYPES
        if (reason := compatible(source, target)) is not None
    }
    parts = {
        "PORT_TYPES": list(PORT_TYPES),
        "TYPE_NAMES": TYPE_NAMES,
        "PORT_MATRIX": matrix,
        "SETTINGS": NodeSettings().model_dump(mode="json"),
        "RECOVERY": {name: way._asdict() for name, way in RECOVERY.items()},
        "STATUSES": {name: look._asdict() for name, look in STATUSES.items()},
        "MESSAGES": {name: _shape(message) for name, message in MESSAGES.items()},
    }
    lines = ["// Made by `python -m app.components.canvas.protocol`; do not edit."]
    for name, value in parts.items():
        lines.append(f"export const {name} = {json.dumps(value, indent=2, ensure_ascii=False)};")
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    GENERATED.write_text(script())
