"""The catalog of node types."""

from functools import lru_cache
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict

from app.api.http.bodies import router
from app.api.http.delivery import KNOWN, unless_known
from app.api.http.deps import Signed
from app.engine.catalog import catalog
from app.engine.sdk.node import Effects, Port
from app.services.page import Page

node_types = router("/node-types", "node types")


class NodeExampleView(BaseModel):
    """What a node outputs for some inputs; `error` instead when it refuses them."""

    model_config = ConfigDict(extra="forbid")

    title: str
    config: dict[str, Any]
    inputs: dict[str, Any]
    outputs: dict[str, Any] | None = None
    error: str | None = None


class NodeTypeView(BaseModel):
    """A node type: its form as JSON Schema, its ports, its examples."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    version: int
    title: str
    category: str
    icon: str
    summary: str
    description: str
    config_schema: dict[str, Any]
    default_config: dict[str, Any]
    inputs: list[Port]
    outputs: list[Port]
    dynamic_outputs: bool
    effects: Effects
    retry_safe: bool
    trigger: bool
    container: bool
    tool: bool
    uses_model: bool
    quick: bool
    responds: bool
    merges: bool
    stops: bool
    body_names: list[str]
    examples: list[NodeExampleView]


@lru_cache
def _catalogue() -> bytes:
    page = Page[NodeTypeView](
        items=[NodeTypeView(**each) for each in catalog().public()], next_cursor=None
    )
    return page.model_dump_json(exclude_unset=True).encode()


@node_types.get("", response_model=Page[NodeTypeView], responses={304: KNOWN})
async def list_node_types(who: Signed, request: Request) -> Response:
    """Every node type: its form as JSON Schema, its ports, its examples."""
    return unless_known(request, _catalogue())
