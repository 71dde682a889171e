"""What a check found: one sentence, the place, and how to fix it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Fix(BaseModel):
    """A fix that one click applies: graph operations as the canvas sends them."""

    model_config = ConfigDict(frozen=True)

    title: str
    ops: tuple[dict[str, Any], ...]


class Problem(BaseModel):
    """A finding. Errors block running; warnings do not."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Literal["error", "warning"]
    message: str
    node_id: str | None = None
    field: str | None = None
    edge_id: str | None = None
    fix: Fix | None = None
