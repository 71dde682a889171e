"""The catalogue of node types."""

from functools import lru_cache

import orjson
from fastapi import Response

from app.api.bodies import router
from app.api.deps import Signed
from app.engine.catalog import catalog

node_types = router("/node-types", "node types")


@lru_cache
def _catalogue() -> bytes:
    return orjson.dumps({"items": catalog().public(), "next_cursor": None})


@node_types.get("")
async def list_node_types(who: Signed) -> Response:
    """Every node type: its form as JSON Schema, its ports, its examples."""
    return Response(_catalogue(), media_type="application/json")
